import { SignJWT } from "jose";

/** Lifetime of an HS256 token. Billing refuses one that lives longer. */
export const SHARED_SECRET_TOKEN_S = 900;

/** A session token of the earlier auth service: its claims are `sub`, `email`, `role`, `iat` and `exp`. */
export function signSharedSecretToken(
  { userId, email, role, now }: { userId: string; email: string; role: string; now: Date },
  secret: string,
): Promise<string> {
  const issuedAt = Math.floor(now.getTime() / 1_000);
  return new SignJWT({ email, role })
    .setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .setSubject(userId)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + SHARED_SECRET_TOKEN_S)
    .sign(new TextEncoder().encode(secret));
}
