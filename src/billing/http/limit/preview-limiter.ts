import type { Caller } from "../../auth/token.ts";
import { createRateLimit } from "./rate-limit.ts";

export interface PreviewLimits {
  /** Previews for each client and minute; 0 = no limit. */
  perMinute: number;
  /** Previews that found nothing, for each client and minute; 0 = no limit. */
  missesPerMinute: number;
}

export interface PreviewLimiter {
  /** Runs a lookup within the client's limits. A result of undefined counts as a miss. Throws `rate_limited`. */
  admit<Found>(client: string, lookUp: () => Promise<Found | undefined>): Promise<Found | undefined>;
}

/** A client's lookups that are in progress, and its lookups that wait for them. */
interface ClientLookups {
  /** Those in progress and those that wait. */
  count: number;
  running: number;
  waiting: (() => void)[];
}

/** A signed-in user counts for itself, all others by their address: customers of a carrier share a few addresses. */
export function limitKey({ issuer, userId }: Caller, client: string): string {
  return userId === "" ? client : `user ${issuer}:${userId}`;
}

const REFUSAL = "too many vouchers were looked up: wait for the seconds in Retry-After";

/**
 * Counts previews and misses for each client. A client over either limit is refused for live codes too, because otherwise
 * the refusal would reveal which codes exist.
 */
export function createPreviewLimiter({ limits }: { limits: PreviewLimits }): PreviewLimiter {
  const limitOf = (perMinute: number) =>
    perMinute === 0 ? undefined : createRateLimit({ perMinute, refusal: REFUSAL });
  const asked = limitOf(limits.perMinute);
  const missed = limitOf(limits.missesPerMinute);
  /** Only of clients with a lookup in progress. */
  const lookupsByClient = new Map<string, ClientLookups>();

  function begin(client: string): ClientLookups {
    const lookups = lookupsByClient.get(client) ?? { count: 0, running: 0, waiting: [] };
    lookupsByClient.set(client, lookups);
    lookups.count += 1;
    return lookups;
  }

  function end(client: string, lookups: ClientLookups): void {
    lookups.count -= 1;
    if (lookups.count === 0) lookupsByClient.delete(client);
  }

  return {
    async admit(client, lookUp) {
      await asked?.take(client);
      if (missed === undefined) return lookUp();
      const lookups = begin(client);
      try {
        // No more lookups run at once than the client may still miss. The others wait, so that a burst cannot pass the limit.
        while ((await missed.requireRoom(client)) + lookups.running >= limits.missesPerMinute) {
          await new Promise<void>((resolve) => lookups.waiting.push(resolve));
        }
        lookups.running += 1;
        try {
          const found = await lookUp();
          // A miss is counted before `running` falls, so that a concurrent check never counts too few.
          if (found === undefined) await missed.count(client);
          return found;
        } finally {
          lookups.running -= 1;
          for (const wake of lookups.waiting.splice(0)) wake();
        }
      } finally {
        end(client, lookups);
      }
    },
  };
}
