import { type BoundedAnswer, boundedFetch, FetchError } from "../../platform/bounded-fetch.ts";
import { sha256Digest } from "../../platform/canonical-json.ts";
import type { PinnedReference } from "../rules/reference.ts";

const MAX_MANIFEST_BYTES = 1024 * 1024;
const MAX_BLOB_BYTES = 1024 * 1024;
const MAX_TOKEN_BYTES = 64 * 1024;
/** Registries redirect to the storage of their blobs. They serve manifests themselves. */
const MAX_BLOB_REDIRECTS = 3;
const MANIFEST_TYPES = [
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
].join(", ");

/**
 * The registry does not answer, or its answer is invalid, so the signature could not be checked. The message is for the
 * operator's log only: the user who names an image chooses the host, and a denial must not reveal what answers there.
 */
export class RegistryError extends Error {
  override readonly name = "RegistryError";
}

export interface OciClientOptions {
  /** The origin that serves a host's content instead of `https://HOST`, like containerd's mirrors. */
  mirrors: ReadonlyMap<string, string>;
  /** Whether a host may be asked over plain HTTP. */
  isInsecure(host: string): boolean;
}

/** Reads manifests and blobs by the OCI distribution API, and checks every digest against the received bytes. */
export interface OciClient {
  /** Undefined when the registry has no manifest with that tag or digest. */
  manifest(
    at: Omit<PinnedReference, "digest">,
    reference: string,
    signal: AbortSignal,
  ): Promise<Uint8Array | undefined>;
  blob(at: Omit<PinnedReference, "digest">, digest: string, signal: AbortSignal): Promise<Uint8Array>;
}

export function createOciClient({ mirrors, isInsecure }: OciClientOptions): OciClient {
  const originOf = (host: string) =>
    mirrors.get(host) ??
    `${isInsecure(host) ? "http" : "https"}://${host === "docker.io" ? "registry-1.docker.io" : host}`;

  async function get(
    host: string,
    path: string,
    { accept, maxBytes, maxRedirects }: { accept: string; maxBytes: number; maxRedirects: number },
    signal: AbortSignal,
  ): Promise<Uint8Array | undefined> {
    const url = `${originOf(host)}${path}`;
    const bounds = { maxBytes, maxRedirects };
    let answer = await send(host, url, { accept }, bounds, signal);
    // Only the registry's own challenge counts, not one from a redirect target.
    if (answer.status === 401 && !answer.isRedirected) {
      const token = await anonymousToken(host, answer.headers.get("www-authenticate") ?? "", signal);
      const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
      answer = await send(host, url, { accept, ...authorization }, bounds, signal);
    }
    if (answer.status === 404) return undefined;
    if (answer.status !== 200) throw new RegistryError(`${host} answers ${answer.status}`);
    return answer.body;
  }

  return {
    async manifest({ host, repository }, reference, signal) {
      const bytes = await get(
        host,
        `/v2/${repository}/manifests/${reference}`,
        { accept: MANIFEST_TYPES, maxBytes: MAX_MANIFEST_BYTES, maxRedirects: 0 },
        signal,
      );
      if (bytes !== undefined && reference.startsWith("sha256:")) requireDigest(bytes, reference, host);
      return bytes;
    },
    async blob({ host, repository }, digest, signal) {
      const limits = { accept: "*/*", maxBytes: MAX_BLOB_BYTES, maxRedirects: MAX_BLOB_REDIRECTS };
      const bytes = await get(host, `/v2/${repository}/blobs/${digest}`, limits, signal);
      if (bytes === undefined)
        throw new RegistryError(`${host} lacks the blob ${digest} that its manifest names`);
      requireDigest(bytes, digest, host);
      return bytes;
    },
  };
}

async function send(
  host: string,
  url: string,
  headers: Record<string, string>,
  { maxBytes, maxRedirects }: { maxBytes: number; maxRedirects: number },
  signal: AbortSignal,
): Promise<BoundedAnswer> {
  try {
    return await boundedFetch(url, {
      headers,
      signal,
      maxBytes,
      follow: { maxRedirects, isAllowed: ({ protocol }) => protocol === "https:" },
    });
  } catch (cause) {
    throw cause instanceof FetchError ? new RegistryError(`${host}: ${cause.message}`, { cause }) : cause;
  }
}

/** Requests the anonymous token that public registries need, over TLS, from the realm that the challenge names. */
async function anonymousToken(
  host: string,
  challenge: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const parameters = Object.fromEntries(
    [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]),
  );
  const realm = URL.parse(parameters.realm ?? "");
  if (realm === null || realm.protocol !== "https:") return undefined;
  for (const name of ["service", "scope"])
    if (parameters[name] !== undefined) realm.searchParams.set(name, parameters[name]);
  const answer = await send(host, realm.href, {}, { maxBytes: MAX_TOKEN_BYTES, maxRedirects: 0 }, signal);
  if (answer.status !== 200) return undefined;
  const { token, access_token } = parseToken(answer.body);
  return token ?? access_token;
}

function parseToken(bytes: Uint8Array): { token?: string; access_token?: string } {
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8")) ?? {};
  } catch {
    return {};
  }
}

function requireDigest(bytes: Uint8Array, digest: string, host: string): void {
  if (sha256Digest(bytes) !== digest) throw new RegistryError(`${host} sends other content than ${digest}`);
}
