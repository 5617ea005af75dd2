import RateLimiterMemory from "rate-limiter-flexible/lib/RateLimiterMemory.js";
import RateLimiterRes from "rate-limiter-flexible/lib/RateLimiterRes.js";
import { RequestError } from "../../errors.ts";

/** Counts for each key in windows of one minute. Each process counts for itself: two replicas allow twice as much. */
export interface RateLimit {
  /** Takes points from the key's minute. Throws `rate_limited` when too few are left. */
  take(key: string, points?: number): Promise<void>;
  /** The number of points that the key has used in this minute. Throws `rate_limited` when none is left. */
  requireRoom(key: string): Promise<number>;
  /** Takes one point, even when none is left. */
  count(key: string): Promise<void>;
}

const WINDOW_S = 60;
/** Beyond this many keys in a minute the oldest are removed, so that a flood of addresses takes at most 10 MB. */
const MAX_KEYS = 20_000;

/** `refusal` is the message to a client over the limit. */
export function createRateLimit(deps: { perMinute: number; refusal: string; maxKeys?: number }): RateLimit {
  const { perMinute, refusal, maxKeys = MAX_KEYS } = deps;
  const limiter = new RateLimiterMemory({ points: perMinute, duration: WINDOW_S, keyPrefix: "" });
  /** In the order in which their windows began. The limiter itself has no bound. */
  const keys = new Set<string>();

  const refuse = (retryAfterMs: number) => new RequestError("rate_limited", refusal, { retryAfterMs });

  async function trackKey(key: string, { isFirstInDuration }: RateLimiterRes): Promise<void> {
    if (!isFirstInDuration) return;
    keys.delete(key);
    keys.add(key);
    if (keys.size <= maxKeys) return;
    // Removes a tenth at once, because finding the first member of a set gets slower with each first member that was
    // removed before.
    for (const oldest of keys) {
      if (keys.size <= maxKeys * 0.9) break;
      keys.delete(oldest);
      await limiter.delete(oldest);
    }
  }

  return {
    async take(key, points = 1) {
      try {
        await trackKey(key, await limiter.consume(key, points));
      } catch (refused) {
        if (!(refused instanceof RateLimiterRes)) throw refused;
        await trackKey(key, refused);
        throw refuse(refused.msBeforeNext);
      }
    },
    async requireRoom(key) {
      const state = await limiter.get(key);
      // When the limiter's timer is late, the limiter still has a window that has ended.
      if (state === null || state.msBeforeNext <= 0) return 0;
      if (state.consumedPoints >= perMinute) throw refuse(state.msBeforeNext);
      return state.consumedPoints;
    },
    async count(key) {
      await trackKey(key, await limiter.penalty(key));
    },
  };
}
