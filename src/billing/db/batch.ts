/** The result that `run` gives a member that must run alone. `run` has done nothing for that member. */
export const ALONE = Symbol("alone");

export interface BatchDeps<Member, Result> {
  /**
   * Does the work of all members in one call, and returns one result for each, in their order. May wait for another
   * transaction only if `isAlone`.
   */
  run(members: readonly Member[], isAlone: boolean): Promise<(Result | typeof ALONE)[]>;
  /** Members that share a key, such as a customer, never run at the same time. */
  keysOf(member: Member): readonly string[];
  /** Whether an error of `run` means that nothing was done. Each member may then be tried alone. */
  isUndone(error: unknown): boolean;
  maxSize: number;
  /** How many batches run at the same time. */
  concurrency: number;
  /** When another batch starts beside a running one. Absent: at once. */
  beside?: {
    /** The number of members that must wait. */
    size: number;
    /** After this time any number is enough, because the running batch may wait for a lock. */
    afterMs: number;
  };
  /** How many members that must run alone run at the same time. */
  aloneConcurrency: number;
}

const AT_ONCE = { size: 1, afterMs: 0 };

interface Waiting<Member, Result> {
  member: Member;
  keys: readonly string[];
  resolve(result: Result): void;
  reject(error: unknown): void;
}

/**
 * Runs members in batches. Members that arrive together while no batch runs start at once. Members that arrive during a
 * batch form the next one. A second batch starts beside a running one only when it is large, because small batches cost
 * more for each member, or when the running one takes long. If a batch fails and is undone, its members run alone, a few at
 * a time and beside the batches. So a bad member neither fails nor delays the others. Measured on one hot voucher, 2 cores,
 * loopback: single calls 3,400/s, batches of 50 19,000/s.
 */
export function createBatch<Member, Result>(deps: BatchDeps<Member, Result>) {
  const { run, keysOf, isUndone, maxSize, concurrency, beside = AT_ONCE, aloneConcurrency } = deps;
  const queue = createQueue<Member, Result>(maxSize);
  const runAlone = createSingleRunner<Member, Result>(run, aloneConcurrency, release);
  let running = 0;
  let isStarting = false;
  let latestStartMs = 0;
  let isLateStartDue = false;

  function release(waiting: Waiting<Member, Result>): void {
    queue.release(waiting);
    start();
  }

  async function runTogether(batch: Waiting<Member, Result>[]): Promise<void> {
    try {
      const results = await run(
        batch.map(({ member }) => member),
        false,
      );
      for (const [index, waiting] of batch.entries()) {
        const result = results[index];
        if (result === ALONE) {
          runAlone(waiting);
          continue;
        }
        if (result === undefined) waiting.reject(new Error("a batch returned no result for a member"));
        else waiting.resolve(result);
        queue.release(waiting);
      }
    } catch (error) {
      const canRetry = batch.length > 1 && isUndone(error);
      for (const waiting of batch) {
        if (canRetry) {
          runAlone(waiting);
          continue;
        }
        waiting.reject(error);
        queue.release(waiting);
      }
    } finally {
      running -= 1;
      start();
    }
  }

  function start(): void {
    while (running < concurrency) {
      if (running > 0 && !mayStartBeside()) return;
      const batch = queue.take();
      if (batch.length === 0) return;
      running += 1;
      latestStartMs = performance.now();
      void runTogether(batch);
    }
  }

  function mayStartBeside(): boolean {
    if (queue.size() === 0) return false;
    const restMs = latestStartMs + beside.afterMs - performance.now();
    if (queue.size() >= beside.size || restMs <= 0) return true;
    if (!isLateStartDue) setTimeout(startLate, restMs).unref();
    isLateStartDue = true;
    return false;
  }

  function startLate(): void {
    isLateStartDue = false;
    start();
  }

  /** Waits until the event loop has read all pending input, so that requests that arrive together start together. */
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

/** The members that wait, and the keys of those that run. */
function createQueue<Member, Result>(maxSize: number) {
  const queue: Waiting<Member, Result>[] = [];
  const held = new Set<string>();
  return {
    push: (waiting: Waiting<Member, Result>) => queue.push(waiting),
    size: () => queue.length,
    /** Takes the first members that share no key with each other or with a running member, and holds their keys. */
    take(): Waiting<Member, Result>[] {
      const taken: Waiting<Member, Result>[] = [];
      const left: Waiting<Member, Result>[] = [];
      // A member that is passed over also delays later members with its keys, because members with one key run in order.
      const passedOver = new Set<string>();
      for (const waiting of queue) {
        const isFree = waiting.keys.every((key) => !held.has(key) && !passedOver.has(key));
        const isTaken = isFree && taken.length < maxSize;
        (isTaken ? taken : left).push(waiting);
        for (const key of waiting.keys) (isTaken ? held : passedOver).add(key);
      }
      queue.splice(0, queue.length, ...left);
      return taken;
    },
    release(waiting: Waiting<Member, Result>): void {
      for (const key of waiting.keys) held.delete(key);
    },
  };
}

/** Runs each member in a call of its own. `release` is called when a member is done. */
function createSingleRunner<Member, Result>(
  run: BatchDeps<Member, Result>["run"],
  concurrency: number,
  release: (waiting: Waiting<Member, Result>) => void,
) {
  const queue: Waiting<Member, Result>[] = [];
  let running = 0;

  function start(): void {
    while (running < concurrency) {
      const next = queue.shift();
      if (next === undefined) return;
      running += 1;
      void runOne(next);
    }
  }

  async function runOne(waiting: Waiting<Member, Result>): Promise<void> {
    try {
      const [result] = await run([waiting.member], true);
      if (result === undefined || result === ALONE)
        throw new Error("a member that ran alone returned no result");
      waiting.resolve(result);
    } catch (error) {
      waiting.reject(error);
    } finally {
      running -= 1;
      release(waiting);
      start();
    }
  }

  return (waiting: Waiting<Member, Result>): void => {
    queue.push(waiting);
    start();
  };
}
