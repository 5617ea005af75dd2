import { createHash } from "node:crypto";
import {
  type CryptoKey,
  createLocalJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  type JSONWebKeySet,
  type JWTHeaderParameters,
  type JWTPayload,
  type JWTVerifyGetKey,
  errors as joseErrors,
  jwtVerify,
} from "jose";
import type { Logger } from "../../platform/log.ts";
import { LAST_SECOND } from "../db/time-position.ts";
import { TokenError } from "../errors.ts";
import { createIssuerKeys } from "./issuer-keys.ts";

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
const TODAY_MAX_LIFETIME_S = 900;
const TODAY_CLAIMS = ["sub", "email", "role", "iat", "exp"];
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
  logger: Logger;
}): TokenVerifier {
  const { settings, now, logger } = deps;
  const secret = settings.jwtSecret === undefined ? undefined : new TextEncoder().encode(settings.jwtSecret);
  if (secret !== undefined && secret.byteLength < 32)
    throw new Error("the JWT secret must have at least 32 bytes");
  let secretKey: Promise<CryptoKey> | undefined;
  const operatorKeys = createOperatorKeys(deps.operatorKeys);
  const oidcKeys =
    settings.oidc === undefined ? undefined : createIssuerKeys({ settings: settings.oidc, now, logger });

  async function verify(token: string): Promise<Caller> {
    const { alg } = decodeProtectedHeader(token);
    const claimed = decodeJwt(token);
    const common = { currentDate: now(), clockTolerance: CLOCK_SKEW_S, requiredClaims: ["exp", "sub"] };
    if (alg === "HS256") {
      if (secret === undefined)
        throw new TokenError("token_invalid", "this Sovereign takes no HS256 tokens: sign in again");
      secretKey ??= importSecret(secret);
      const { payload } = await jwtVerify(token, await secretKey, { ...common, algorithms: ["HS256"] });
      requireToday(payload);
      requireIssued(payload);
      return callerOf(token, payload, "shared-secret", rolesOf(payload));
    }
    if (claimed.iss === OPERATOR_ISSUER) {
      const keys = operatorKeys();
      if (keys === undefined) throw invalid();
      const { payload } = await jwtVerify(token, keys, {
        ...common,
        algorithms: ASYMMETRIC,
        issuer: OPERATOR_ISSUER,
        audience: settings.sovereignFqdn,
        requiredClaims: [...common.requiredClaims, "iat"],
      });
      const lifetime = (payload.exp ?? Number.POSITIVE_INFINITY) - (payload.iat ?? 0);
      requireIssued(payload);
      if (lifetime > OPERATOR_MAX_LIFETIME_S || payload.sub !== "operator") throw invalid();
      return callerOf(token, payload, "operator", new Set(["sovereign-admin"]));
    }
    if (settings.oidc === undefined || oidcKeys === undefined) throw invalid();
    const { issuer, audience } = settings.oidc;
    const { payload, protectedHeader } = await jwtVerify(token, oidcKeys, {
      ...common,
      algorithms: ASYMMETRIC,
      issuer,
      audience,
    });
    requireIssued(payload);
    requireAccessToken(protectedHeader, payload);
    return callerOf(token, payload, "oidc", rolesOf(payload));
  }

  /** One from the future was made by a clock that cannot be trusted about `exp` either. */
  function requireIssued({ iat }: JWTPayload): void {
    if (iat !== undefined && iat > now().getTime() / 1000 + CLOCK_SKEW_S) throw invalid();
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

/** Imported once: handed over as bytes, it would be imported again for each token, which costs more than the proof. */
function importSecret(secret: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
}

const invalid = () => new TokenError("token_invalid", "the token does not hold here: sign in again");

/**
 * What the earlier auth service signs for those who are signed in. It may sign more with the same secret (to refresh, to
 * reset a password): such a token lives longer or says more, and opens nothing here.
 */
function requireToday(payload: JWTPayload): void {
  const { iat, exp = Number.POSITIVE_INFINITY } = payload;
  // Who reads the clock for each of the two may read the next second.
  const isShort = typeof iat === "number" && exp - iat <= TODAY_MAX_LIFETIME_S + CLOCK_SKEW_S;
  if (isShort && Object.keys(payload).every((claim) => TODAY_CLAIMS.includes(claim))) return;
  throw new TokenError(
    "token_invalid",
    "an HS256 token has the claims sub, email, role, iat and exp alone, and lives for 15 minutes at most: sign in again",
  );
}

/** Made anew only when the document changes, so that a key is imported once. */
function createOperatorKeys(current: () => JSONWebKeySet | undefined): () => JWTVerifyGetKey | undefined {
  let document: JSONWebKeySet | undefined;
  let keys: JWTVerifyGetKey | undefined;
  return () => {
    const next = current();
    if (next !== document) {
      keys = next === undefined ? undefined : createLocalJWKSet(next);
      document = next;
    }
    return keys;
  };
}

/**
 * The issuer signs more than access tokens with the same keys and, where the audience is a client's id, for the same
 * audience: an ID token tells a client who signed in and opens nothing. Told apart by the header's `typ` (RFC 9068),
 * Keycloak's claim `typ`, and the claims that only ID and logout tokens have. One bound to its holder's key
 * (`cnf`) is refused too: nobody here checks the proof that must come with it.
 */
function requireAccessToken({ typ }: JWTHeaderParameters, payload: JWTPayload): void {
  const isAccessHeader =
    typ === undefined || ["jwt", "at+jwt", "application/at+jwt"].includes(typ.toLowerCase());
  const isAccessClaim = payload.typ === undefined || payload.typ === "Bearer";
  const isOther = ["at_hash", "c_hash", "s_hash", "events", "cnf"].some(
    (claim) => payload[claim] !== undefined,
  );
  if (!isAccessHeader || !isAccessClaim || isOther) throw invalid();
}

const SUBJECT = /^[^\p{Cc}]{1,255}$/u;

/** Half a surrogate pair is text to JavaScript alone: the database would refuse it. */
const isSubject = (claim: unknown): claim is string =>
  typeof claim === "string" && claim.isWellFormed() && SUBJECT.test(claim);

function callerOf(
  token: string,
  payload: JWTPayload,
  issuer: Caller["issuer"],
  roles: ReadonlySet<string>,
): Caller {
  if (!isSubject(payload.sub)) throw invalid();
  const { email } = payload;
  return {
    userId: payload.sub,
    email: isSubject(email) ? email : "",
    roles,
    issuer,
    token: traceOf(token, payload, issuer),
  };
}

function traceOf(token: string, payload: JWTPayload, issuer: Caller["issuer"]): TokenTrace {
  const { iss, jti, iat } = payload;
  // Nobody vouches for the `iss` of a token that a shared secret proves.
  const name = issuer === "shared-secret" ? issuer : (iss ?? issuer);
  const id = isSubject(jti) ? jti : `sha256:${createHash("sha256").update(token).digest("hex")}`;
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
