import { setTimeout as sleep } from "node:timers/promises";
import { quantile } from "./statistic.ts";

export interface Load {
  /** The number of requests under way at the same time. Each client sends its next one after the last answer. */
  clients: number;
  /** No request is sent after this time or beyond this number. Requests under way are awaited. */
  maxMs: number;
  maxCount: number;
  /** Requests are due at this even rate, and latency counts from the due time. Absent: as fast as possible. */
  perSecond?: number | undefined;
  /** Rejects for another answer than the expected one. */
  send(index: number, client: number): Promise<void>;
}

export interface LoadResult {
  count: number;
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
}

/**
 * Sends the load. Without a rate it is a closed loop. The first failure ends it, because a rate with failures in it is
 * not comparable.
 */
export async function drive(load: Load): Promise<LoadResult> {
  const latenciesMs: number[] = [];
  const startMs = performance.now();
  let next = 0;
  let isFailed = false;
  async function runClient(client: number): Promise<void> {
    while (!isFailed && next < load.maxCount && performance.now() - startMs < load.maxMs) {
      const index = next;
      next += 1;
      const dueMs = load.perSecond === undefined ? 0 : startMs + (index / load.perSecond) * 1_000;
      const earlyMs = dueMs - performance.now();
      if (earlyMs > 0) await sleep(earlyMs);
      // A timer may end up to 1 ms too early. Then the latency counts from when the request is sent.
      const sentMs = performance.now();
      const begunMs = load.perSecond === undefined ? sentMs : Math.min(dueMs, sentMs);
      try {
        await load.send(index, client);
      } catch (error) {
        isFailed = true;
        throw error;
      }
      latenciesMs.push(performance.now() - begunMs);
    }
  }
  await Promise.all(Array.from({ length: load.clients }, (_, client) => runClient(client)));
  const elapsedMs = performance.now() - startMs;
  return {
    count: latenciesMs.length,
    perSecond: (latenciesMs.length / elapsedMs) * 1_000,
    p50Ms: quantile(latenciesMs, 0.5),
    p99Ms: quantile(latenciesMs, 0.99),
  };
}
