import { SignJWT } from "jose";

/** Lifetime of an HS256 token. Billing refuses one that lives longer. */
export const SHARED_SECRET_TOKEN_S = 900;

/** A service refuses a token from the future. So the clock here may be this far ahead of the service's. */
const CLOCK_LEAD_S = 30;

/** How long a token that `signSharedSecretToken` signs is valid. */
export const SIGNED_TOKEN_S = SHARED_SECRET_TOKEN_S - CLOCK_LEAD_S;

/** A session token of the earlier auth service: its claims are `sub`, `email`, `role`, `iat` and `exp`. */
export function signSharedSecretToken(
  { userId, email, role, now }: { userId: string; email: string; role: string; now: Date },
  secret: string,
): Promise<string> {
  const issuedAt = Math.floor(now.getTime() / 1_000) - CLOCK_LEAD_S;
  return new SignJWT({ email, role })
    .setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .setSubject(userId)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + SHARED_SECRET_TOKEN_S)
    .sign(new TextEncoder().encode(secret));
}
