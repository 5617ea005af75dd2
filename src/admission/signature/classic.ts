import { BUNDLE_V01_MEDIA_TYPE, type Bundle, bundleFromJSON } from "@sigstore/bundle";
import { listOf, mapOf } from "../../api/object.ts";
import { sha256Digest } from "../../platform/canonical-json.ts";
import type { PinnedReference } from "../rules/reference.ts";
import { parseJsonMap } from "./json-map.ts";
import type { OciClient } from "./oci-client.ts";
import { MAX_SIGNATURES, type StoredSignature } from "./stored-signature.ts";

// cosign's classic format: https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md

const SIGNATURE_ANNOTATION = "dev.cosignproject.cosign/signature";
const CERTIFICATE_ANNOTATION = "dev.sigstore.cosign/certificate";
const LOG_ENTRY_ANNOTATION = "dev.sigstore.cosign/bundle";
const PAYLOAD_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json";
const SIGNATURE_TYPES = ["cosign container image signature", "https://sigstore.dev/cosign/sign/v1"];

interface Layer {
  digest: string;
  annotations: Record<string, unknown>;
}

/** The signatures under the tag `sha256-<hex>.sig`. Empty when there is no such tag. */
export async function fetchClassicSignatures(
  client: OciClient,
  reference: PinnedReference,
  signal: AbortSignal,
): Promise<StoredSignature[]> {
  const bytes = await client.manifest(reference, `${reference.digest.replace(":", "-")}.sig`, signal);
  if (bytes === undefined) return [];
  const layers = listOf(parseJsonMap(bytes).layers).flatMap(parseLayer).slice(0, MAX_SIGNATURES);
  const signatures = await Promise.all(
    layers.map(async (layer) => parseSignature(await client.blob(reference, layer.digest, signal), layer)),
  );
  return signatures.flat();
}

function parseLayer(layer: unknown): Layer[] {
  const { mediaType, digest, annotations } = mapOf(layer);
  const isSignature = mediaType === PAYLOAD_TYPE && typeof digest === "string";
  return isSignature && typeof mapOf(annotations)[SIGNATURE_ANNOTATION] === "string"
    ? [{ digest, annotations: mapOf(annotations) }]
    : [];
}

/** Empty when the payload is not an image signature: cosign signs other statements in the same form. */
function parseSignature(payload: Uint8Array, { annotations }: Layer): StoredSignature[] {
  const critical = mapOf(parseJsonMap(payload).critical);
  const digest = mapOf(critical.image)["docker-manifest-digest"];
  if (typeof digest !== "string" || !SIGNATURE_TYPES.includes(String(critical.type))) return [];
  const message = Buffer.from(payload);
  const signature = Buffer.from(String(annotations[SIGNATURE_ANNOTATION]), "base64");
  const keyless = parseKeyless(message, signature, annotations);
  return [{ digest, message, signature, ...(keyless === undefined ? {} : { keyless }) }];
}

/** The certificate and the entry of the transparency log, converted to a bundle of the newer format. */
function parseKeyless(
  message: Buffer,
  signature: Buffer,
  annotations: Record<string, unknown>,
): Bundle | undefined {
  const pem = annotations[CERTIFICATE_ANNOTATION];
  const entry = annotations[LOG_ENTRY_ANNOTATION];
  if (typeof pem !== "string" || typeof entry !== "string") return undefined;
  const { SignedEntryTimestamp, Payload } = parseJsonMap(Buffer.from(entry));
  const { body, integratedTime, logIndex, logID } = mapOf(Payload);
  const { kind, apiVersion } = parseJsonMap(Buffer.from(String(body), "base64"));
  try {
    return bundleFromJSON({
      mediaType: BUNDLE_V01_MEDIA_TYPE,
      verificationMaterial: {
        x509CertificateChain: { certificates: [{ rawBytes: derOf(pem) }] },
        tlogEntries: [
          {
            logIndex: String(logIndex),
            logId: { keyId: Buffer.from(String(logID), "hex").toString("base64") },
            kindVersion: { kind, version: apiVersion },
            integratedTime: String(integratedTime),
            inclusionPromise: { signedEntryTimestamp: SignedEntryTimestamp },
            canonicalizedBody: body,
          },
        ],
      },
      messageSignature: {
        messageDigest: {
          algorithm: "SHA2_256",
          digest: Buffer.from(sha256Digest(message).slice("sha256:".length), "hex").toString("base64"),
        },
        signature: signature.toString("base64"),
      },
    });
  } catch {
    return undefined;
  }
}

/** The base64 between the lines that begin and end a PEM block. */
const derOf = (pem: string) => pem.replaceAll(/-----[^-]*-----|\s/g, "");
