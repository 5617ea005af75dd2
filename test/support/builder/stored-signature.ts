import type { OciClient, Referrer } from "../../../src/admission/signature/oci-client.ts";
import { sha256Digest } from "../../../src/platform/canonical-json.ts";

const BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json";
const PAYLOAD_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json";

/** The payload that cosign's classic format signs. */
export const simplePayload = (digest: string, type = "cosign container image signature"): Buffer =>
  Buffer.from(JSON.stringify({ critical: { type, image: { "docker-manifest-digest": digest } } }));

/** A registry in memory with the signatures of one artifact, as its client reads them. */
export function signatureStore(stored: {
  bundles?: object[];
  /** Signatures in the classic format: the annotations of each layer, and its blob. */
  classic?: { annotations: Record<string, string>; payload: Buffer }[];
  /** The type that the index of referrers gives for each bundle. */
  artifactType?: string;
}): OciClient {
  const { bundles = [], classic = [], artifactType = BUNDLE_TYPE } = stored;
  const content = new Map<string, Buffer>();
  const keep = (bytes: Buffer): string => {
    content.set(sha256Digest(bytes), bytes);
    return sha256Digest(bytes);
  };
  const referrers: Referrer[] = bundles.map((bundle) => {
    const layers = [{ mediaType: BUNDLE_TYPE, digest: keep(Buffer.from(JSON.stringify(bundle))) }];
    return { artifactType, digest: keep(Buffer.from(JSON.stringify({ layers }))) };
  });
  const layers = classic.map(({ annotations, payload }) => ({
    mediaType: PAYLOAD_TYPE,
    digest: keep(payload),
    annotations,
  }));
  return {
    manifest: async (_at, reference) =>
      reference.endsWith(".sig") ? Buffer.from(JSON.stringify({ layers })) : content.get(reference),
    blob: async (_at, digest) => content.get(digest) ?? Buffer.alloc(0),
    referrers: async () => referrers,
  };
}
