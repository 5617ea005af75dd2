import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from "node:crypto";
import { exportJWK, type JWK, SignJWT } from "jose";
import { OPERATOR_KEY_SECRET, SYSTEM_NAMESPACE } from "../api/name.ts";
import type { SecretObject } from "../api/object.ts";
import type { KubeClient } from "../kube/client.ts";
import { isAlreadyExists } from "../kube/error.ts";
import { SECRETS } from "../kube/resource.ts";

const NAME = { name: OPERATOR_KEY_SECRET, namespace: SYSTEM_NAMESPACE };
const KEY = "key.pem";
const TOKEN_LIFE = "4m";

export interface OperatorKey {
  /** The public half, as a JWK set. */
  jwks: { keys: JWK[] };
  /** A token for the Sovereign with this FQDN: sovereign-admin, four minutes. */
  mintToken(fqdn: string): Promise<string>;
}

/** The key that signs the operator's tokens: read from its Secret, made once where it is missing, also by two replicas at once. */
export async function loadOperatorKey(client: KubeClient): Promise<OperatorKey> {
  const read = async () => (await client.get<SecretObject>(SECRETS, NAME))?.data?.[KEY];
  let stored = await read();
  if (stored === undefined) {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    try {
      await client.create<SecretObject>(SECRETS, {
        apiVersion: "v1",
        kind: "Secret",
        metadata: NAME,
        type: "Opaque",
        data: { [KEY]: Buffer.from(pem).toString("base64") },
      });
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
    stored = await read();
  }
  if (stored === undefined)
    throw new Error(
      `Secret ${SYSTEM_NAMESPACE}/${OPERATOR_KEY_SECRET} has no ${KEY}: delete it, and a new key is made`,
    );
  return fromPem(Buffer.from(stored, "base64").toString());
}

async function fromPem(pem: string): Promise<OperatorKey> {
  const privateKey: KeyObject = createPrivateKey(pem);
  const publicJwk = await exportJWK(createPublicKey(privateKey));
  const kid = createHash("sha256")
    .update(JSON.stringify([publicJwk.crv, publicJwk.x, publicJwk.y]))
    .digest("base64url")
    .slice(0, 16);
  return {
    jwks: { keys: [{ ...publicJwk, kid, alg: "ES256", use: "sig" }] },
    mintToken: (fqdn) =>
      new SignJWT({ role: "sovereign-admin" })
        .setProtectedHeader({ alg: "ES256", kid, typ: "JWT" })
        .setIssuer("catalyst-operator")
        .setAudience(fqdn)
        .setSubject("operator")
        .setIssuedAt()
        .setExpirationTime(TOKEN_LIFE)
        .sign(privateKey),
  };
}
