import { type BoundedAnswer, boundedFetch, FetchError } from "../../platform/bounded-fetch.ts";
import { setNewest } from "../../platform/bounded-map.ts";
import { createSingleFlight } from "../../platform/single-flight.ts";
import type { PinnedReference } from "../rules/reference.ts";
import { basicAuthorization, parseChallenge, parseToken } from "./registry-authorization.ts";
import type { CredentialLookup, RegistryCredential } from "./registry-credential.ts";
import { createRegistryFetch, type Destination, type RegistryFetch } from "./registry-fetch.ts";

const MAX_TOKEN_BYTES = 64 * 1024;
const MAX_AUTHORIZATIONS = 1_000;

export type Repository = Omit<PinnedReference, "digest">;

/**
 * The registry did not answer, or its answer is invalid, so the signature could not be checked. The message is only for the
 * operator's log: the user who names an image chooses the host, and a denial must not reveal the host's answer.
 */
export class RegistryError extends Error {
  override readonly name = "RegistryError";
}

export interface RegistryOptions {
  /** The origin that serves a host's content instead of `https://HOST`, like containerd's mirrors. */
  mirrors: ReadonlyMap<string, string>;
  /** Whether a host may be asked over plain HTTP. */
  isInsecure(host: string): boolean;
  /** The platform's credentials. A mirror receives those of its own host. Default: none. */
  credentialOf?: CredentialLookup;
  /** Default: certificates of the public authorities are trusted. */
  fetch?: RegistryFetch;
}

interface Exchange {
  accept: string;
  maxBytes: number;
  maxRedirects: number;
  signal: AbortSignal;
}

/**
 * Sends GET requests below `/v2/<repository>/`. Returns an answer of any status. Throws `RegistryError` when there is none.
 */
export type RegistryRequest = (at: Repository, path: string, exchange: Exchange) => Promise<BoundedAnswer>;

/** Requests with the redirects and the authorization that a registry may want. */
export function createRegistryRequest(options: RegistryOptions): RegistryRequest {
  const {
    mirrors,
    isInsecure,
    credentialOf = async () => undefined,
    fetch = createRegistryFetch(),
  } = options;
  /** Headers by origin and repository. An entry is used until the registry refuses it. */
  const authorizations = new Map<string, Record<string, string>>();

  const registryOf = (host: string) =>
    new URL(
      mirrors.get(host) ??
        `${isInsecure(host) ? "http" : "https"}://${host === "docker.io" ? "registry-1.docker.io" : host}`,
    );
  const isListed = (host: string) => mirrors.has(host) || isInsecure(host);

  function send(
    host: string,
    url: string,
    headers: Record<string, string>,
    exchange: Omit<Exchange, "accept"> & { first: Destination },
  ): Promise<BoundedAnswer> {
    const { first, maxRedirects, ...bounds } = exchange;
    const next = isListed(host) ? "listed" : "foreign";
    return boundedFetch(url, {
      headers,
      ...bounds,
      follow: { maxRedirects, isAllowed: ({ protocol }) => protocol === "https:" },
      fetch: fetch(first, next),
    }).catch((cause: unknown) => {
      throw cause instanceof FetchError ? new RegistryError(`${host}: ${cause.message}`, { cause }) : cause;
    });
  }

  /** A registry over plain HTTP receives no credential, because others on the network could read it. */
  async function credentialFor(host: string, repository: string): Promise<RegistryCredential | undefined> {
    const registry = registryOf(host);
    if (registry.protocol !== "https:") return undefined;
    return credentialOf(mirrors.has(host) ? registry.host : host, repository);
  }

  /** The headers that answer a challenge. Equal requests share one. */
  async function authorize(
    { host, repository }: Repository,
    header: string,
    signal: AbortSignal,
  ): Promise<Record<string, string>> {
    const registry = registryOf(host);
    const credential = basicAuthorization(await credentialFor(host, repository));
    const challenge = parseChallenge(header, registry);
    if (challenge.kind === "basic") return credential;
    if (challenge.kind === "unknown") return {};
    const isOwn = challenge.url.origin === registry.origin;
    const first = isListed(host) ? "listed" : isOwn ? "named" : "foreign";
    const bounds = { maxBytes: MAX_TOKEN_BYTES, maxRedirects: 0, signal, first } as const;
    const token = parseToken(await send(host, challenge.url.href, credential, bounds));
    return token === undefined ? {} : { authorization: `Bearer ${token}` };
  }
  const authorizeOnce = createSingleFlight(authorize, (at, header) =>
    JSON.stringify([at.host, at.repository, header]),
  );

  return async function request(at, path, exchange) {
    const { host, repository } = at;
    const { accept, ...bounds } = exchange;
    const url = `${registryOf(host).href.replace(/\/$/, "")}/v2/${repository}/${path}`;
    const first = isListed(host) ? "listed" : "named";
    const key = `${host}/${repository}`;
    const answer = await send(host, url, { accept, ...authorizations.get(key) }, { ...bounds, first });
    // Only the registry's own challenge counts, not one from a redirect target.
    if (answer.status !== 401 || answer.isRedirected) return answer;
    const challenge = answer.headers.get("www-authenticate") ?? "";
    const authorization = await authorizeOnce(at, challenge, exchange.signal);
    if (authorization.authorization !== undefined)
      setNewest(authorizations, key, authorization, MAX_AUTHORIZATIONS);
    return send(host, url, { accept, ...authorization }, { ...bounds, first });
  };
}
