import { createHash, createPrivateKey, createPublicKey } from "node:crypto";
import { exportJWK, type JWK, SignJWT } from "jose";

/** A smoke test takes seconds, and the voucher API accepts an operator's token for at most five minutes. */
const TOKEN_LIFE = "4m";

/** The key that signs the operator's tokens. */
export interface OperatorKey {
  /** The public half, as a JWK set. */
  jwks: { keys: JWK[] };
  /** A token with role sovereign-admin for the Sovereign with this FQDN, valid for four minutes. */
  mintToken(fqdn: string): Promise<string>;
}

/** `pem` is a P-256 private key. Throws when it is not. */
export async function createOperatorKey(pem: string): Promise<OperatorKey> {
  const privateKey = createPrivateKey(pem);
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
