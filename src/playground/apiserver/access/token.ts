import { createHash, type KeyObject, randomUUID } from "node:crypto";
import { exportJWK, type JWK, type JWTPayload, jwtVerify, SignJWT } from "jose";
import { errorMessage } from "../error-message.ts";
import { serviceAccountGroups, serviceAccountUsername, type UserInfo } from "./user.ts";

interface ObjectIdentity {
  name: string;
  uid: string;
}

/** The object that the token is bound to: the deletion of the object invalidates the token. */
export interface BoundObject extends ObjectIdentity {
  kind: "Pod" | "Secret" | "Node";
}

export interface TokenGrant {
  namespace: string;
  serviceAccount: ObjectIdentity;
  audiences: readonly string[];
  expirationSeconds: number;
  boundTo?: BoundObject;
}

export interface ServiceAccountTokenDeps {
  /** P-256 keys; the private one never leaves this module. */
  privateKey: KeyObject;
  publicKey: KeyObject;
  issuer: string;
  /** The audiences of this server, and the default ones of a token. */
  apiAudiences: readonly string[];
  /** The uid of a live object. Undefined when the object does not exist. */
  findUid(kind: "ServiceAccount" | BoundObject["kind"], namespace: string, name: string): string | undefined;
  now: () => Date;
}

export interface VerifiedToken {
  user: UserInfo;
  /** The requested audiences that the token carries. */
  audiences: string[];
}

export interface ServiceAccountTokens {
  readonly apiAudiences: readonly string[];
  mint(grant: TokenGrant): Promise<{ token: string; expirationTimestamp: Date }>;
  /** Throws an Error with the reason; resolves undefined when another issuer made the token. */
  verify(token: string, audiences?: readonly string[]): Promise<VerifiedToken | undefined>;
  jwks(): Promise<{ keys: JWK[] }>;
  discovery(jwksUri: string): Record<string, unknown>;
}

interface KubernetesClaim {
  namespace: string;
  serviceaccount: ObjectIdentity;
  pod?: ObjectIdentity;
  secret?: ObjectIdentity;
  node?: ObjectIdentity;
}

const CLAIM = "kubernetes.io";
const MAX_CACHED = 1_000;

/** Mints and checks ES256 tokens of service accounts, in the shape that Kubernetes gives them. */
export function createServiceAccountTokens(deps: ServiceAccountTokenDeps): ServiceAccountTokens {
  const { privateKey, publicKey, issuer, apiAudiences, findUid, now } = deps;
  const payloadOf = createSignatureCheck(deps);
  let keyId: Promise<string> | undefined;

  async function signingKeyId(): Promise<string> {
    keyId ??= exportJWK(publicKey).then((jwk) =>
      createHash("sha256").update(`${jwk.x}.${jwk.y}`).digest("base64url"),
    );
    return keyId;
  }

  return {
    apiAudiences,

    async mint({ namespace, serviceAccount, audiences, expirationSeconds, boundTo }) {
      const issuedAt = Math.floor(now().getTime() / 1000);
      const claim: KubernetesClaim = { namespace, serviceaccount: serviceAccount };
      if (boundTo !== undefined) {
        const member = boundTo.kind.toLowerCase() as "pod" | "secret" | "node";
        claim[member] = { name: boundTo.name, uid: boundTo.uid };
      }
      const token = await new SignJWT({ [CLAIM]: claim })
        .setProtectedHeader({ alg: "ES256", kid: await signingKeyId() })
        .setIssuer(issuer)
        .setSubject(serviceAccountUsername(namespace, serviceAccount.name))
        .setAudience([...audiences])
        .setJti(randomUUID())
        .setIssuedAt(issuedAt)
        .setNotBefore(issuedAt)
        .setExpirationTime(issuedAt + expirationSeconds)
        .sign(privateKey);
      return { token, expirationTimestamp: new Date((issuedAt + expirationSeconds) * 1000) };
    },

    async verify(token, wanted = apiAudiences) {
      const payload = await payloadOf(token);
      if (payload === undefined) return undefined;
      if ((payload.exp ?? 0) * 1000 <= now().getTime()) throw new Error("service account token has expired");
      const carried = [payload.aud ?? []].flat();
      const audiences = carried.filter((audience) => wanted.includes(audience));
      if (audiences.length === 0) {
        throw new Error(
          `token audiences ${JSON.stringify(carried)} is invalid for the target audiences ${JSON.stringify(wanted)}`,
        );
      }
      const claim = payload[CLAIM] as KubernetesClaim;
      assertAlive(claim, findUid);
      return { user: userOf(claim, payload.jti), audiences };
    },

    async jwks() {
      const jwk = await exportJWK(publicKey);
      return { keys: [{ ...jwk, use: "sig", alg: "ES256", kid: await signingKeyId() }] };
    },

    discovery(jwksUri) {
      return {
        issuer,
        jwks_uri: jwksUri,
        response_types_supported: ["id_token"],
        subject_types_supported: ["public"],
        id_token_signing_alg_values_supported: ["ES256"],
      };
    },
  };
}

