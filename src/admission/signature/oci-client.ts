import { sha256Digest } from "../../platform/canonical-json.ts";
import type { PinnedReference } from "./reference.ts";

const MAX_MANIFEST_BYTES = 1024 * 1024;
const MAX_BLOB_BYTES = 1024 * 1024;
const MAX_TOKEN_BYTES = 64 * 1024;
/** Registries keep blobs elsewhere, and say where; a manifest is always their own. */
const MAX_BLOB_REDIRECTS = 3;
const REDIRECTS = [301, 302, 303, 307, 308];
const MANIFEST_TYPES = [
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
].join(", ");

/**
 * The registry cannot be asked, or answers what it must not. Nothing is known of the signature then. The message is for
 * the operator's log alone: whoever names an image chooses the host, and must not learn from a denial what answers there.
 */
export class RegistryError extends Error {
  override readonly name = "RegistryError";
}

export interface OciClientOptions {
  /** Origins that serve a host's content instead of `https://HOST`, as containerd's mirrors do. */
  mirrors: ReadonlyMap<string, string>;
  /** Whether a host may be asked over plain HTTP. */
  isInsecure(host: string): boolean;
}

/** Reads manifests and blobs by the OCI distribution API; every digest is computed anew from what came. */
export interface OciClient {
  /** Undefined when the registry has none under that tag or digest. */
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
    let response = await send(url, { accept }, signal);
    if (response.status === 401) {
      await response.body?.cancel();
      const token = await anonymousToken(response.headers.get("www-authenticate") ?? "", signal);
      response = await send(
        url,
        { accept, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
        signal,
      );
    }
    for (let hops = 0; REDIRECTS.includes(response.status); hops += 1) {
      await response.body?.cancel();
      const target = URL.parse(response.headers.get("location") ?? "", response.url);
      if (hops === maxRedirects || target?.protocol !== "https:")
        throw new RegistryError(`${host} redirects to ${target?.origin ?? "nowhere"}, which is not followed`);
      // The token was for the registry alone.
      response = await send(target.href, { accept }, signal);
    }
    if (response.status === 404) {
      await response.body?.cancel();
      return undefined;
    }
    if (response.status !== 200) {
      await response.body?.cancel();
      throw new RegistryError(`${host} answers ${response.status}`);
    }
    return readAtMost(response, maxBytes, host);
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

async function send(url: string, headers: Record<string, string>, signal: AbortSignal): Promise<Response> {
  try {
    return await fetch(url, { headers, signal, redirect: "manual" });
  } catch (cause) {
    throw new RegistryError(`${new URL(url).host} cannot be reached`, { cause });
  }
}

/** The token dance of public registries: ask the realm that the challenge names, over TLS, as nobody in particular. */
async function anonymousToken(challenge: string, signal: AbortSignal): Promise<string | undefined> {
  const parameters = Object.fromEntries(
    [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]),
  );
  const realm = URL.parse(parameters.realm ?? "");
  if (realm === null || realm.protocol !== "https:") return undefined;
  for (const name of ["service", "scope"])
    if (parameters[name] !== undefined) realm.searchParams.set(name, parameters[name]);
  const response = await send(realm.href, {}, signal);
  if (response.status !== 200) {
    await response.body?.cancel();
    return undefined;
  }
  const { token, access_token } = parseToken(await readAtMost(response, MAX_TOKEN_BYTES, realm.host));
  return token ?? access_token;
}

function parseToken(bytes: Uint8Array): { token?: string; access_token?: string } {
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8")) ?? {};
  } catch {
    return {};
  }
}

async function readAtMost(response: Response, maxBytes: number, host: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > maxBytes) throw new RegistryError(`${host} sends more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function requireDigest(bytes: Uint8Array, digest: string, host: string): void {
  if (sha256Digest(bytes) !== digest) throw new RegistryError(`${host} sends other content than ${digest}`);
}
