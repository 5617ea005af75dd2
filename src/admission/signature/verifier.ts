import { createHash } from "node:crypto";
import type { TrustEntry } from "../../api/franchise.ts";
import { canonicalJson, sha256Digest } from "../../platform/canonical-json.ts";
import type { Logger } from "../../platform/log.ts";
import { createSingleFlight } from "../../platform/single-flight.ts";
import { fetchClassicSignatures, holdsFor } from "./classic.ts";
import { type OciClient, RegistryError } from "./oci-client.ts";
import { parseReference } from "./reference.ts";

type Verdict = { kind: "verified"; digest: string; by: string } | { kind: "refused"; reason: string };

export interface SignatureVerifier {
  /** Whether an entry of `trust` signed what `reference` names. Expected answers are values; nothing is thrown. */
  verify(reference: string, trust: readonly TrustEntry[]): Promise<Verdict>;
}

/** Below the webhook's own deadline of ten seconds: a slow registry is a refusal, not a time-out of the API server. */
const DEADLINE_MS = 6_000;
const MAX_REMEMBERED = 10_000;

/**
 * Verifies cosign signatures. What held is remembered by digest and trust; what did not is asked again. Equal questions
 * under way share one answer.
 */
export function createSignatureVerifier(deps: { client: OciClient; logger: Logger }): SignatureVerifier {
  const verified = new Map<string, Verdict>();

  async function look(reference: string, trust: readonly TrustEntry[]): Promise<Verdict> {
    const pinned = parseReference(reference);
    if (pinned === undefined)
      return {
        kind: "refused",
        reason: `${reference || "(empty)"} names no digest: write repository@sha256:<64 hex>`,
      };
    const keys = trust.flatMap(({ publicKey }) => publicKey ?? []);
    if (keys.length === 0)
      return { kind: "refused", reason: "no key is trusted for it: add one to the trust" };
    const signatures = await fetchClassicSignatures(deps.client, pinned, AbortSignal.timeout(DEADLINE_MS));
    if (signatures.length === 0)
      return {
        kind: "refused",
        reason: `${reference} has no cosign signature: sign it with cosign sign --key`,
      };
    const key = keys.find((candidate) =>
      signatures.some((signature) => holdsFor(signature, pinned.digest, candidate)),
    );
    return key === undefined
      ? {
          kind: "refused",
          reason: `${reference} is signed, but by no trusted key: sign it with a key that the trust lists`,
        }
      : { kind: "verified", digest: pinned.digest, by: `key ${fingerprintOf(key)}` };
  }

  async function lookAndRemember(
    key: string,
    reference: string,
    trust: readonly TrustEntry[],
  ): Promise<Verdict> {
    try {
      const verdict = await look(reference, trust);
      if (verdict.kind === "verified") {
        verified.set(key, verdict);
        const [oldest] = verified.keys();
        if (verified.size > MAX_REMEMBERED && oldest !== undefined) verified.delete(oldest);
      }
      return verdict;
    } catch (error) {
      const why = error instanceof RegistryError ? error.message : "no answer in time";
      deps.logger.warn({ reference, why }, "a signature could not be checked");
      return {
        kind: "refused",
        reason: `the signature of ${reference} cannot be checked: its registry does not give what is needed; try again`,
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

/** Enough of a key to recognise it. */
function fingerprintOf(publicKeyPem: string): string {
  return `SHA256:${createHash("sha256").update(publicKeyPem.replaceAll(/\s/g, "")).digest("base64").slice(0, 16)}`;
}
