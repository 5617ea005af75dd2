/** A Ctrl-C reaches a process from the terminal and again through npm; only what comes later is a second wish. */
const SAME_WISH_MS = 1_000;

/**
 * An `AbortSignal` that fires on the first SIGTERM or SIGINT. A second one, a second later or more, ends the process at
 * once (exit code 130), for the person who will not wait.
 */
export function createShutdownSignal(): AbortSignal {
  const controller = new AbortController();
  let firstAt = 0;
  const onSignal = (name: NodeJS.Signals) => {
    if (!controller.signal.aborted) {
      firstAt = performance.now();
      controller.abort(new Error(`received ${name}`));
    } else if (performance.now() - firstAt > SAME_WISH_MS) process.exit(130);
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
