import { RequestError } from "../errors.ts";

export interface PreviewLimits {
  /** Previews for each client and minute; 0 = no limit. */
  perMinute: number;
  /** Of these, ones that found nothing; 0 = no limit. */
  missesPerMinute: number;
}

interface Tally {
  windowEndMs: number;
  asked: number;
  missed: number;
  /** Lookups whose outcome is not known yet, and who waits for one of them. */
  pending: number;
  waiting: (() => void)[];
}

const WINDOW_MS = 60_000;
/** Beyond this many clients in a minute the oldest are forgotten: memory stays bounded under a flood of addresses. */
const MAX_CLIENTS = 100_000;

/**
 * Counts previews and misses for each client in windows of a minute, in this process alone (two replicas allow twice as
 * much). Over either limit a client is refused for live codes too, or the refusal would tell them apart.
 */
export function createPreviewLimiter(deps: { limits: PreviewLimits; now: () => Date }) {
  const { limits, now } = deps;
  const tallies = new Map<string, Tally>();

  function tallyOf(client: string, nowMs: number): Tally {
    const current = tallies.get(client);
    if (current !== undefined && current.windowEndMs > nowMs) return current;
    const fresh = { windowEndMs: nowMs + WINDOW_MS, asked: 0, missed: 0, pending: 0, waiting: [] };
    tallies.delete(client);
    tallies.set(client, fresh);
    if (tallies.size > MAX_CLIENTS) tallies.delete(tallies.keys().next().value as string);
    return fresh;
  }

  function requireRoom(tally: Tally): void {
    const isOver =
      (limits.perMinute > 0 && tally.asked >= limits.perMinute) ||
      (limits.missesPerMinute > 0 && tally.missed >= limits.missesPerMinute);
    if (!isOver) return;
    throw new RequestError("rate_limited", "too many vouchers looked up: wait for the time in Retry-After", {
      retryAfterMs: tally.windowEndMs - now().getTime(),
    });
  }

  return {
    /** Runs a lookup within the client's limits; undefined from it is a miss. Throws `rate_limited`. */
    async admit<Found>(client: string, lookUp: () => Promise<Found | undefined>): Promise<Found | undefined> {
      const tally = tallyOf(client, now().getTime());
      requireRoom(tally);
      tally.asked += 1;
      // A burst cannot outrun the count: no more lookups are under way than may still miss, the others wait their turn.
      while (limits.missesPerMinute > 0 && tally.missed + tally.pending >= limits.missesPerMinute) {
        requireRoom({ ...tally, asked: 0 });
        await new Promise<void>((resolve) => tally.waiting.push(resolve));
      }
      tally.pending += 1;
      try {
        const found = await lookUp();
        if (found === undefined) tally.missed += 1;
        return found;
      } finally {
        tally.pending -= 1;
        for (const wake of tally.waiting.splice(0)) wake();
      }
    },
  };
}

export type PreviewLimiter = ReturnType<typeof createPreviewLimiter>;
