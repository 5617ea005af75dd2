import { createHash } from "node:crypto";
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  type JSONWebKeySet,
  type JWTPayload,
  type JWTVerifyGetKey,
  errors as joseErrors,
  jwtVerify,
} from "jose";
import { TokenError } from "./errors.ts";

export type Role = "superadmin" | "sovereign-admin";

/** Who asks, as a verified token says. */
export interface Caller {
  /** `sub`. */
  userId: string;
  /** Empty when the token has none. */
  email: string;
  roles: ReadonlySet<string>;
  issuer: "oidc" | "operator" | "shared-secret";
  /** What the audit trail keeps of the token. */
  token: TokenTrace;
}

export interface TokenTrace {
  /** `iss` where the issuer is known by it, else the kind of issuer. */
  issuer: string;
  /** `jti`, or `sha256:…` of a token that has none: enough to find it again, nothing to sign in with. */
  id: string;
  /** `iat`. */
  issuedAt?: Date;
}

export interface TokenSettings {
  /** Audience of the operator's tokens. */
  sovereignFqdn: string;
  /** At least 32 bytes; absent: HS256 tokens are refused. */
  jwtSecret?: string;
  oidc?: { issuer: string; audience: string; jwksUrl?: string };
}

export type TokenVerifier = (authorization: string | undefined) => Promise<Caller>;

export const OPERATOR_ISSUER = "catalyst-operator";
const OPERATOR_MAX_LIFETIME_S = 300;
const ASYMMETRIC = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
];
const CLOCK_SKEW_S = 5;
const MAX_TOKEN_LENGTH = 16_384;

/**
 * Verifies bearer tokens of the three issuers. Which one a token claims decides which keys and algorithms may prove it:
 * HS256 is proven by the shared secret alone, everything else by public keys alone, so neither can pose as the other.
 * Throws `token_missing`, `token_invalid`, or `issuer_unavailable` when the OIDC issuer's keys cannot be had.
 */
export function createTokenVerifier(deps: {
  settings: TokenSettings;
  /** The operator's public keys, as a JWKS; read at each use, so a rotation counts at once. */
  operatorKeys: () => JSONWebKeySet | undefined;
  now: () => Date;
}): TokenVerifier {
  const { settings, operatorKeys, now } = deps;
  const secret = settings.jwtSecret === undefined ? undefined : new TextEncoder().encode(settings.jwtSecret);
  if (secret !== undefined && secret.byteLength < 32)
    throw new Error("the JWT secret must have at least 32 bytes");
  const oidcKeys = settings.oidc === undefined ? undefined : createIssuerKeys(settings.oidc);

  async function verify(token: string): Promise<Caller> {
    const { alg } = decodeProtectedHeader(token);
    const claimed = decodeJwt(token);
    const common = { currentDate: now(), clockTolerance: CLOCK_SKEW_S, requiredClaims: ["exp", "sub"] };
    if (alg === "HS256") {
      if (secret === undefined)
        throw new TokenError("token_invalid", "this Sovereign takes no HS256 tokens: sign in again");
      const { payload } = await jwtVerify(token, secret, { ...common, algorithms: ["HS256"] });
      // Today's tokens name no audience; one that names another's is another's.
      const audiences = [payload.aud ?? []].flat();
      const ours = [settings.sovereignFqdn, settings.oidc?.audience];
      if (audiences.length > 0 && !audiences.some((audience) => ours.includes(audience))) throw invalid();
      return callerOf(token, payload, "shared-secret", rolesOf(payload));
    }
    if (claimed.iss === OPERATOR_ISSUER) {
      const keys = operatorKeys();
      if (keys === undefined) throw invalid();
      const { payload } = await jwtVerify(token, createLocalJWKSet(keys), {
        ...common,
        algorithms: ASYMMETRIC,
        issuer: OPERATOR_ISSUER,
        audience: settings.sovereignFqdn,
        requiredClaims: [...common.requiredClaims, "iat"],
      });
      const lifetime = (payload.exp ?? Number.POSITIVE_INFINITY) - (payload.iat ?? 0);
      const isEarly = (payload.iat ?? 0) > now().getTime() / 1000 + CLOCK_SKEW_S;
      if (lifetime > OPERATOR_MAX_LIFETIME_S || isEarly || payload.sub !== "operator") throw invalid();
      return callerOf(token, payload, "operator", new Set(["sovereign-admin"]));
    }
    if (settings.oidc === undefined || oidcKeys === undefined) throw invalid();
    const { issuer, audience } = settings.oidc;
    const { payload } = await jwtVerify(token, oidcKeys, {
      ...common,
      algorithms: ASYMMETRIC,
      issuer,
      audience,
    });
    return callerOf(token, payload, "oidc", rolesOf(payload));
  }

  return async (authorization) => {
    const token = /^Bearer +([A-Za-z0-9._~+/=-]+)$/i.exec(authorization ?? "")?.[1];
    if (token === undefined)
      throw new TokenError("token_missing", "this needs a bearer token: sign in first");
    if (token.length > MAX_TOKEN_LENGTH) throw invalid();
    try {
      return await verify(token);
    } catch (error) {
      if (error instanceof TokenError) throw error;
      if (error instanceof joseErrors.JWTExpired)
        throw new TokenError("token_invalid", "the token has expired: sign in again", { cause: error });
      throw new TokenError("token_invalid", "the token does not hold here: sign in again", { cause: error });
    }
  };
}

