/**
 * Runs tasks in their order, `concurrency` at a time. Repeats a task that fails, because the API server may have been
 * unreachable.
 */
export function createTaskQueue(concurrency: number): { add(task: () => Promise<unknown>): void } {
  const waiting: { task: () => Promise<unknown>; tries: number }[] = [];
  let active = 0;

  function next(): void {
    if (active >= concurrency) return;
    const entry = waiting.shift();
    if (entry === undefined) return;
    active += 1;
    void entry
      .task()
      .catch(() => {
        if (entry.tries < MAX_TRIES) setTimeout(() => add(entry.task, entry.tries + 1), RETRY_MS);
      })
      .finally(() => {
        active -= 1;
        next();
      });
    next();
  }
  function add(task: () => Promise<unknown>, tries = 0): void {
    waiting.push({ task, tries });
    next();
  }
  return { add: (task) => add(task) };
}

const MAX_TRIES = 10;
const RETRY_MS = 500;
