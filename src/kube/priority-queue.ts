/** Why a key waits, most urgent first: a person's edit, another change, a first convergence, a resync. */
const PRIORITIES = ["edit", "change", "first", "resync"] as const;
export type Priority = (typeof PRIORITIES)[number];

/** Each time after this many keys, the next is the one that waited longest, whatever its priority. No priority starves. */
const OLDEST_EVERY = 8;

/** The number of entries before the head of a queue that may stay in memory. */
const MAX_PASSED = 64;

interface WaitingKey {
  key: string;
  priority: Priority;
  addedAt: number;
}

/** The waiting keys, each once. Within one priority, the first added is taken first. */
export interface PriorityQueue {
  /** Adds a key, or raises the priority of one that waits. Returns false when the key waited already. */
  add(key: string, priority: Priority, now: number): boolean;
  take(): WaitingKey | undefined;
  size(): number;
}

export function createPriorityQueue(): PriorityQueue {
  const waiting = new Map<string, WaitingKey>();
  const queues = PRIORITIES.map(() => createQueue((entry) => waiting.get(entry.key) === entry));
  let taken = 0;

  function findNext(): WaitingKey | undefined {
    let next: WaitingKey | undefined;
    for (const queue of queues) {
      const head = queue.head();
      if (head !== undefined && (next === undefined || head.addedAt < next.addedAt)) next = head;
      if (next !== undefined && taken % OLDEST_EVERY !== 0) break;
    }
    return next;
  }

  return {
    add(key, priority, now) {
      const before = waiting.get(key);
      if (before !== undefined && !isHigher(priority, before.priority)) return false;
      const entry = { key, priority, addedAt: before?.addedAt ?? now };
      waiting.set(key, entry);
      queues[PRIORITIES.indexOf(priority)]?.push(entry);
      return before === undefined;
    },
    take() {
      taken += 1;
      const next = findNext();
      if (next !== undefined) waiting.delete(next.key);
      return next;
    },
    size: () => waiting.size,
  };
}

/** Entries in the order in which they were added. The head skips entries for which `isWaiting` is false by then. */
function createQueue(isWaiting: (entry: WaitingKey) => boolean) {
  let entries: WaitingKey[] = [];
  let at = 0;
  return {
    push: (entry: WaitingKey) => void entries.push(entry),
    head(): WaitingKey | undefined {
      for (; at < entries.length; at += 1) {
        const entry = entries[at];
        if (entry !== undefined && isWaiting(entry)) break;
      }
      // An array and not a Map: a Map whose first keys are deleted one by one is searched from its start each time.
      if (at > MAX_PASSED && at * 2 > entries.length) {
        entries = entries.slice(at);
        at = 0;
      }
      return entries[at];
    },
  };
}

export const higherOf = (a: Priority, b: Priority): Priority => (isHigher(a, b) ? a : b);

const isHigher = (a: Priority, b: Priority): boolean => PRIORITIES.indexOf(a) < PRIORITIES.indexOf(b);
