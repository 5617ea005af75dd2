import { createWorkQueue, type WorkQueueClock } from "../../../src/kube/work-queue.ts";

/** A clock that moves only when a test advances it. */
export function createManualClock() {
  let time = 0;
  let timers: { at: number; run: () => void }[] = [];
  const clock: WorkQueueClock = {
    now: () => time,
    setTimer(run, delayMs) {
      const timer = { at: time + delayMs, run };
      timers.push(timer);
      return timer;
    },
    clearTimer: (timer) => {
      timers = timers.filter((other) => other !== timer);
    },
    random: () => 0.5,
  };
  async function advance(byMs: number): Promise<void> {
    const end = time + byMs;
    for (;;) {
      const next = timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      time = next.at;
      timers = timers.filter((timer) => timer !== next);
      next.run();
      await settled();
    }
    time = end;
    await settled();
  }
  return { clock, advance, pending: () => timers.length };
}

export const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A queue whose work on each key lasts until the test finishes it. */
export function startWorkQueue(concurrency = 2) {
  const { clock, advance, pending } = createManualClock();
  const queue = createWorkQueue({ clock, backoff: { firstMs: 100, maxMs: 1_000 } });
  const abort = new AbortController();
  const begun: string[] = [];
  const underWay = new Map<string, { resolve(): void; reject(error: Error): void }>();
  const done = queue.run(
    (key) => {
      begun.push(key);
      return new Promise<void>((resolve, reject) => underWay.set(key, { resolve, reject }));
    },
    concurrency,
    abort.signal,
  );
  async function finish(key: string): Promise<void> {
    underWay.get(key)?.resolve();
    underWay.delete(key);
    await settled();
  }
  return { queue, begun, underWay, finish, advance, pending, abort, done };
}
