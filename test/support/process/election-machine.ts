import type { ElectionClock } from "../../../src/kube/leader-election.ts";

/** One machine's clock, which only the test moves. A frozen machine receives no timer and no answer until it thaws. */
export function createMachine(world: { time: number }) {
  const sleepers = new Set<{ until: number; wake: () => void }>();
  let frozen: PromiseWithResolvers<void> | undefined;
  /** How far the wall clock is ahead of the monotonic clock, which stops while the machine is suspended. */
  let suspendedMs = 0;
  let suspendedAt: number | undefined;
  const monotonic = () => (suspendedAt ?? world.time) - suspendedMs;
  const clock: ElectionClock = {
    now: () => new Date(world.time),
    monotonic,
    sleep(delayMs, signal) {
      if (signal.aborted) return Promise.resolve();
      return new Promise((resolve) => {
        const sleeper = {
          until: monotonic() + delayMs,
          wake() {
            sleepers.delete(sleeper);
            resolve();
          },
        };
        sleepers.add(sleeper);
        signal.addEventListener("abort", sleeper.wake, { once: true });
      });
    },
  };
  return {
    clock,
    frozen: () => frozen?.promise,
    freeze() {
      frozen = Promise.withResolvers();
    },
    suspend() {
      frozen = Promise.withResolvers();
      suspendedAt = world.time;
    },
    thaw() {
      if (suspendedAt !== undefined) suspendedMs += world.time - suspendedAt;
      suspendedAt = undefined;
      frozen?.resolve();
      frozen = undefined;
    },
    wakeDue() {
      if (frozen !== undefined) return;
      for (const sleeper of [...sleepers]) if (sleeper.until <= monotonic()) sleeper.wake();
    },
  };
}
