import { setTimeout as sleep } from "node:timers/promises";
import { quantile } from "./statistic.ts";

export interface Load {
  /** Requests under way at once: each client sends its next one as soon as the last is answered. */
  clients: number;
  /** Nothing is begun after this time, or beyond this number; what is under way is waited for. */
  maxMs: number;
  maxCount: number;
  /** Requests are due at this rate, evenly, and their latency counts from when they were due. Absent: as fast as it goes. */
  perSecond?: number | undefined;
  /** Rejects when the answer is not the one that the load is about. */
  send(index: number, client: number): Promise<void>;
}

export interface LoadResult {
  count: number;
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
}

/** Drives a loop, closed unless it has a rate. The first failure ends it: a rate with errors in it measures nothing. */
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
      const begunMs = dueMs || performance.now();
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
