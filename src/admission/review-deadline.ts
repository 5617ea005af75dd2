export class DeadlineExceeded extends Error {}

/** Rejects with `DeadlineExceeded` when the work takes longer. The signal then fires, and the work's result is ignored. */
export type ReviewDeadline = <T>(work: (signal: () => AbortSignal) => Promise<T>) => Promise<T>;

/**
 * Limits the time of all reviews with one timer. Creates a signal only for work that asks for it, and nearly no review
 * does: a timer and a signal for each review took as long as collecting its facts.
 */
export function createReviewDeadline(deadlineMs: number): ReviewDeadline {
  const open = new OpenWorkList();
  let timer: NodeJS.Timeout | undefined;

  function expireLate(): void {
    const nowMs = performance.now();
    for (let work = open.first(); work !== undefined && work.dueMs <= nowMs; work = open.first()) {
      open.remove(work);
      work.expire(new DeadlineExceeded(`the review took longer than ${deadlineMs} ms`));
    }
    const next = open.first();
    timer = next === undefined ? undefined : setTimeout(expireLate, next.dueMs - nowMs).unref();
  }

  return function withinDeadline<T>(work: (signal: () => AbortSignal) => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const entry = new OpenWork(performance.now() + deadlineMs, reject);
      open.append(entry);
      if (timer === undefined) timer = setTimeout(expireLate, deadlineMs).unref();
      work(() => entry.signal()).then(
        (result) => {
          open.remove(entry);
          resolve(result);
        },
        (error) => {
          open.remove(entry);
          reject(error);
        },
      );
    });
  };
}

class OpenWork {
  readonly dueMs: number;
  /** The links of the list of open work. Both are undefined once the work is removed. */
  earlier: OpenWork | undefined = undefined;
  later: OpenWork | undefined = undefined;
  readonly #reject: (error: DeadlineExceeded) => void;
  #controller: AbortController | undefined = undefined;
  #exceeded: DeadlineExceeded | undefined = undefined;

  constructor(dueMs: number, reject: (error: DeadlineExceeded) => void) {
    this.dueMs = dueMs;
    this.#reject = reject;
  }

  signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#exceeded !== undefined) this.#controller.abort(this.#exceeded);
    return this.#controller.signal;
  }

  expire(error: DeadlineExceeded): void {
    this.#exceeded = error;
    this.#controller?.abort(error);
    this.#reject(error);
  }
}

/**
 * Open work in the order in which it expires, which is the order of arrival, because every review has the same time limit.
 * A `Set` allocates a new table every few dozen reviews. Its old tables refer to the newer ones, and kept finished reviews
 * in memory until a full garbage collection.
 */
class OpenWorkList {
  #first: OpenWork | undefined = undefined;
  #last: OpenWork | undefined = undefined;

  first(): OpenWork | undefined {
    return this.#first;
  }

  append(work: OpenWork): void {
    work.earlier = this.#last;
    if (this.#last === undefined) this.#first = work;
    else this.#last.later = work;
    this.#last = work;
  }

  /** Does nothing when the work was removed before. */
  remove(work: OpenWork): void {
    if (this.#first !== work && work.earlier === undefined) return;
    if (work.earlier === undefined) this.#first = work.later;
    else work.earlier.later = work.later;
    if (work.later === undefined) this.#last = work.earlier;
    else work.later.earlier = work.earlier;
    work.earlier = undefined;
    work.later = undefined;
  }
}
