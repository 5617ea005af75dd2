import { createPublicKey, verify } from "node:crypto";
import type { PinnedReference } from "../rules/reference.ts";
import type { OciClient } from "./oci-client.ts";

// cosign's classic format: https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md

const SIGNATURE_ANNOTATION = "dev.cosignproject.cosign/signature";
const PAYLOAD_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json";
const SIGNATURE_TYPES = ["cosign container image signature", "https://sigstore.dev/cosign/sign/v1"];
/** Only the first signatures are checked, because each costs a request. */
const MAX_SIGNATURES = 16;

interface SignatureManifest {
  layers?: { mediaType?: string; digest?: string; annotations?: Record<string, string> }[];
}

interface Payload {
  critical?: { type?: string; image?: { "docker-manifest-digest"?: string } };
}

export interface ClassicSignature {
  payload: Uint8Array;
  signature: Buffer;
}

/** All signatures of a digest, not yet verified. Empty when it has no signature tag. */
export async function fetchClassicSignatures(
  client: OciClient,
  reference: PinnedReference,
  signal: AbortSignal,
): Promise<ClassicSignature[]> {
  const bytes = await client.manifest(reference, `${reference.digest.replace(":", "-")}.sig`, signal);
  if (bytes === undefined) return [];
  const layers = (parseJson<SignatureManifest>(bytes)?.layers ?? []).filter(
    ({ mediaType, digest, annotations }) =>
      mediaType === PAYLOAD_TYPE && digest !== undefined && annotations?.[SIGNATURE_ANNOTATION] !== undefined,
  );
  return Promise.all(
    layers.slice(0, MAX_SIGNATURES).map(async ({ digest = "", annotations }) => ({
      payload: await client.blob(reference, digest, signal),
      signature: Buffer.from(annotations?.[SIGNATURE_ANNOTATION] ?? "", "base64"),
    })),
  );
}

/** Whether the key signed this digest: the signature is valid, and its payload names this digest and no other. */
export function isSignedBy(
  { payload, signature }: ClassicSignature,
  digest: string,
  publicKeyPem: string,
): boolean {
  const { critical } = parseJson<Payload>(payload) ?? {};
  if (
    critical?.image?.["docker-manifest-digest"] !== digest ||
    !SIGNATURE_TYPES.includes(critical.type ?? "")
  )
    return false;
  try {
    const key = createPublicKey(publicKeyPem);
    // Ed25519 hashes the payload itself. For other keys cosign signs the SHA-256 of the payload.
    return verify(key.asymmetricKeyType === "ed25519" ? null : "sha256", payload, key, signature);
  } catch {
    return false;
  }
}

function parseJson<T>(bytes: Uint8Array): T | undefined {
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8")) as T;
  } catch {
    return undefined;
  }
}
