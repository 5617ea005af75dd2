import { listOf, mapOf } from "../../api/object.ts";
import type { BoundedAnswer } from "../../platform/bounded-fetch.ts";
import { sha256Digest } from "../../platform/canonical-json.ts";
import { parseJsonMap } from "./json-map.ts";
import { RegistryError, type RegistryRequest, type Repository } from "./registry-request.ts";

const MAX_MANIFEST_BYTES = 1024 * 1024;
const MAX_BLOB_BYTES = 1024 * 1024;
/** Registries redirect to the storage of their blobs. They serve manifests themselves. */
const MAX_BLOB_REDIRECTS = 3;
const INDEX_TYPE = "application/vnd.oci.image.index.v1+json";
const MANIFEST_TYPES = [
  "application/vnd.oci.image.manifest.v1+json",
  INDEX_TYPE,
  "application/vnd.docker.distribution.manifest.v2+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
].join(", ");
/** The statuses of a registry without the referrers API. */
const NO_REFERRERS = [400, 404, 405, 406];
const DIGEST = /^sha256:[a-f0-9]{64}$/;

/** Reads manifests and blobs by the OCI distribution API, and checks every digest against the received bytes. */
export interface OciClient {
  /** Undefined when the registry has no manifest with that tag or digest. */
  manifest(at: Repository, reference: string, signal: AbortSignal): Promise<Uint8Array | undefined>;
  blob(at: Repository, digest: string, signal: AbortSignal): Promise<Uint8Array>;
  /**
   * The manifests whose subject is a digest, from the referrers API, or from the tag `sha256-<hex>` of a registry without it.
   * A registry may ignore the filter by type. Only the first page is read.
   */
  referrers(at: Repository, digest: string, artifactType: string, signal: AbortSignal): Promise<Referrer[]>;
}

export interface Referrer {
  digest: string;
  artifactType: string;
}

export function createOciClient(request: RegistryRequest): OciClient {
  async function manifest(at: Repository, reference: string, signal: AbortSignal) {
    const answer = await request(at, `manifests/${reference}`, {
      ...{ accept: MANIFEST_TYPES, maxBytes: MAX_MANIFEST_BYTES, maxRedirects: 0, signal },
    });
    if (answer.status === 404) return undefined;
    const bytes = bodyOf(answer, at.host);
    if (DIGEST.test(reference)) requireDigest(bytes, reference, at.host);
    return bytes;
  }

  return {
    manifest,
    async blob(at, digest, signal) {
      if (!DIGEST.test(digest))
        throw new RegistryError(`${at.host} names a blob that is not a SHA-256 digest`);
      const answer = await request(at, `blobs/${digest}`, {
        ...{ accept: "*/*", maxBytes: MAX_BLOB_BYTES, maxRedirects: MAX_BLOB_REDIRECTS, signal },
      });
      if (answer.status === 404)
        throw new RegistryError(`${at.host} lacks the blob ${digest} that its manifest names`);
      const bytes = bodyOf(answer, at.host);
      requireDigest(bytes, digest, at.host);
      return bytes;
    },
    async referrers(at, digest, artifactType, signal) {
      const answer = await request(
        at,
        `referrers/${digest}?artifactType=${encodeURIComponent(artifactType)}`,
        {
          ...{ accept: INDEX_TYPE, maxBytes: MAX_MANIFEST_BYTES, maxRedirects: 0, signal },
        },
      );
      const index = NO_REFERRERS.includes(answer.status)
        ? await manifest(at, digest.replace(":", "-"), signal)
        : bodyOf(answer, at.host);
      return index === undefined ? [] : parseReferrers(index);
    },
  };
}

function bodyOf({ status, body }: BoundedAnswer, host: string): Uint8Array {
  if (status !== 200) throw new RegistryError(`${host} answers ${status}`);
  return body;
}

function parseReferrers(index: Uint8Array): Referrer[] {
  return listOf(parseJsonMap(index).manifests).flatMap((descriptor) => {
    const { digest, artifactType } = mapOf(descriptor);
    return typeof digest === "string" && typeof artifactType === "string" ? [{ digest, artifactType }] : [];
  });
}

function requireDigest(bytes: Uint8Array, digest: string, host: string): void {
  if (sha256Digest(bytes) !== digest) throw new RegistryError(`${host} sends other content than ${digest}`);
}
