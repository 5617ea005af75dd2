import type { Sovereign } from "../../api/sovereign.ts";
import type { SovereignCaches } from "./cache.ts";
import { SOVEREIGN_INDEX } from "./cache.ts";
import { namespaceOf } from "./desired-metadata.ts";

export interface SovereignConflict {
  reason: "FqdnTaken" | "SecondCatalystZero" | "NamespaceTaken";
  message: string;
}

type Sovereigns = SovereignCaches["sovereigns"];

/** The Sovereigns that want the same fqdn, namespace or sole role as this one, itself included. */
export function conflictCandidates(sovereigns: Sovereigns, sovereign: Sovereign): Sovereign[] {
  const { fqdn, role } = sovereign.spec;
  return [
    ...sovereigns.byIndex(SOVEREIGN_INDEX.fqdn, fqdn),
    ...(role === "CatalystZero" ? sovereigns.byIndex(SOVEREIGN_INDEX.role, role) : []),
    ...sovereigns.byIndex(SOVEREIGN_INDEX.namespace, namespaceOf(sovereign)),
  ];
}

/** What an older Sovereign holds that this one wants too. A CRD's rules see one object, so they cannot refuse this. */
export function findConflict(sovereigns: Sovereigns, sovereign: Sovereign): SovereignConflict | undefined {
  const { name } = sovereign.metadata;
  const older = conflictCandidates(sovereigns, sovereign).find((other) => isOlder(other, sovereign));
  if (older === undefined) return undefined;
  const owner = `Sovereign ${older.metadata.name}`;
  const remedy = `delete Sovereign ${name}, or delete ${owner} first`;
  if (older.spec.fqdn === sovereign.spec.fqdn) {
    return {
      reason: "FqdnTaken",
      message: `spec.fqdn ${sovereign.spec.fqdn} is already used by ${owner}: ${remedy}`,
    };
  }
  if (older.spec.role === "CatalystZero" && sovereign.spec.role === "CatalystZero") {
    return {
      reason: "SecondCatalystZero",
      message: `${owner} is already the CatalystZero, and a cluster can have only one: ${remedy}`,
    };
  }
  return {
    reason: "NamespaceTaken",
    message:
      `namespace ${namespaceOf(sovereign)} is already used by ${owner}: ` +
      "delete this Sovereign and create it with another spec.namespace",
  };
}

/** The older Sovereign keeps what both want. Of two that were created in the same second, the first by name does. */
function isOlder({ metadata: a }: Sovereign, { metadata: b }: Sovereign): boolean {
  const [createdA, createdB] = [a.creationTimestamp ?? "", b.creationTimestamp ?? ""];
  return createdA === createdB ? a.name < b.name : createdA < createdB;
}
