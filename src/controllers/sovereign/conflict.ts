import type { Sovereign } from "../../api/sovereign.ts";
import type { SovereignCaches } from "./cache.ts";
import { SOVEREIGN_INDEX } from "./cache.ts";
import { namespaceOf } from "./desired-metadata.ts";

export interface Rivalry {
  reason: "FqdnTaken" | "SecondCatalystZero" | "NamespaceTaken";
  message: string;
}

type Sovereigns = SovereignCaches["sovereigns"];

/** All that cannot be beside this Sovereign, itself included. */
export function rivals(sovereigns: Sovereigns, sovereign: Sovereign): Sovereign[] {
  const { fqdn, role } = sovereign.spec;
  return [
    ...sovereigns.byIndex(SOVEREIGN_INDEX.fqdn, fqdn),
    ...(role === "CatalystZero" ? sovereigns.byIndex(SOVEREIGN_INDEX.role, role) : []),
    ...sovereigns.byIndex(SOVEREIGN_INDEX.namespace, namespaceOf(sovereign)),
  ];
}

/** What an older Sovereign has that this one wants too; the CRD cannot say that something is there once. */
export function findRivalry(sovereigns: Sovereigns, sovereign: Sovereign): Rivalry | undefined {
  const { name } = sovereign.metadata;
  const elder = rivals(sovereigns, sovereign).find((other) => isElder(other, sovereign));
  if (elder === undefined) return undefined;
  const remedy = `delete Sovereign ${name}, or ${elder.metadata.name} first`;
  if (elder.spec.fqdn === sovereign.spec.fqdn) {
    return {
      reason: "FqdnTaken",
      message: `spec.fqdn ${sovereign.spec.fqdn} is that of Sovereign ${elder.metadata.name}: ${remedy}`,
    };
  }
  if (elder.spec.role === "CatalystZero" && sovereign.spec.role === "CatalystZero") {
    return {
      reason: "SecondCatalystZero",
      message: `Sovereign ${elder.metadata.name} is the CatalystZero, and there is one: ${remedy}`,
    };
  }
  return {
    reason: "NamespaceTaken",
    message: `namespace ${namespaceOf(sovereign)} is that of Sovereign ${elder.metadata.name}: choose another spec.namespace`,
  };
}

/** The older is right; of two that came in the same second, the first by name. */
function isElder({ metadata: a }: Sovereign, { metadata: b }: Sovereign): boolean {
  const [ageOfA, ageOfB] = [a.creationTimestamp ?? "", b.creationTimestamp ?? ""];
  return ageOfA === ageOfB ? a.name < b.name : ageOfA < ageOfB;
}
