import { brandingHosts, hostsOf, platformHosts } from "../../admission/rules/sovereign-host.ts";
import type { Sovereign } from "../../api/sovereign.ts";
import type { Refusal } from "../readiness.ts";
import { SOVEREIGN_INDEX, type SovereignCaches } from "./cache.ts";
import { namespaceOf } from "./desired-metadata.ts";

export interface SovereignConflict {
  reason: Refusal;
  message: string;
}

type Sovereigns = SovereignCaches["sovereigns"];

/** The Sovereigns that claim the same fqdn, host, namespace or unique role as this one, including itself. */
export function conflictCandidates(sovereigns: Sovereigns, sovereign: Sovereign): Sovereign[] {
  const { fqdn, role } = sovereign.spec;
  return [
    ...sovereigns.byIndex(SOVEREIGN_INDEX.fqdn, fqdn),
    ...hostsOf(sovereign).flatMap((host) => sovereigns.byIndex(SOVEREIGN_INDEX.host, host)),
    ...(role === "CatalystZero" ? sovereigns.byIndex(SOVEREIGN_INDEX.role, role) : []),
    ...sovereigns.byIndex(SOVEREIGN_INDEX.namespace, namespaceOf(sovereign)),
  ];
}

/**
 * The claim of this Sovereign that an older one already holds. The rules of a CRD see only one object, so they cannot check
 * this. Hosts that Franchisees choose are ignored, because otherwise one Franchisee could stop another one's Sovereign.
 */
export function findConflict(sovereigns: Sovereigns, sovereign: Sovereign): SovereignConflict | undefined {
  const { name } = sovereign.metadata;
  const older = conflictCandidates(sovereigns, sovereign).find(
    (other) => isOlder(other, sovereign) && wantsSame(other, sovereign),
  );
  if (older === undefined) return undefined;
  const owner = `Sovereign ${older.metadata.name}`;
  const remedy = `delete Sovereign ${name}, or delete ${owner} first`;
  if (older.spec.fqdn === sovereign.spec.fqdn) {
    return {
      reason: "FqdnTaken",
      message: `spec.fqdn ${sovereign.spec.fqdn} is already used by ${owner}: ${remedy}`,
    };
  }
  const host = sharedHost(older, sovereign);
  if (host !== undefined) {
    return {
      reason: "HostTaken",
      message: `host ${host} is already served by ${owner}: set another spec.billing.ingress.host, or ${remedy}`,
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

/**
 * Whether another Sovereign serves the host that this one's Franchisee chose. A host that the platform set on another
 * Sovereign always wins.
 */
export function isBrandingHostTaken(sovereigns: Sovereigns, sovereign: Sovereign): boolean {
  return brandingHosts(sovereign).some((host) =>
    sovereigns
      .byIndex(SOVEREIGN_INDEX.host, host)
      .filter(({ metadata }) => metadata.name !== sovereign.metadata.name)
      .some((other) => platformHosts(other).includes(host) || isOlder(other, sovereign)),
  );
}

const sharedHost = (a: Sovereign, b: Sovereign): string | undefined =>
  platformHosts(b).find((host) => platformHosts(a).includes(host));

/** Namespaces of the same name in different clusters are no conflict. Empty for this cluster. */
const clusterOf = ({ spec }: Sovereign): string => spec.cluster?.kubeconfigSecretRef.name ?? "";

function wantsSame(a: Sovereign, b: Sovereign): boolean {
  return (
    sharedHost(a, b) !== undefined ||
    (clusterOf(a) === clusterOf(b) && namespaceOf(a) === namespaceOf(b)) ||
    (a.spec.role === "CatalystZero" && b.spec.role === "CatalystZero")
  );
}

/** The older Sovereign keeps a disputed claim. Of two that were created in the same second, the first by name keeps it. */
function isOlder({ metadata: a }: Sovereign, { metadata: b }: Sovereign): boolean {
  const [createdA, createdB] = [a.creationTimestamp ?? "", b.creationTimestamp ?? ""];
  return createdA === createdB ? a.name < b.name : createdA < createdB;
}
