export class DeadlineExceeded extends Error {}

/** Rejects with `DeadlineExceeded` when the work takes longer. The signal then fires, and the work's result is ignored. */
export type Deadline = <T>(work: (signal: () => AbortSignal) => Promise<T>) => Promise<T>;

interface OpenWork {
  dueMs: number;
  expire(error: DeadlineExceeded): void;
}

/**
 * Limits all reviews in time, by one timer. A signal is made for work that asks for it, and nearly all reviews ask for none:
 * a timer and a signal for each took as long as collecting a review's facts.
 */
export function createDeadline(deadlineMs: number): Deadline {
  /** In the order in which they expire, because all have the same time. */
  const open = new Set<OpenWork>();
  let timer: NodeJS.Timeout | undefined;

  function expireLate(): void {
    const nowMs = performance.now();
    for (const work of open) {
      if (work.dueMs > nowMs) break;
      open.delete(work);
      work.expire(new DeadlineExceeded(`the review took longer than ${deadlineMs} ms`));
    }
    const [next] = open;
    timer = next === undefined ? undefined : setTimeout(expireLate, next.dueMs - nowMs).unref();
  }

  return async function withinDeadline<T>(work: (signal: () => AbortSignal) => Promise<T>): Promise<T> {
    const late = Promise.withResolvers<never>();
    let controller: AbortController | undefined;
    let exceeded: DeadlineExceeded | undefined;
    const entry: OpenWork = {
      dueMs: performance.now() + deadlineMs,
      expire(error) {
        exceeded = error;
        controller?.abort(error);
        late.reject(error);
      },
    };
    open.add(entry);
    if (timer === undefined) timer = setTimeout(expireLate, deadlineMs).unref();
    const signal = () => {
      controller ??= new AbortController();
      if (exceeded !== undefined) controller.abort(exceeded);
      return controller.signal;
    };
    try {
      return await Promise.race([work(signal), late.promise]);
    } finally {
      open.delete(entry);
    }
  };
}
