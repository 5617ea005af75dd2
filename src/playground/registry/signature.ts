import { createPrivateKey, sign } from "node:crypto";
import { canonicalJson, sha256Digest } from "../../platform/canonical-json.ts";
import type { Artifact } from "../image.ts";

const SIGNATURE_ANNOTATION = "dev.cosignproject.cosign/signature";
const PAYLOAD_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json";

/** The tag under which cosign's classic format stores the signatures of a digest. */
export const signatureTag = (digest: string) => `${digest.replace(":", "-")}.sig`;

/**
 * Signs an artifact as `cosign sign --key` does in its classic format: a simple-signing payload that names the digest,
 * signed with ECDSA over SHA-256, as the one layer of an artifact under `signatureTag`. `privateKeyPem` is PKCS#8.
 */
export function signArtifact(artifact: Artifact, reference: string, privateKeyPem: string): Artifact {
  const payload = Buffer.from(
    JSON.stringify({
      critical: {
        identity: { "docker-reference": reference },
        image: { "docker-manifest-digest": artifact.digest },
        type: "cosign container image signature",
      },
      optional: null,
    }),
  );
  const signature = sign("sha256", payload, createPrivateKey(privateKeyPem)).toString("base64");
  const config = Buffer.from(
    canonicalJson({
      architecture: "",
      os: "",
      config: {},
      rootfs: { type: "layers", diff_ids: [sha256Digest(payload)] },
    }),
  );
  const manifest = canonicalJson({
    schemaVersion: 2,
    mediaType: artifact.mediaType,
    config: {
      mediaType: "application/vnd.oci.image.config.v1+json",
      digest: sha256Digest(config),
      size: config.length,
    },
    layers: [
      {
        mediaType: PAYLOAD_TYPE,
        digest: sha256Digest(payload),
        size: payload.length,
        annotations: { [SIGNATURE_ANNOTATION]: signature },
      },
    ],
  });
  return {
    repository: artifact.repository,
    mediaType: artifact.mediaType,
    manifest,
    digest: sha256Digest(manifest),
    blobs: new Map([config, payload].map((bytes) => [sha256Digest(bytes), bytes])),
  };
}
