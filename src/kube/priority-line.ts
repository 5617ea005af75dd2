/** Why a key waits, most urgent first: a person's edit, another change, a first convergence, a resync. */
const PRIORITIES = ["edit", "change", "first", "resync"] as const;
export type Priority = (typeof PRIORITIES)[number];

/** One in so many keys is the one that waits longest, whatever its priority: so no priority starves. */
const OLDEST_EVERY = 8;

interface WaitingKey {
  key: string;
  priority: Priority;
  addedAt: number;
}

/** Keys that wait, each once. Within one priority, the first added is the first taken. */
export interface PriorityLine {
  /** Adds a key, or raises the priority of one that waits. Returns false when the key waited already. */
  add(key: string, priority: Priority, now: number): boolean;
  take(): WaitingKey | undefined;
  size(): number;
}

export function createPriorityLine(): PriorityLine {
  const lanes = new Map(PRIORITIES.map((priority) => [priority, new Map<string, WaitingKey>()]));
  const priorityOf = new Map<string, Priority>();
  let taken = 0;

  const heads = (): WaitingKey[] =>
    [...lanes.values()].flatMap((lane) => {
      const head = lane.values().next().value;
      return head === undefined ? [] : [head];
    });

  return {
    add(key, priority, now) {
      const before = priorityOf.get(key);
      if (before !== undefined && !isHigher(priority, before)) return false;
      const waiting = before === undefined ? undefined : lanes.get(before)?.get(key);
      if (before !== undefined) lanes.get(before)?.delete(key);
      priorityOf.set(key, priority);
      lanes.get(priority)?.set(key, { key, priority, addedAt: waiting?.addedAt ?? now });
      return before === undefined;
    },
    take() {
      const first = heads();
      taken += 1;
      const next =
        taken % OLDEST_EVERY === 0
          ? first.reduce<WaitingKey | undefined>(
              (oldest, head) => (oldest === undefined || head.addedAt < oldest.addedAt ? head : oldest),
              undefined,
            )
          : first[0];
      if (next === undefined) return undefined;
      lanes.get(next.priority)?.delete(next.key);
      priorityOf.delete(next.key);
      return next;
    },
    size: () => priorityOf.size,
  };
}

export const higherOf = (a: Priority, b: Priority): Priority => (isHigher(a, b) ? a : b);

const isHigher = (a: Priority, b: Priority): boolean => PRIORITIES.indexOf(a) < PRIORITIES.indexOf(b);
