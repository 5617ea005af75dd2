import { sleep } from "../../../platform/shutdown.ts";

/** The promise, or a rejection as soon as the signal fires; what the promise does later is of no interest then. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

/** Waits until the promise is settled, however, but no longer than this. Never rejects. */
export async function settledWithin(waitMs: number, promise: Promise<unknown>): Promise<void> {
  const settled = new AbortController();
  const settle = () => settled.abort();
  promise.then(settle, settle);
  await sleep(waitMs, settled.signal);
}
