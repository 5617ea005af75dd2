import { createHash } from "node:crypto";
import type { TrustEntry } from "../../api/franchise.ts";
import { SYSTEM_NAMESPACE, TRUST_CONFIG_MAP } from "../../api/name.ts";
import { canonicalJson, sha256Digest } from "../../platform/canonical-json.ts";
import type { Logger } from "../../platform/log.ts";
import { createSingleFlight } from "../../platform/single-flight.ts";
import type { PinnedReference } from "../rules/reference.ts";
import { fetchClassicSignatures, isSignedBy } from "./classic.ts";
import { type OciClient, RegistryError } from "./oci-client.ts";

type Verdict = { kind: "verified"; digest: string; by: string } | { kind: "refused"; reason: string };

export interface SignatureVerifier {
  /** Whether an entry of `trust` signed the artifact. Expected answers are values; nothing is thrown. */
  verify(reference: PinnedReference, trust: readonly TrustEntry[]): Promise<Verdict>;
}

/** Shorter than the ten seconds that the API server waits for the webhook, so that a slow registry is reported as one. */
const DEADLINE_MS = 6_000;
const MAX_REMEMBERED = 10_000;

/**
 * Verifies cosign signatures. A verified signature is remembered by reference and trust; a refusal is checked again next
 * time. Equal checks at the same time share one look-up.
 */
export function createSignatureVerifier(deps: {
  client: OciClient;
  logger: Logger;
  maxRemembered?: number;
}): SignatureVerifier {
  const { maxRemembered = MAX_REMEMBERED } = deps;
  const verified = new Map<string, Verdict>();

  async function look(reference: PinnedReference, trust: readonly TrustEntry[]): Promise<Verdict> {
    const keys = trust.flatMap(({ publicKey }) => publicKey ?? []);
    const shown = textOf(reference);
    if (keys.length === 0)
      return {
        kind: "refused",
        reason: `no trusted key applies to ${shown}: add a key to trust in ConfigMap ${SYSTEM_NAMESPACE}/${TRUST_CONFIG_MAP}`,
      };
    const signatures = await fetchClassicSignatures(deps.client, reference, AbortSignal.timeout(DEADLINE_MS));
    if (signatures.length === 0)
      return {
        kind: "refused",
        reason: `${shown} has no cosign signature: sign it with cosign sign --key`,
      };
    const key = keys.find((candidate) =>
      signatures.some((signature) => isSignedBy(signature, reference.digest, candidate)),
    );
    return key === undefined
      ? {
          kind: "refused",
          reason: `${shown} is not signed by a trusted key: sign it with a key from ConfigMap ${SYSTEM_NAMESPACE}/${TRUST_CONFIG_MAP} or, for a private Blueprint, with a key of its Franchise`,
        }
      : { kind: "verified", digest: reference.digest, by: `key ${fingerprintOf(key)}` };
  }

  async function lookAndRemember(
    key: string,
    reference: PinnedReference,
    trust: readonly TrustEntry[],
  ): Promise<Verdict> {
    try {
      const verdict = await look(reference, trust);
      if (verdict.kind === "verified") {
        verified.set(key, verdict);
        for (const oldest of verified.keys()) {
          if (verified.size <= maxRemembered) break;
          verified.delete(oldest);
        }
      }
      return verdict;
    } catch (error) {
      const why = error instanceof RegistryError ? error.message : "no answer in time";
      const shown = textOf(reference);
      deps.logger.warn({ reference: shown, why }, "the signature of an artifact could not be checked");
      return {
        kind: "refused",
        reason: `the signature of ${shown} could not be checked, because its registry did not answer as it should: try again`,
      };
    }
  }
  const lookOnce = createSingleFlight(lookAndRemember, (key) => key);

  return {
    verify(reference, trust) {
      const key = sha256Digest(canonicalJson([reference, trust]));
      const known = verified.get(key);
      return known === undefined ? lookOnce(key, reference, trust) : Promise.resolve(known);
    },
  };
}

const textOf = ({ host, repository, digest }: PinnedReference) => `${host}/${repository}@${digest}`;

/** The start of a key's hash, by which a person recognises the key. */
function fingerprintOf(publicKeyPem: string): string {
  return `SHA256:${createHash("sha256").update(publicKeyPem.replaceAll(/\s/g, "")).digest("base64").slice(0, 16)}`;
}
