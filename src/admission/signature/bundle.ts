import { type Bundle, bundleFromJSON, isBundleWithDsseEnvelope } from "@sigstore/bundle";
import { listOf, mapOf } from "../../api/object.ts";
import type { PinnedReference } from "../rules/reference.ts";
import { parseJsonMap } from "./json-map.ts";
import type { OciClient } from "./oci-client.ts";
import { MAX_SIGNATURES, type StoredSignature } from "./stored-signature.ts";

// Sigstore bundles as cosign stores them since version 3: an artifact whose subject is the signed one, with the bundle as
// its layer. https://github.com/sigstore/cosign/blob/main/specs/BUNDLE_SPEC.md

const BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json";
const ANY_BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle";
const STATEMENT_TYPE = "application/vnd.in-toto+json";
const STATEMENT_VERSIONS = ["https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1"];
/** Attestations, such as a bill of materials, have other predicates. They do not say that the artifact may be used. */
const SIGNATURE_PREDICATE = "https://sigstore.dev/cosign/sign/v1";

/** The signatures among the bundles that refer to the artifact. */
export async function fetchBundleSignatures(
  client: OciClient,
  reference: PinnedReference,
  signal: AbortSignal,
): Promise<StoredSignature[]> {
  const referrers = await client.referrers(reference, reference.digest, BUNDLE_TYPE, signal);
  const bundles = referrers.filter(({ artifactType }) => artifactType.startsWith(ANY_BUNDLE_TYPE));
  const signatures = await Promise.all(
    bundles.slice(0, MAX_SIGNATURES).map(async ({ digest }) => {
      const manifest = await client.manifest(reference, digest, signal);
      const layer = manifest === undefined ? undefined : bundleLayerOf(manifest);
      return layer === undefined ? [] : parseBundleSignature(await client.blob(reference, layer, signal));
    }),
  );
  return signatures.flat();
}

function bundleLayerOf(manifest: Uint8Array): string | undefined {
  const { mediaType, digest } = mapOf(listOf(parseJsonMap(manifest).layers)[0]);
  return String(mediaType).startsWith(ANY_BUNDLE_TYPE) && typeof digest === "string" ? digest : undefined;
}

/**
 * Empty when the bytes are not the bundle of an image signature. The statement is read here, because Sigstore's verifier
 * does not.
 */
function parseBundleSignature(bytes: Uint8Array): StoredSignature[] {
  const bundle = parseBundle(bytes);
  if (bundle === undefined || !isBundleWithDsseEnvelope(bundle)) return [];
  const { payload, payloadType, signatures } = bundle.content.dsseEnvelope;
  const digest = payloadType === STATEMENT_TYPE ? signedDigestOf(payload) : undefined;
  const [signature, ...others] = signatures;
  if (digest === undefined || signature === undefined || others.length > 0) return [];
  const hasCertificate = bundle.verificationMaterial.content.$case !== "publicKey";
  return [
    {
      digest,
      message: preAuthEncoding(payloadType, payload),
      signature: signature.sig,
      ...(hasCertificate ? { keyless: bundle } : {}),
    },
  ];
}

function parseBundle(bytes: Uint8Array): Bundle | undefined {
  try {
    return bundleFromJSON(parseJsonMap(bytes));
  } catch {
    return undefined;
  }
}

/** The digest of the statement's one subject; undefined when the statement is not an image signature. */
function signedDigestOf(payload: Buffer): string | undefined {
  const { _type, predicateType, subject } = parseJsonMap(payload);
  if (!STATEMENT_VERSIONS.includes(String(_type)) || predicateType !== SIGNATURE_PREDICATE) return undefined;
  const [only, ...others] = listOf(subject);
  const { sha256 } = mapOf(mapOf(only).digest);
  return typeof sha256 === "string" && others.length === 0 ? `sha256:${sha256}` : undefined;
}

/** The bytes that a DSSE signature covers: https://github.com/secure-systems-lab/dsse/blob/master/protocol.md */
function preAuthEncoding(payloadType: string, payload: Buffer): Buffer {
  const head = `DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${payload.length} `;
  return Buffer.concat([Buffer.from(head), payload]);
}
