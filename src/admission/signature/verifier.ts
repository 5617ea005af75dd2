import { createHash } from "node:crypto";
import type { TrustEntry } from "../../api/franchise.ts";
import { SYSTEM_NAMESPACE, TRUST_CONFIG_MAP, TRUSTED_ROOT_KEY } from "../../api/name.ts";
import { setNewest } from "../../platform/bounded-map.ts";
import { canonicalJson, sha256Digest } from "../../platform/canonical-json.ts";
import type { Logger } from "../../platform/log.ts";
import { createSingleFlight } from "../../platform/single-flight.ts";
import type { PinnedReference } from "../rules/reference.ts";
import { fetchBundleSignatures } from "./bundle.ts";
import { fetchClassicSignatures } from "./classic.ts";
import { keylessSigner } from "./keyless.ts";
import type { OciClient } from "./oci-client.ts";
import { RegistryError } from "./registry-request.ts";
import type { StoredSignature } from "./stored-signature.ts";
import { isSignedByKey, parseTrustedKey } from "./trusted-key.ts";
import type { TrustedRoot } from "./trusted-root.ts";

const TRUST = `ConfigMap ${SYSTEM_NAMESPACE}/${TRUST_CONFIG_MAP}`;

type Verdict = { kind: "verified"; digest: string; by: string } | { kind: "refused"; reason: string };

export interface SignatureVerifier {
  /** Whether an entry of `trust` signed the artifact. Expected answers are values; nothing is thrown. */
  verify(reference: PinnedReference, trust: readonly TrustEntry[]): Promise<Verdict>;
}

/** Shorter than the ten seconds that the API server waits for the webhook, so that a slow registry is reported as one. */
const DEADLINE_MS = 6_000;
const MAX_CACHED = 10_000;

/**
 * Verifies cosign signatures, by key and keyless, in both formats that cosign stores. A verified signature is cached by
 * reference, trust and trusted root. A refused one is checked again the next time. Equal checks at the same time share one
 * request.
 */
export function createSignatureVerifier(deps: {
  client: OciClient;
  logger: Logger;
  /** The platform's, for keyless signatures; undefined while it has none. No Franchise brings its own. */
  trustedRoot?: () => TrustedRoot | undefined;
  maxCached?: number;
}): SignatureVerifier {
  const { client, maxCached = MAX_CACHED, trustedRoot = () => undefined } = deps;
  const verified = new Map<string, Verdict>();

  async function verifyNow(
    reference: PinnedReference,
    trust: readonly TrustEntry[],
    root: TrustedRoot | undefined,
  ): Promise<Verdict> {
    const shown = textOf(reference);
    if (trust.length === 0)
      return {
        kind: "refused",
        reason: `no trusted key or identity applies to ${shown}; add one to trust in ${TRUST}`,
      };
    if (root === undefined && trust.every(({ keyless }) => keyless !== undefined))
      return { kind: "refused", reason: withoutRoot(shown) };
    const { signatures, failure } = await fetchSignatures(client, reference);
    const own = signatures.filter(({ digest }) => digest === reference.digest);
    const by = findSigner(own, trust, root);
    if (by !== undefined) return { kind: "verified", digest: reference.digest, by };
    if (failure !== undefined) throw failure;
    return { kind: "refused", reason: refusalOf(shown, { signatures, own, trust, root }) };
  }

  async function verifyAndCache(
    key: string,
    reference: PinnedReference,
    trust: readonly TrustEntry[],
    root: TrustedRoot | undefined,
  ): Promise<Verdict> {
    try {
      const verdict = await verifyNow(reference, trust, root);
      if (verdict.kind === "verified") {
        setNewest(verified, key, verdict, maxCached);
      }
      return verdict;
    } catch (error) {
      const why = error instanceof RegistryError ? error.message : "no answer in time";
      const shown = textOf(reference);
      deps.logger.warn({ reference: shown, why }, "the signature of an artifact could not be checked");
      return {
        kind: "refused",
        reason: `the signature of ${shown} could not be checked, because its registry did not answer as it should; try again`,
      };
    }
  }
  const verifyOnce = createSingleFlight(verifyAndCache, (key) => key);

  return {
    verify(reference, trust) {
      const root = trustedRoot();
      const key = sha256Digest(canonicalJson([reference, trust, root?.digest]));
      const known = verified.get(key);
      return known === undefined ? verifyOnce(key, reference, trust, root) : Promise.resolve(known);
    },
  };
}

/**
 * The signatures in both formats. If the registry fails for one format, for example because it lacks the referrers API, the
 * signatures of the other format still count.
 */
async function fetchSignatures(client: OciClient, reference: PinnedReference) {
  const signal = AbortSignal.timeout(DEADLINE_MS);
  const formats = await Promise.allSettled([
    fetchBundleSignatures(client, reference, signal),
    fetchClassicSignatures(client, reference, signal),
  ]);
  return {
    signatures: formats.flatMap((format) => (format.status === "fulfilled" ? format.value : [])),
    failure: formats.find((format) => format.status === "rejected")?.reason as unknown,
  };
}

/** The first trusted signer of these signatures, in the order of the trust. */
function findSigner(
  signatures: readonly StoredSignature[],
  trust: readonly TrustEntry[],
  root: TrustedRoot | undefined,
): string | undefined {
  const identities =
    root === undefined || trust.every(({ keyless }) => keyless === undefined)
      ? []
      : signatures.map((signature) => keylessSigner(signature, root));
  for (const { publicKey, keyless } of trust) {
    if (publicKey !== undefined && isOneSignedBy(publicKey, signatures))
      return `key ${fingerprintOf(publicKey)}`;
    if (
      keyless !== undefined &&
      identities.some((it) => it?.issuer === keyless.issuer && it.identity === keyless.identity)
    )
      return `identity ${keyless.identity} of ${keyless.issuer}`;
  }
  return undefined;
}

function isOneSignedBy(publicKeyPem: string, signatures: readonly StoredSignature[]): boolean {
  const key = attempt(() => parseTrustedKey(publicKeyPem));
  return (
    key !== undefined &&
    signatures.some(
      ({ message, signature }) => attempt(() => isSignedByKey(key, message, signature)) === true,
    )
  );
}

/** A key or a signature that cannot be read counts as none, and the others still count. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function refusalOf(
  shown: string,
  found: {
    signatures: readonly StoredSignature[];
    /** The signatures that name the artifact. */
    own: readonly StoredSignature[];
    trust: readonly TrustEntry[];
    root: TrustedRoot | undefined;
  },
): string {
  if (found.signatures.length === 0) return `${shown} has no cosign signature; sign it with cosign sign`;
  const { own, trust, root } = found;
  const lacksRoot = root === undefined && trust.some(({ keyless }) => keyless !== undefined);
  if (lacksRoot && own.some(({ keyless }) => keyless !== undefined)) return withoutRoot(shown);
  return `${shown} is not signed by a trusted key or identity; sign it with one of ${TRUST} or, for a private Blueprint, of its Franchise`;
}

const withoutRoot = (shown: string) =>
  `the keyless signature of ${shown} cannot be checked; add the key ${TRUSTED_ROOT_KEY} to ${TRUST}, with the Sigstore trusted root, or sign with a key that is trusted`;

const textOf = ({ host, repository, digest }: PinnedReference) => `${host}/${repository}@${digest}`;

/** The start of a key's hash, by which a person recognises the key. */
function fingerprintOf(publicKeyPem: string): string {
  return `SHA256:${createHash("sha256").update(publicKeyPem.replaceAll(/\s/g, "")).digest("base64").slice(0, 16)}`;
}
