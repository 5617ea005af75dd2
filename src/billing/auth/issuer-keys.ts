import {
  createLocalJWKSet,
  type JSONWebKeySet,
  type JWK,
  type JWTVerifyGetKey,
  errors as joseErrors,
} from "jose";
import { boundedFetch, jsonOf } from "../../platform/bounded-fetch.ts";
import { errorMessage } from "../../platform/errors.ts";
import type { Logger } from "../../platform/log.ts";
import { isRecent } from "../../platform/recent.ts";
import { createSingleFlight } from "../../platform/single-flight.ts";
import { TokenError } from "../errors.ts";
import { createIssuerFetch } from "./issuer-fetch.ts";

type Fetch = typeof fetch;

export interface IssuerSettings {
  /** Must equal `iss` in tokens and `issuer` in the discovery document. */
  issuer: string;
  /** Absent: the address comes from discovery. */
  jwksUrl?: string | undefined;
}

/** Keys are read again after this time, so a key that the issuer withdrew is accepted no longer than this. */
const FRESH_MS = 300_000;
/** The issuer receives at most one request in this time, whatever keys the tokens name. */
const COOLDOWN_MS = 2_000;
const TIMEOUT_MS = 3_000;
const MAX_ANSWER_BYTES = 1024 * 1024;
const MAX_KEYS = 1_000;

/**
 * The OIDC issuer's public keys. They are read at the first token, when they are older than `FRESH_MS`, and when a token
 * names an unknown key, but not more often than the cooldown allows. Concurrent requests share one read. While the issuer
 * does not answer, or answers without keys, the last good keys stay in use. A token with an unknown key then gets
 * `issuer_unavailable`, because it may be valid. jose's own remote set is not used. It has no cooldown after a failure, so
 * many tokens would cause many requests. It drops old keys when their time is over. It reads answers of any size.
 */
export function createIssuerKeys(deps: {
  settings: IssuerSettings;
  /** Returns the certificates in PEM that TLS trusts for the issuer. Absent: the public authorities. */
  readAuthority?: (() => string) | undefined;
  now: () => Date;
  logger: Logger;
}): JWTVerifyGetKey {
  const { settings, now, logger } = deps;
  const issuerFetch = createIssuerFetch(deps.readAuthority);
  let jwksUrl = settings.jwksUrl;
  let known: { find: JWTVerifyGetKey; atMs: number } | undefined;
  let askedAtMs = Number.NEGATIVE_INFINITY;
  let fault: unknown;

  async function load(): Promise<void> {
    try {
      const read = await readIssuerKeys({ ...settings, jwksUrl }, issuerFetch());
      jwksUrl = read.jwksUrl;
      known = { find: createLocalJWKSet(read.keys), atMs: now().getTime() };
      fault = undefined;
    } catch (error) {
      // The address may be wrong, so the next read starts with discovery.
      jwksUrl = settings.jwksUrl;
      if (fault === undefined)
        logger.warn(
          { reason: errorMessage(error), keptKeys: known !== undefined },
          "the issuer's keys cannot be read",
        );
      fault = error;
    } finally {
      askedAtMs = now().getTime();
    }
  }

  const isWithin = (atMs: number, spanMs: number): boolean => isRecent(atMs, now().getTime(), spanMs);

  /** Reads the keys, unless they were read within the cooldown. Never rejects: a failure is stored in `fault`. */
  const refresh = createSingleFlight(async () => {
    if (!isWithin(askedAtMs, COOLDOWN_MS)) await load();
  });

  function unavailable(): TokenError {
    return new TokenError(
      "issuer_unavailable",
      "the sign-in service's keys cannot be read: try again in a moment",
      { cause: fault },
    );
  }

  return async (header, token) => {
    if (known === undefined || !isWithin(known.atMs, FRESH_MS)) {
      const asked = refresh();
      // After a failure, a request with a known key does not wait for the next read.
      if (known === undefined || fault === undefined) await asked;
    }
    if (known === undefined) throw unavailable();
    try {
      return await known.find(header, token);
    } catch (error) {
      if (!(error instanceof joseErrors.JWKSNoMatchingKey)) throw error;
    }
    await refresh();
    try {
      return await known.find(header, token);
    } catch (error) {
      throw fault !== undefined && error instanceof joseErrors.JWKSNoMatchingKey ? unavailable() : error;
    }
  };
}

/** Reads the issuer's public keys once. Throws when they cannot be read. */
export async function readIssuerKeys(
  settings: IssuerSettings,
  send: Fetch,
): Promise<{ keys: JSONWebKeySet; jwksUrl: string }> {
  const jwksUrl = settings.jwksUrl ?? (await discover(settings.issuer, send));
  return { jwksUrl, keys: parseKeys(await fetchObject(jwksUrl, send)) };
}

async function discover(issuer: string, send: Fetch): Promise<string> {
  const address = `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
  const { issuer: named, jwks_uri } = (await fetchObject(address, send)) as Record<string, unknown>;
  if (named !== issuer) throw new Error(`${address} describes another issuer`);
  const url = typeof jwks_uri === "string" ? URL.parse(jwks_uri) : null;
  const isSafe = url?.protocol === "https:" || (url?.protocol === "http:" && !issuer.startsWith("https:"));
  if (url === null || !isSafe) throw new Error(`${address} has no jwks_uri that is safe to use`);
  return url.href;
}

async function fetchObject(address: string, send: Fetch): Promise<object> {
  const answer = await boundedFetch(address, {
    timeoutMs: TIMEOUT_MS,
    maxBytes: MAX_ANSWER_BYTES,
    headers: { accept: "application/json, application/jwk-set+json" },
    fetch: send,
  });
  const json = jsonOf(answer);
  if (typeof json !== "object" || json === null)
    throw new Error(`${answer.request} answered JSON that is not an object`);
  return json;
}

/** Keeps only public keys for signatures: a symmetric key in a public document proves nothing. */
function parseKeys(json: object): JSONWebKeySet {
  const { keys } = json as { keys?: unknown };
  if (!Array.isArray(keys) || keys.length > MAX_KEYS)
    throw new Error(`the key set must have an array keys of at most ${MAX_KEYS} entries`);
  return { keys: keys.filter(isSigningKey) };
}

function isSigningKey(key: unknown): key is JWK {
  const { kty, use } = (key ?? {}) as { kty?: unknown; use?: unknown };
  return (kty === "RSA" || kty === "EC" || kty === "OKP") && (use === undefined || use === "sig");
}
