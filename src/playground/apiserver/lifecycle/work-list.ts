import { setTimeout as delay } from "node:timers/promises";

export interface WorkListDeps {
  /** When it throws, the key is tried again later. */
  work(key: string): Promise<void>;
  onError(key: string, error: unknown): void;
  signal: AbortSignal;
}

const FIRST_RETRY_MS = 200;
const MAX_RETRY_MS = 10_000;

/** Works on keys one at a time. Each key is in the list at most once. A failed key is tried again after a growing delay. */
export function createWorkList({ work, onError, signal }: WorkListDeps) {
  const waiting = new Set<string>();
  const failures = new Map<string, number>();
  let running: Promise<void> | undefined;

  async function run(): Promise<void> {
    // Runs after the change that caused the work, and after the answer to its client.
    await delay(0);
    for (const key of waiting) {
      if (signal.aborted) return;
      waiting.delete(key);
      try {
        await work(key);
        failures.delete(key);
      } catch (error) {
        onError(key, error);
        const failed = (failures.get(key) ?? 0) + 1;
        failures.set(key, failed);
        const retry = setTimeout(() => add(key), Math.min(FIRST_RETRY_MS * 2 ** failed, MAX_RETRY_MS));
        retry.unref();
        signal.addEventListener("abort", () => clearTimeout(retry), { once: true });
      }
    }
  }

  function add(key: string): void {
    if (signal.aborted) return;
    waiting.add(key);
    running ??= run().finally(() => {
      running = undefined;
      const [next] = waiting;
      if (next !== undefined) add(next);
    });
  }

  return {
    add,
    /** Resolves when the current work is done. */
    idle: async () => {
      while (running !== undefined) await running;
    },
  };
}
