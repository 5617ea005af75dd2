import type { Caller } from "../../auth/token.ts";
import { createRateLimit } from "./rate-limit.ts";

/** Throws `rate_limited` when a user issues more vouchers in a minute than the limit allows. */
export type IssueLimiter = (caller: Caller, points?: number) => Promise<void>;

/** `perMinute` 0 = no limit. The operator is exempt, so that its smoke test never fails on the limit. */
export function createIssueLimiter({ perMinute }: { perMinute: number }): IssueLimiter {
  if (perMinute === 0) return async () => {};
  const issued = createRateLimit({
    perMinute,
    refusal:
      "too many vouchers were issued in one minute: wait for the seconds in Retry-After, or issue them in bulk",
  });
  return async ({ issuer, userId }, points = 1) => {
    // A bulk issue that costs more than the limit would never pass.
    if (issuer !== "operator") await issued.take(`${issuer}:${userId}`, Math.min(points, perMinute));
  };
}
