import { setTimeout as sleep } from "node:timers/promises";
import { vi } from "vitest";

/**
 * How long a test waits for what must happen. A wait ends as soon as it may, so the bound is only for a failure: it is far above
 * the time that a busy machine needs, and below the time of a test.
 */
const BOUND_MS = 30_000;
const INTERVAL_MS = 20;

/** Repeats `look` until it neither throws nor rejects, and returns its result. Throws the last error after the bound. */
export const eventually = <T>(look: () => T | Promise<T>, withinMs = BOUND_MS): Promise<T> =>
  vi.waitFor(look, { timeout: withinMs, interval: INTERVAL_MS });

/**
 * Repeats `look` until its result is truthy, and returns the result. Throws with `what` after the bound. An error of `look` ends
 * the wait.
 */
export async function until<T>(
  look: () => T | Promise<T>,
  what: string | (() => string | Promise<string>),
  withinMs = BOUND_MS,
): Promise<Exclude<T, undefined | null | false | 0 | "">> {
  const endMs = performance.now() + withinMs;
  for (;;) {
    const seen = await look();
    if (seen) return seen as Exclude<T, undefined | null | false | 0 | "">;
    if (performance.now() > endMs)
      throw new Error(`waited ${withinMs / 1_000} s for: ${typeof what === "string" ? what : await what()}`);
    await sleep(INTERVAL_MS);
  }
}
