import RateLimiterMemory from "rate-limiter-flexible/lib/RateLimiterMemory.js";
import RateLimiterRes from "rate-limiter-flexible/lib/RateLimiterRes.js";
import { RequestError } from "../../errors.ts";

/** Counts for each key in windows of a minute, in this process alone (two replicas allow twice as much). */
export interface RateLimit {
  /** Takes points of the key's minute. Throws `rate_limited` when that takes more than there are. */
  take(key: string, points?: number): Promise<void>;
  /** How many points of the minute are gone. Throws `rate_limited` when none is left. */
  requireRoom(key: string): Promise<number>;
  /** Counts one more, whether or not there is room. */
  count(key: string): Promise<void>;
}

const WINDOW_S = 60;
/** Beyond this many keys in a minute the oldest are forgotten: a flood of addresses costs 10 MB and no more. */
const MAX_KEYS = 20_000;

/** `refusal` is what a client over the limit reads. */
export function createRateLimit(deps: { perMinute: number; refusal: string; maxKeys?: number }): RateLimit {
  const { perMinute, refusal, maxKeys = MAX_KEYS } = deps;
  const limiter = new RateLimiterMemory({ points: perMinute, duration: WINDOW_S, keyPrefix: "" });
  /** In the order in which their windows began; the limiter itself knows no bound. */
  const keys = new Set<string>();

  const refuse = (retryAfterMs: number) => new RequestError("rate_limited", refusal, { retryAfterMs });

  async function remember(key: string, { isFirstInDuration }: RateLimiterRes): Promise<void> {
    if (!isFirstInDuration) return;
    keys.delete(key);
    keys.add(key);
    if (keys.size <= maxKeys) return;
    // A tenth at once: a set that loses its first member over and over takes ever longer to find the next.
    for (const oldest of keys) {
      if (keys.size <= maxKeys * 0.9) break;
      keys.delete(oldest);
      await limiter.delete(oldest);
    }
  }

  return {
    async take(key, points = 1) {
      try {
        await remember(key, await limiter.consume(key, points));
      } catch (refused) {
        if (!(refused instanceof RateLimiterRes)) throw refused;
        await remember(key, refused);
        throw refuse(refused.msBeforeNext);
      }
    },
    async requireRoom(key) {
      const state = await limiter.get(key);
      // A window that has ended is not yet forgotten when its timer is late.
      if (state === null || state.msBeforeNext <= 0) return 0;
      if (state.consumedPoints >= perMinute) throw refuse(state.msBeforeNext);
      return state.consumedPoints;
    },
    async count(key) {
      await remember(key, await limiter.penalty(key));
    },
  };
}