/**
 * Returns a function that verifies a token's signature and times. Verified payloads are kept by the digest of the token, so
 * that the signature is checked once; whether the objects in the token still exist is checked on each request.
 */
function createSignatureCheck({ publicKey, issuer, now }: ServiceAccountTokenDeps) {
  const verified = new Map<string, JWTPayload>();
  return async function payloadOf(token: string): Promise<JWTPayload | undefined> {
    const digest = createHash("sha256").update(token).digest("base64");
    const known = verified.get(digest);
    if (known !== undefined) return known;
    if (unverifiedIssuer(token) !== issuer) return undefined;
    const { payload } = await jwtVerify(token, publicKey, {
      algorithms: ["ES256"],
      issuer,
      requiredClaims: ["exp", "sub", "aud"],
      currentDate: now(),
    }).catch((cause: unknown) => {
      const expired = (cause as { code?: string }).code === "ERR_JWT_EXPIRED";
      throw new Error(
        expired ? "service account token has expired" : `invalid bearer token: ${errorMessage(cause)}`,
      );
    });
    if (verified.size >= MAX_CACHED) verified.clear();
    verified.set(digest, payload);
    return payload;
  };
}

function assertAlive(claim: KubernetesClaim, findUid: ServiceAccountTokenDeps["findUid"]): void {
  const { namespace, serviceaccount, pod, secret, node } = claim;
  const uid = findUid("ServiceAccount", namespace, serviceaccount.name);
  if (uid === undefined) throw new Error(`serviceaccounts "${serviceaccount.name}" not found`);
  if (uid !== serviceaccount.uid) {
    throw new Error(`service account UID (${uid}) does not match claim (${serviceaccount.uid})`);
  }
  const assertBound = (kind: BoundObject["kind"], scope: string, ref: ObjectIdentity | undefined) => {
    if (ref !== undefined && findUid(kind, scope, ref.name) !== ref.uid) {
      throw new Error("service account token has been invalidated");
    }
  };
  assertBound("Pod", namespace, pod);
  assertBound("Secret", namespace, secret);
  assertBound("Node", "", pod === undefined ? node : undefined);
}

function userOf(claim: KubernetesClaim, jti: string | undefined): UserInfo {
  const { namespace, serviceaccount } = claim;
  const extra: Record<string, string[]> = {};
  if (jti) extra["authentication.kubernetes.io/credential-id"] = [`JTI=${jti}`];
  for (const member of ["pod", "node"] as const) {
    const ref = claim[member];
    if (ref === undefined) continue;
    extra[`authentication.kubernetes.io/${member}-name`] = [ref.name];
    extra[`authentication.kubernetes.io/${member}-uid`] = [ref.uid];
  }
  return {
    username: serviceAccountUsername(namespace, serviceaccount.name),
    uid: serviceaccount.uid,
    groups: serviceAccountGroups(namespace),
    extra,
  };
}

/** The `iss` that a token claims. It is not verified, and only shows whether this server may have issued the token. */
function unverifiedIssuer(token: string): unknown {
  const [, payload] = token.split(".");
  if (payload === undefined) return undefined;
  try {
    return (JSON.parse(Buffer.from(payload, "base64url").toString("utf8")) as { iss?: unknown }).iss;
  } catch {
    return undefined;
  }
}
