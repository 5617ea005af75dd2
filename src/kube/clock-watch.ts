import { sleep } from "../platform/shutdown.ts";
import type { Watch } from "./reconcile.ts";

/** A slow correction by a clock service counts as a jump too, once it adds up to this. */
const MIN_JUMP_MS = 1_000;
/** A right that ends at a time must end within a minute of it. */
const LOOK_EVERY_MS = 10_000;

interface Clock {
  now: () => Date;
  /** Milliseconds of a clock that never jumps. Default: `performance.now`. */
  elapsedMs?: () => number;
}

/**
 * Returns the time since which the time of day has not jumped, in RFC 3339: the creation, or the last jump. Times before it
 * cannot be compared with the present one.
 */
export function createSteadySince(clock: Clock): () => string {
  const hasJumped = createJumpDetector(clock);
  let since = clock.now().toISOString();
  return () => {
    if (hasJumped()) since = clock.now().toISOString();
    return since;
  };
}

/** Returns a function that says whether the time of day jumped since its last call. */
function createJumpDetector({ now, elapsedMs = () => performance.now() }: Clock): () => boolean {
  const offsetMs = () => now().getTime() - elapsedMs();
  let knownMs = offsetMs();
  return () => {
    const seenMs = offsetMs();
    if (Math.abs(seenMs - knownMs) < MIN_JUMP_MS) return false;
    knownMs = seenMs;
    return true;
  };
}

/**
 * Enqueues all keys of `watches` when the clock jumps. A requeue waits for an elapsed time, which it derived from the time of
 * day: after a jump, it comes too late or not at all.
 */
export function watchClock(deps: Clock & { lookEveryMs?: number }, watches: readonly Watch[]): Watch {
  const { lookEveryMs = LOOK_EVERY_MS } = deps;
  return {
    connect(enqueue, signal) {
      const hasJumped = createJumpDetector(deps);
      const look = async () => {
        while (!signal.aborted) {
          await sleep(lookEveryMs, signal);
          if (signal.aborted || !hasJumped()) continue;
          for (const key of watches.flatMap((watch) => watch.keys?.() ?? [])) enqueue(key, 0, "resync");
        }
      };
      void look();
    },
  };
}
