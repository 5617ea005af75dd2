import type { Caller } from "../../auth/token.ts";
import { createRateLimit } from "./rate-limit.ts";

/** Throws `rate_limited` when a user issues more vouchers in a minute than a person or a script of theirs needs to. */
export type IssueLimiter = (caller: Caller, points?: number) => Promise<void>;

/** `perMinute` 0 = no limit. The operator is exempt: its smoke test must never fail on it. */
export function createIssueLimiter({ perMinute }: { perMinute: number }): IssueLimiter {
  if (perMinute === 0) return async () => {};
  const issued = createRateLimit({
    perMinute,
    refusal: "too many vouchers issued in a minute: wait for the time in Retry-After, or issue them in bulk",
  });
  return async ({ issuer, userId }, points = 1) => {
    // What costs more than a whole minute has would never pass.
    if (issuer !== "operator") await issued.take(`${issuer}:${userId}`, Math.min(points, perMinute));
  };
}
