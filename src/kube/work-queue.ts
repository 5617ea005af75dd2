/** How long until a key is tried again after its n-th failure in a row: exponential, jittered, capped. */
export interface Backoff {
  firstMs: number;
  maxMs: number;
}

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

/** What a queue tells its metrics. Durations in seconds. */
export interface WorkQueueObserver {
  added(): void;
  retried(): void;
  depth(waiting: number): void;
  started(queuedSeconds: number): void;
  finished(workSeconds: number): void;
  /** Once, at the start: where to read how long each key under way has been. */
  underWay(seconds: () => number[]): void;
}

/**
 * A queue of keys. A key waits at most once; one that is added while it is worked on runs once more afterwards, never
 * beside itself. Failures of a key back off by themselves and reset on success.
 */
export interface WorkQueue {
  add(key: string): void;
  /** The earlier of two delays of a key wins. */
  addAfter(key: string, delayMs: number): void;
  /** Adds after the key's back-off, which grows. */
  addRateLimited(key: string): void;
  forget(key: string): void;
  /** Failures in a row. */
  failures(key: string): number;
  /**
   * Works on keys with `concurrency` workers until the signal fires and those under way are done; the queue is closed
   * then. Work that throws is tried again after the key's back-off.
   */
  run(work: (key: string) => Promise<void>, concurrency: number, signal: AbortSignal): Promise<void>;
}

export function createWorkQueue(
  options: { backoff?: Backoff; clock?: WorkQueueClock; observer?: WorkQueueObserver } = {},
): WorkQueue {
  const { backoff = DEFAULT_BACKOFF, clock = SYSTEM_CLOCK, observer } = options;
  const waiting = new Map<string, number>();
  /** When work on each key under way began. */
  const processing = new Map<string, number>();
  const again = new Set<string>();
  const delayed = new Map<string, { timer: unknown; dueAt: number }>();
  const failuresOf = new Map<string, number>();
  const idle: (() => void)[] = [];
  let isClosed = false;
  observer?.underWay(() => [...processing.values()].map((startedAt) => (clock.now() - startedAt) / 1000));

  function add(key: string): void {
    if (isClosed) return;
    const timer = delayed.get(key);
    if (timer !== undefined) {
      clock.clearTimer(timer.timer);
      delayed.delete(key);
    }
    if (processing.has(key)) {
      again.add(key);
      return;
    }
    if (waiting.has(key)) return;
    waiting.set(key, clock.now());
    observer?.added();
    observer?.depth(waiting.size);
    idle.shift()?.();
  }

  function addAfter(key: string, delayMs: number): void {
    if (isClosed) return;
    if (delayMs <= 0) {
      add(key);
      return;
    }
    const dueAt = clock.now() + delayMs;
    const earlier = delayed.get(key);
    if (earlier !== undefined && earlier.dueAt <= dueAt) return;
    if (earlier !== undefined) clock.clearTimer(earlier.timer);
    const timer = clock.setTimer(() => {
      delayed.delete(key);
      add(key);
    }, delayMs);
    delayed.set(key, { timer, dueAt });
  }

  function addRateLimited(key: string): void {
    const failures = failuresOf.get(key) ?? 0;
    failuresOf.set(key, failures + 1);
    observer?.retried();
    addAfter(key, Math.min(backoff.firstMs * 2 ** failures, backoff.maxMs) * (0.75 + clock.random() / 2));
  }

  async function worker(work: (key: string) => Promise<void>, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const next = waiting.entries().next().value;
      if (next === undefined) {
        await new Promise<void>((resolve) => idle.push(resolve));
        continue;
      }
      const [key, addedAt] = next;
      waiting.delete(key);
      const startedAt = clock.now();
      processing.set(key, startedAt);
      observer?.depth(waiting.size);
      observer?.started((startedAt - addedAt) / 1000);
      try {
        await work(key);
      } catch {
        addRateLimited(key);
      }
      observer?.finished((clock.now() - startedAt) / 1000);
      processing.delete(key);
      if (again.delete(key)) add(key);
    }
  }

  return {
    add,
    addAfter,
    addRateLimited,
    forget: (key) => void failuresOf.delete(key),
    failures: (key) => failuresOf.get(key) ?? 0,
    async run(work, concurrency, signal) {
      if (isClosed) throw new Error("a closed work queue does not open again: create another");
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
