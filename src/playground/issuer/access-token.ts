import { randomUUID } from "node:crypto";
import { exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";
import type { Account } from "./grant.ts";

export const TOKEN_LIFETIME_S = 300;
const KEY_ID = "playground";

export interface TokenSigner {
  publicKey: JWK;
  /** An access token as Keycloak's: the roles are in `realm_access`. */
  sign(account: Account, claims: { issuer: string; audience: string; now: Date }): Promise<string>;
}

export async function createTokenSigner(): Promise<TokenSigner> {
  const { privateKey, publicKey } = await generateKeyPair("ES256");
  return {
    publicKey: { ...(await exportJWK(publicKey)), kid: KEY_ID, alg: "ES256", use: "sig" },
    sign(account, { issuer, audience, now }) {
      const issuedAt = Math.floor(now.getTime() / 1_000);
      return new SignJWT({
        email: `${account.name}@playground.example`,
        realm_access: { roles: [account.name] },
      })
        .setProtectedHeader({ alg: "ES256", kid: KEY_ID, typ: "at+jwt" })
        .setIssuer(issuer)
        .setAudience(audience)
        .setSubject(`playground-${account.name}`)
        .setJti(randomUUID())
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + TOKEN_LIFETIME_S)
        .sign(privateKey);
    },
  };
}
