import { constants } from "node:os";

/** The reason of the shutdown signal. */
export class ShutdownError extends Error {
  override readonly name = "ShutdownError";
  /** 128 and the signal's number, as a shell reports a process that the signal ended: 130 for SIGINT, 143 for SIGTERM. */
  readonly exitCode: number;

  constructor(signal: NodeJS.Signals) {
    super(`received ${signal}`);
    this.exitCode = 128 + constants.signals[signal];
  }
}

/** npm forwards SIGINT, so one Ctrl-C arrives twice: repeats within this time are ignored. */
const REPEAT_MS = 1_000;

/**
 * An `AbortSignal` that fires on the first SIGTERM or SIGINT with a `ShutdownError`. A second signal, more than a second
 * later, ends the process at once with the exit code of that signal.
 */
export function createShutdownSignal(): AbortSignal {
  const controller = new AbortController();
  let firstAt = 0;
  const onSignal = (name: NodeJS.Signals) => {
    const reason = new ShutdownError(name);
    if (!controller.signal.aborted) {
      firstAt = performance.now();
      controller.abort(reason);
    } else if (performance.now() - firstAt > REPEAT_MS) process.exit(reason.exitCode);
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
  return controller.signal;
}

/** Resolves when the signal fires (at once when it has). */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

/** Waits, or returns early when the signal fires. Never rejects. */
export function sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, delayMs);
    signal?.addEventListener("abort", done, { once: true });
  });
}

/** Settles like the promise, or rejects as soon as the signal fires. The promise's later result is ignored. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

/** Waits until the promise settles, but not longer than this time. Never rejects. */
export async function settledWithin(waitMs: number, promise: Promise<unknown>): Promise<void> {
  const settled = new AbortController();
  const settle = () => settled.abort();
  promise.then(settle, settle);
  await sleep(waitMs, settled.signal);
}
