import { createHash, randomBytes } from "node:crypto";

/** A user of the playground's issuer. There are no passwords: a person who opens the sign-in page chooses an account. */
export interface Account {
  /** The role, which is also the name of the account. */
  name: string;
  description: string;
}

interface Grant {
  clientId: string;
  account: Account;
}

interface PendingCode extends Grant {
  redirectUri: string;
  codeChallenge: string;
  expiresAtMs: number;
}

const CODE_LIFETIME_MS = 60_000;
/** Codes and refresh tokens beyond this number push out the oldest. */
const MAX_KEPT = 1_000;

/** The codes and refresh tokens that the issuer has given out. Each works once. */
export interface GrantStore {
  createCode(grant: Grant, redirectUri: string, codeChallenge: string): string;
  /** Undefined: the code is unknown, used, expired, or was given to another client, address or verifier. */
  redeemCode(
    code: string,
    proof: { clientId: string; redirectUri: string; verifier: string },
  ): Grant | undefined;
  createRefreshToken(grant: Grant): string;
  redeemRefreshToken(token: string, clientId: string): Grant | undefined;
}

export function createGrantStore(now: () => Date): GrantStore {
  const codes = new Map<string, PendingCode>();
  const refreshTokens = new Map<string, Grant>();

  function keep<T>(kept: Map<string, T>, value: T): string {
    const name = randomBytes(32).toString("base64url");
    kept.set(name, value);
    const [oldest] = kept.keys();
    if (kept.size > MAX_KEPT && oldest !== undefined) kept.delete(oldest);
    return name;
  }

  function take<T>(kept: Map<string, T>, name: string): T | undefined {
    const value = kept.get(name);
    kept.delete(name);
    return value;
  }

  return {
    createCode: (grant, redirectUri, codeChallenge) =>
      keep(codes, { ...grant, redirectUri, codeChallenge, expiresAtMs: now().getTime() + CODE_LIFETIME_MS }),
    redeemCode(code, { clientId, redirectUri, verifier }) {
      const pending = take(codes, code);
      const challenge = createHash("sha256").update(verifier).digest("base64url");
      const isValid =
        pending !== undefined &&
        pending.clientId === clientId &&
        pending.redirectUri === redirectUri &&
        pending.codeChallenge === challenge &&
        pending.expiresAtMs > now().getTime();
      return isValid ? pending : undefined;
    },
    createRefreshToken: (grant) => keep(refreshTokens, grant),
    redeemRefreshToken(token, clientId) {
      const grant = take(refreshTokens, token);
      return grant?.clientId === clientId ? grant : undefined;
    },
  };
}