const invalid = () => new TokenError("token_invalid", "the token does not hold here: sign in again");

const SUBJECT = /^[^\p{Cc}]{1,255}$/u;

function callerOf(
  token: string,
  payload: JWTPayload,
  issuer: Caller["issuer"],
  roles: ReadonlySet<string>,
): Caller {
  if (typeof payload.sub !== "string" || !SUBJECT.test(payload.sub)) throw invalid();
  const { email } = payload;
  return {
    userId: payload.sub,
    email: typeof email === "string" && SUBJECT.test(email) ? email : "",
    roles,
    issuer,
    token: traceOf(token, payload, issuer),
  };
}

// What JavaScript and PostgreSQL both take for a date.
const LAST_SECOND = Date.UTC(9999, 11, 31) / 1000;

function traceOf(token: string, payload: JWTPayload, issuer: Caller["issuer"]): TokenTrace {
  const { iss, jti, iat } = payload;
  // Nobody vouches for the `iss` of a token that a shared secret proves.
  const name = issuer === "shared-secret" ? issuer : (iss ?? issuer);
  const id =
    typeof jti === "string" && SUBJECT.test(jti)
      ? jti
      : `sha256:${createHash("sha256").update(token).digest("hex")}`;
  const isDate = typeof iat === "number" && iat >= 0 && iat <= LAST_SECOND;
  return { issuer: name, id, ...(isDate ? { issuedAt: new Date(iat * 1000) } : {}) };
}

/** A plain `role`, and Keycloak's `realm_access.roles`. */
function rolesOf(payload: JWTPayload): Set<string> {
  const realm = (payload.realm_access as { roles?: unknown } | null | undefined)?.roles;
  return new Set(
    [payload.role, ...(Array.isArray(realm) ? realm : [])].filter((role) => typeof role === "string"),
  );
}

const ISSUER_TIMEOUT_MS = 3_000;

/** The issuer's keys, found by discovery unless their address is given; the last good ones outlive an issuer that is away. */
function createIssuerKeys(oidc: { issuer: string; jwksUrl?: string }): JWTVerifyGetKey {
  let remote: Promise<ReturnType<typeof createRemoteJWKSet>> | undefined;
  let lastGood: JSONWebKeySet | undefined;

  async function discover(): Promise<ReturnType<typeof createRemoteJWKSet>> {
    const options = { timeoutDuration: ISSUER_TIMEOUT_MS, cooldownDuration: 1_000, cacheMaxAge: 600_000 };
    if (oidc.jwksUrl !== undefined) return createRemoteJWKSet(new URL(oidc.jwksUrl), options);
    const address = `${oidc.issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
    const response = await fetch(address, {
      signal: AbortSignal.timeout(ISSUER_TIMEOUT_MS),
      redirect: "error",
    });
    if (!response.ok) throw new Error(`GET ${address} answered ${response.status}`);
    const { issuer, jwks_uri } = (await response.json()) as { issuer?: unknown; jwks_uri?: unknown };
    if (issuer !== oidc.issuer || typeof jwks_uri !== "string")
      throw new Error(`${address} describes another issuer`);
    return createRemoteJWKSet(new URL(jwks_uri), options);
  }

  return async (header, token) => {
    try {
      remote ??= discover();
      const keys = await remote;
      const key = await keys(header, token);
      lastGood = keys.jwks() ?? lastGood;
      return key;
    } catch (error) {
      if (
        error instanceof joseErrors.JWKSNoMatchingKey ||
        error instanceof joseErrors.JWKSMultipleMatchingKeys
      )
        throw error;
      remote = lastGood === undefined ? undefined : remote;
      if (lastGood !== undefined) return await createLocalJWKSet(lastGood)(header, token);
      throw new TokenError(
        "issuer_unavailable",
        "the sign-in service's keys cannot be read: try again in a moment",
        { cause: error },
      );
    }
  };
}
