import type { Franchise, TrustEntry } from "../api/franchise.ts";
import { PRIVATE_CATALOG_NAMESPACE } from "../api/name.ts";
import { isInTerm } from "../api/term.ts";
import type { Artifact } from "./rules/fact.ts";
import {
  isBelow,
  type PinnedReference,
  parseArtifactReference,
  type RepositoryPrefix,
} from "./rules/reference.ts";
import type { TrustedRoot } from "./signature/trusted-root.ts";

/** The content of ConfigMap `catalyst-trust`. */
export interface Trust {
  /** Keys and identities whose signatures the platform accepts, for every artifact. */
  entries: readonly TrustEntry[];
  /** Artifacts below these need no signature. */
  allowedRegistries: readonly RepositoryPrefix[];
  /** Hosts to which requests go over plain HTTP. */
  insecureRegistries: readonly string[];
  /** The root for all keyless signatures, those of a Franchise included. Undefined: no keyless signature counts. */
  trustedRoot?: TrustedRoot;
}

export const NO_TRUST: Trust = { entries: [], allowedRegistries: [], insecureRegistries: [] };

/** The requirement for the use of an artifact. */
export type TrustDecision =
  | { kind: "allowed"; digest: string; registry: string }
  | { kind: "signatureRequired"; reference: PinnedReference; by: TrustEntry[] }
  | { kind: "refused"; reason: string };

/** The decision, with the signature looked up where one is required. */
export type TrustVerdict =
  | Exclude<TrustDecision, { kind: "signatureRequired" }>
  | { kind: "verified"; digest: string; by: string };

/** Decides, and looks the signature up where one is required. Expected answers are values; nothing is thrown. */
export type ArtifactCheck = (artifact: Artifact, franchises: readonly Franchise[]) => Promise<TrustVerdict>;

/**
 * Decides whose signature an artifact needs. The platform may vouch for every artifact, by a signature or by allowing its
 * registry. `franchises` are those that act in the request, or that may own the artifact. While its term runs, a Franchise
 * may vouch for its own private Blueprints, and for the charts that install them.
 */
export function decideTrust(
  artifact: Artifact,
  { trust, franchises, nowMs }: { trust: Trust; franchises: readonly Franchise[]; nowMs: number },
): TrustDecision {
  const reference = parseArtifactReference(artifact.reference);
  if (reference.kind === "invalid") return { kind: "refused", reason: reference.problem };
  const { host, repository, digest } = reference;
  const registry = trust.allowedRegistries.find((prefix) => isBelow(reference, prefix));
  if (registry !== undefined)
    return { kind: "allowed", digest, registry: [registry.host, ...registry.segments].join("/") };
  const franchised = franchises.filter((it) => isInTerm(it, nowMs) && mayVouch(it, artifact));
  return {
    kind: "signatureRequired",
    reference: { host, repository, digest },
    by: [...trust.entries, ...franchised.flatMap(({ spec }) => spec.blueprintTrust ?? [])],
  };
}

/** Whether a Franchise may vouch for an artifact that is used like this. */
function mayVouch({ metadata }: Franchise, { use }: Artifact): boolean {
  if (use.kind === "chart") return true;
  return (
    use.kind === "blueprint" &&
    use.namespace === PRIVATE_CATALOG_NAMESPACE &&
    use.visibility === "private" &&
    use.franchise === metadata.name
  );
}
