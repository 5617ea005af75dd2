import { hash } from "node:crypto";
import {
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
import { createSharedSecretVerifier } from "./shared-secret-verifier.ts";

export type Role = "superadmin" | "sovereign-admin" | "sovereign-auditor";

/** The user of a request, from a verified token. */
export interface Caller {
  /** `sub`. */
  userId: string;
  /** Empty when the token has none. */
  email: string;
  roles: ReadonlySet<string>;
  issuer: "oidc" | "operator" | "shared-secret";
  /** The token, as the audit stores it. */
  token: TokenTrace;
}

export interface TokenTrace {
  /** `iss` where it is verified, otherwise the kind of issuer. */
  issuer: string;
  /** `jti`, or `sha256:…` of a token without `jti`. It identifies the token, and cannot be used to sign in. */
  id: string;
  /** `iat`. */
  issuedAt?: Date;
}

export interface TokenSettings {
  /** The audience of the operator's tokens. */
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
 * Verifies bearer tokens of the three issuers. The issuer that a token names decides which keys and algorithms count. Only
 * the shared secret verifies HS256, and only public keys verify the other algorithms, so no kind of token can pass as
 * another. Throws `token_missing`, `token_invalid`, or `issuer_unavailable` when the OIDC issuer's keys cannot be read.
 */
export function createTokenVerifier(deps: {
  settings: TokenSettings;
  /** The operator's public keys as a JWKS. They are read at each use, so that a rotation counts at once. */
  operatorKeys: () => JSONWebKeySet | undefined;
  /** See `createIssuerKeys`. */
  issuerAuthority?: (() => string) | undefined;
  now: () => Date;
  logger: Logger;
}): TokenVerifier {
  const { settings, issuerAuthority: readAuthority, now, logger } = deps;
  const verifySharedSecret =
    settings.jwtSecret === undefined ? undefined : createSharedSecretVerifier(settings.jwtSecret);
  const operatorKeys = createOperatorKeys(deps.operatorKeys);
  const oidcKeys =
    settings.oidc === undefined
      ? undefined
      : createIssuerKeys({ settings: settings.oidc, readAuthority, now, logger });

  async function verify(token: string): Promise<Caller> {
    const header = decodeProtectedHeader(token);
    const common = { currentDate: now(), clockTolerance: CLOCK_SKEW_S, requiredClaims: ["exp", "sub"] };
    if (header.alg === "HS256") {
      if (verifySharedSecret === undefined)
        throw new TokenError("token_invalid", "this Sovereign does not accept HS256 tokens: sign in again");
      const payload = verifySharedSecret(token, header, common);
      requireIssued(payload);
      return callerOf(token, payload, "shared-secret", rolesOf(payload));
    }
    if (decodeJwt(token).iss === OPERATOR_ISSUER) {
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

  /** A token from the future comes from a wrong clock, so its `exp` cannot be trusted either. */
  function requireIssued({ iat }: JWTPayload): void {
    if (iat !== undefined && iat > now().getTime() / 1000 + CLOCK_SKEW_S) throw invalid();
  }

  return async (authorization) => {
    const token = /^Bearer +([A-Za-z0-9._~+/=-]+)$/i.exec(authorization ?? "")?.[1];
    if (token === undefined)
      throw new TokenError("token_missing", "a bearer token is required: sign in first");
    if (token.length > MAX_TOKEN_LENGTH) throw invalid();
    try {
      return await verify(token);
    } catch (error) {
      if (error instanceof TokenError) throw error;
      if (error instanceof joseErrors.JWTExpired)
        throw new TokenError("token_invalid", "the token has expired: sign in again", { cause: error });
      throw new TokenError("token_invalid", "the token is not valid here: sign in again", { cause: error });
    }
  };
}

const invalid = () => new TokenError("token_invalid", "the token is not valid here: sign in again");

/** The key set is created again only when the document changes, so that each key is imported once. */
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
 * Refuses tokens that are not access tokens. The issuer signs ID tokens with the same keys and, where the audience is a client
 * id, for the same audience. They are recognised by the header's `typ` (RFC 9068), Keycloak's claim `typ`, and the claims that
 * only ID and logout tokens have. Tokens that are bound to a key (`cnf`) are refused too, because this service does not
 * check the proof of possession.
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

/**
 * Whether a claim may name a user or an address. JavaScript accepts half of a surrogate pair, which the database cannot store.
 */
export const isSubject = (claim: unknown): claim is string =>
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
  // With a shared secret, the claim `iss` is not verified.
  const name = issuer === "shared-secret" ? issuer : (iss ?? issuer);
  const id = isSubject(jti) ? jti : `sha256:${hash("sha256", token, "hex")}`;
  const isDate = typeof iat === "number" && iat >= 0 && iat <= LAST_SECOND;
  return { issuer: name, id, ...(isDate ? { issuedAt: new Date(iat * 1000) } : {}) };
}

/** Roles from the claim `role` and from Keycloak's `realm_access.roles`. */
function rolesOf(payload: JWTPayload): Set<string> {
  const realm = (payload.realm_access as { roles?: unknown } | null | undefined)?.roles;
  return new Set(
    [payload.role, ...(Array.isArray(realm) ? realm : [])].filter((role) => typeof role === "string"),
  );
}
