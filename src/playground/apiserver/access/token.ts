import { createHash, type KeyObject, randomUUID } from "node:crypto";
import { exportJWK, type JWK, type JWTPayload, jwtVerify, SignJWT } from "jose";
import { errorMessage } from "../error-message.ts";
import { serviceAccountGroups, serviceAccountUsername, type UserInfo } from "./user.ts";

interface ObjectIdentity {
  name: string;
  uid: string;
}

/** The object whose end ends the token too. */
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
  /** What this server itself answers to; the default audience of a token. */
  apiAudiences: readonly string[];
  /** The uid of a live object, undefined when it is gone. */
  findUid(kind: "ServiceAccount" | BoundObject["kind"], namespace: string, name: string): string | undefined;
  now: () => Date;
}

export interface VerifiedToken {
  user: UserInfo;
  /** Those of the wanted audiences that the token carries. */
  audiences: string[];
}

export interface ServiceAccountTokens {
  readonly apiAudiences: readonly string[];
  mint(grant: TokenGrant): Promise<{ token: string; expirationTimestamp: Date }>;
  /** Throws an Error that says why; resolves undefined when the token is not of this server at all. */
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
const MAX_REMEMBERED = 1_000;

/** Mints and checks ES256 tokens of service accounts, in the shape that Kubernetes gives them. */
export function createServiceAccountTokens(deps: ServiceAccountTokenDeps): ServiceAccountTokens {
  const { privateKey, publicKey, issuer, apiAudiences, findUid, now } = deps;
  // Signatures already checked, by digest of the token: an object's life is looked up each time, the
  // elliptic curve only once.
  const verified = new Map<string, JWTPayload>();
  let keyId: Promise<string> | undefined;

  async function signingKeyId(): Promise<string> {
    keyId ??= exportJWK(publicKey).then((jwk) =>
      createHash("sha256").update(`${jwk.x}.${jwk.y}`).digest("base64url"),
    );
    return keyId;
  }

  async function payloadOf(token: string): Promise<JWTPayload | undefined> {
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
    if (verified.size >= MAX_REMEMBERED) verified.clear();
    verified.set(digest, payload);
    return payload;
  }

  function assertAlive(kind: BoundObject["kind"], namespace: string, ref: ObjectIdentity | undefined): void {
    if (ref !== undefined && findUid(kind, namespace, ref.name) !== ref.uid) {
      throw new Error("service account token has been invalidated");
    }
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
      const { namespace, serviceaccount, pod, secret, node } = claim;
      const uid = findUid("ServiceAccount", namespace, serviceaccount.name);
      if (uid === undefined) throw new Error(`serviceaccounts "${serviceaccount.name}" not found`);
      if (uid !== serviceaccount.uid) {
        throw new Error(`service account UID (${uid}) does not match claim (${serviceaccount.uid})`);
      }
      assertAlive("Pod", namespace, pod);
      assertAlive("Secret", namespace, secret);
      assertAlive("Node", "", pod === undefined ? node : undefined);
      const extra: Record<string, string[]> = {};
      if (payload.jti) extra["authentication.kubernetes.io/credential-id"] = [`JTI=${payload.jti}`];
      for (const [member, ref] of [
        ["pod", pod],
        ["node", node],
      ] as const) {
        if (ref === undefined) continue;
        extra[`authentication.kubernetes.io/${member}-name`] = [ref.name];
        extra[`authentication.kubernetes.io/${member}-uid`] = [ref.uid];
      }
      return {
        user: {
          username: serviceAccountUsername(namespace, serviceaccount.name),
          uid: serviceaccount.uid,
          groups: serviceAccountGroups(namespace),
          extra,
        },
        audiences,
      };
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

/** The `iss` that a token claims, to tell whose it is before anything in it is believed. */
function unverifiedIssuer(token: string): unknown {
  const [, payload] = token.split(".");
  if (payload === undefined) return undefined;
  try {
    return (JSON.parse(Buffer.from(payload, "base64url").toString("utf8")) as { iss?: unknown }).iss;
  } catch {
    return undefined;
  }
}
