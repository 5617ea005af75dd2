/** Too much work waits for a semaphore. */
export class SemaphoreFull extends Error {
  override readonly name = "SemaphoreFull";
}

export interface Semaphore {
  /**
   * Runs the work while it holds `weight` permits, in the order of the calls. Rejects with `SemaphoreFull` when too many
   * calls wait, and with the signal's reason when it fires before the work starts.
   */
  run<T>(work: () => Promise<T>, options?: { weight?: number; signal?: AbortSignal }): Promise<T>;
}

interface Waiter {
  weight: number;
  start: () => void;
}

/** Work that weighs more than all permits runs alone. */
export function createSemaphore(options: { permits: number; maxWaiting: number }): Semaphore {
  const { permits, maxWaiting } = options;
  const waiting: Waiter[] = [];
  let free = permits;

  function startNext(): void {
    for (let next = waiting[0]; next !== undefined && next.weight <= free; next = waiting[0]) {
      waiting.shift();
      free -= next.weight;
      next.start();
    }
  }

  function acquire(weight: number, signal: AbortSignal | undefined): Promise<void> {
    if (waiting.length === 0 && weight <= free) {
      free -= weight;
      return Promise.resolve();
    }
    if (waiting.length >= maxWaiting)
      return Promise.reject(new SemaphoreFull(`${maxWaiting} calls wait already`));
    return new Promise((resolve, reject) => {
      const leave = () => {
        waiting.splice(waiting.indexOf(waiter), 1);
        reject(signal?.reason);
        startNext();
      };
      const waiter: Waiter = {
        weight,
        start: () => {
          signal?.removeEventListener("abort", leave);
          resolve();
        },
      };
      waiting.push(waiter);
      signal?.addEventListener("abort", leave, { once: true });
    });
  }

  return {
    async run(work, { weight: wanted = 1, signal } = {}) {
      const weight = Math.min(wanted, permits);
      signal?.throwIfAborted();
      await acquire(weight, signal);
      try {
        return await work();
      } finally {
        free += weight;
        startNext();
      }
    },
  };
}
