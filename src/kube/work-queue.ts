import { createPriorityQueue, higherOf, type Priority } from "./priority-queue.ts";

/**
 * The time until a key is tried again after failures in a row. It doubles with each failure up to the maximum, with jitter.
 */
export interface Backoff {
  firstMs: number;
  maxMs: number;
}

/**
 * Node fires a timer of more than 2^31 ms at once, which would cause a loop without a pause. A key with a longer delay runs
 * after a day, and its work adds the remaining delay.
 */
const MAX_DELAY_MS = 24 * 3_600_000;

const DEFAULT_BACKOFF: Backoff = { firstMs: 100, maxMs: 60_000 };

export interface WorkQueueClock {
  now(): number;
  setTimer(run: () => void, delayMs: number): unknown;
  clearTimer(timer: unknown): void;
  random(): number;
}

const SYSTEM_CLOCK: WorkQueueClock = {
  now: () => performance.now(),
  setTimer: (run, delayMs) => setTimeout(run, delayMs),
  clearTimer: (timer) => clearTimeout(timer as NodeJS.Timeout),
  random: Math.random,
};

/** Receives the measurements of a queue. Durations are in seconds. */
export interface WorkQueueObserver {
  added(): void;
  retried(): void;
  depth(waiting: number): void;
  started(queuedSeconds: number): void;
  finished(workSeconds: number): void;
  /** Called once: `seconds` returns the time that each key in work has taken so far. */
  underWay(seconds: () => number[]): void;
}

/**
 * A queue of keys. A key is in the queue at most once, with the highest priority that it was added with; the default is
 * `change`. A key that is added during its own work runs once more afterwards, never twice at the same time.
 */
export interface WorkQueue {
  add(key: string, priority?: Priority): void;
  /** Adds a key after a delay. When a key has two delays, the earlier one counts. */
  addAfter(key: string, delayMs: number, priority?: Priority): void;
  /** Counts a failure of the key, and adds the key after its back-off. */
  addRateLimited(key: string, priority?: Priority): void;
  forget(key: string): void;
  /** Failures since the last `forget`. */
  failures(key: string): number;
  /**
   * Works on keys with `concurrency` workers until the signal fires and the running work has ended. Then the queue is
   * closed for good. When the work throws, its key is added again after the back-off.
   */
  run(
    work: (key: string, priority: Priority) => Promise<void>,
    concurrency: number,
    signal: AbortSignal,
  ): Promise<void>;
}

export function createWorkQueue(
  options: { backoff?: Backoff | undefined; clock?: WorkQueueClock; observer?: WorkQueueObserver } = {},
): WorkQueue {
  const { backoff = DEFAULT_BACKOFF, clock = SYSTEM_CLOCK, observer } = options;
  const waiting = createPriorityQueue();
  /** The start of the work on each key. */
  const processing = new Map<string, number>();
  const again = new Map<string, Priority>();
  const delayed = new Map<string, { timer: unknown; dueAt: number }>();
  const failuresOf = new Map<string, number>();
  const idle: (() => void)[] = [];
  let isClosed = false;
  observer?.underWay(() => [...processing.values()].map((startedAt) => (clock.now() - startedAt) / 1000));

  function add(key: string, priority: Priority = "change"): void {
    if (isClosed) return;
    const timer = delayed.get(key);
    if (timer !== undefined) {
      clock.clearTimer(timer.timer);
      delayed.delete(key);
    }
    if (processing.has(key)) {
      again.set(key, higherOf(priority, again.get(key) ?? priority));
      return;
    }
    if (!waiting.add(key, priority, clock.now())) return;
    observer?.added();
    observer?.depth(waiting.size());
    idle.shift()?.();
  }

  function addAfter(key: string, delayMs: number, priority: Priority = "change"): void {
    if (isClosed) return;
    if (delayMs <= 0) {
      add(key, priority);
      return;
    }
    const boundedMs = Math.min(delayMs, MAX_DELAY_MS);
    const dueAt = clock.now() + boundedMs;
    const earlier = delayed.get(key);
    if (earlier !== undefined && earlier.dueAt <= dueAt) return;
    if (earlier !== undefined) clock.clearTimer(earlier.timer);
    const timer = clock.setTimer(() => {
      delayed.delete(key);
      add(key, priority);
    }, boundedMs);
    delayed.set(key, { timer, dueAt });
  }

  function addRateLimited(key: string, priority?: Priority): void {
    const failures = failuresOf.get(key) ?? 0;
    failuresOf.set(key, failures + 1);
    observer?.retried();
    const delayMs = Math.min(backoff.firstMs * 2 ** failures, backoff.maxMs);
    addAfter(key, delayMs * (0.75 + clock.random() / 2), priority);
  }

  async function worker(
    work: (key: string, priority: Priority) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    while (!signal.aborted) {
      const next = waiting.take();
      if (next === undefined) {
        await new Promise<void>((resolve) => idle.push(resolve));
        continue;
      }
      const { key, priority, addedAt } = next;
      const startedAt = clock.now();
      processing.set(key, startedAt);
      observer?.depth(waiting.size());
      observer?.started((startedAt - addedAt) / 1000);
      try {
        await work(key, priority);
      } catch {
        addRateLimited(key, priority);
      }
      observer?.finished((clock.now() - startedAt) / 1000);
      processing.delete(key);
      const added = again.get(key);
      again.delete(key);
      if (added !== undefined) add(key, added);
    }
  }

  return {
    add,
    addAfter,
    addRateLimited,
    forget: (key) => void failuresOf.delete(key),
    failures: (key) => failuresOf.get(key) ?? 0,
    async run(work, concurrency, signal) {
      if (isClosed) throw new Error("a closed work queue cannot run again: create a new one");
      const onAbort = () => {
        isClosed = true;
        for (const { timer } of delayed.values()) clock.clearTimer(timer);
        delayed.clear();
        for (const wake of idle.splice(0)) wake();
      };
      if (signal.aborted) onAbort();
      else signal.addEventListener("abort", onAbort, { once: true });
      await Promise.all(Array.from({ length: concurrency }, () => worker(work, signal)));
    },
  };
}
