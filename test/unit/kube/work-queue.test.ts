import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createWorkQueue, type WorkQueueClock } from "../../../src/kube/work-queue.ts";

/** A clock that stands still until told to advance. */
function createManualClock() {
  let time = 0;
  let timers: { at: number; run: () => void }[] = [];
  const clock: WorkQueueClock = {
    now: () => time,
    setTimer(run, delayMs) {
      const timer = { at: time + delayMs, run };
      timers.push(timer);
      return timer;
    },
    clearTimer: (timer) => {
      timers = timers.filter((other) => other !== timer);
    },
    random: () => 0.5,
  };
  async function advance(byMs: number): Promise<void> {
    const end = time + byMs;
    for (;;) {
      const next = timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      time = next.at;
      timers = timers.filter((timer) => timer !== next);
      next.run();
      await settled();
    }
    time = end;
    await settled();
  }
  return { clock, advance, pending: () => timers.length };
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A queue whose work on each key waits to be let go. */
function start(concurrency = 2) {
  const { clock, advance, pending } = createManualClock();
  const queue = createWorkQueue({ clock, backoff: { firstMs: 100, maxMs: 1_000 } });
  const abort = new AbortController();
  const begun: string[] = [];
  const underWay = new Map<string, { resolve(): void; reject(error: Error): void }>();
  const done = queue.run(
    (key) => {
      begun.push(key);
      return new Promise<void>((resolve, reject) => underWay.set(key, { resolve, reject }));
    },
    concurrency,
    abort.signal,
  );
  async function finish(key: string): Promise<void> {
    underWay.get(key)?.resolve();
    underWay.delete(key);
    await settled();
  }
  return { queue, begun, underWay, finish, advance, pending, abort, done };
}

describe("a work queue", () => {
  it("holds a key once, however often it is added", async () => {
    const { queue, begun, finish } = start(1);
    queue.add("first");
    await settled();
    for (let i = 0; i < 5; i += 1) queue.add("a");
    await finish("first");
    await finish("a");
    expect(begun).toEqual(["first", "a"]);
  });

  it("runs a key once more that was added while it was worked on, not beside itself", async () => {
    const { queue, begun, finish } = start(4);
    queue.add("a");
    await settled();
    queue.add("a");
    queue.add("a");
    await settled();
    expect(begun).toEqual(["a"]);
    await finish("a");
    expect(begun).toEqual(["a", "a"]);
    await finish("a");
    expect(begun).toEqual(["a", "a"]);
  });

  it("works on as many keys at once as it may, in their order", async () => {
    const { queue, begun, finish } = start(2);
    for (const key of ["a", "b", "c"]) queue.add(key);
    await settled();
    expect(begun).toEqual(["a", "b"]);
    await finish("b");
    expect(begun).toEqual(["a", "b", "c"]);
  });

  it("takes a person's edit before changes, changes before first convergences, and these before resyncs", async () => {
    const { queue, begun, finish } = start(1);
    queue.add("under way");
    await settled();
    queue.add("resync", "resync");
    queue.add("first", "first");
    queue.add("change");
    queue.add("edit", "edit");
    for (const key of ["under way", "edit", "change", "first", "resync"]) await finish(key);
    expect(begun).toEqual(["under way", "edit", "change", "first", "resync"]);
  });

  it("raises a key that waits to a higher priority, and never lowers it", async () => {
    const { queue, begun, finish } = start(1);
    queue.add("under way");
    await settled();
    for (const key of ["a", "b", "c"]) queue.add(key, "resync");
    queue.add("c", "edit");
    queue.add("c", "resync");
    queue.add("under way", "resync");
    queue.add("under way", "edit");
    for (const key of ["under way", "c", "under way", "a", "b"]) await finish(key);
    expect(begun).toEqual(["under way", "c", "under way", "a", "b"]);
  });

  it("keeps the priority of a key over its delay and its failure", async () => {
    const { queue, begun, underWay, finish, advance } = start(1);
    queue.add("edited", "edit");
    await settled();
    queue.add("busy");
    underWay.get("edited")?.reject(new Error("a conflict"));
    await settled();
    for (const key of ["a", "b"]) queue.add(key);
    queue.addAfter("later", 50, "edit");
    await advance(200);
    for (const key of ["busy", "later", "edited", "a", "b"]) await finish(key);
    expect(begun).toEqual(["edited", "busy", "later", "edited", "a", "b"]);
  });

  it("begins an edit with the next free worker while 663 resyncs wait", async () => {
    const { queue, begun, finish } = start(4);
    for (let at = 0; at < 663; at += 1) queue.add(`resync-${at}`, "resync");
    await settled();
    queue.add("edited", "edit");
    await finish("resync-0");
    expect(begun.at(-1)).toBe("edited");
  });

  it("starves no priority: one key in eight is the one that waits longest", async () => {
    const { queue, begun, finish, advance } = start(1);
    queue.add("resync", "resync");
    queue.add("first", "first");
    await advance(1);
    let edits = 0;
    for (let turn = 0; turn < 24; turn += 1) {
      queue.add(`edit-${edits++}`, "edit");
      await settled();
      await finish(begun.at(-1) ?? "");
    }
    expect(begun).toContain("resync");
    expect(begun).toContain("first");
    expect(begun.filter((key) => key.startsWith("edit")).length).toBeGreaterThanOrEqual(20);
  });

  it("runs a key after a day at the latest, because a longer timer would run at once", async () => {
    const { queue, begun, advance } = start();
    queue.addAfter("a", 30_676_172_506_867);
    await advance(24 * 3_600_000 - 1);
    expect(begun).toEqual([]);
    await advance(1);
    expect(begun).toEqual(["a"]);
  });

  it("adds after a delay, the earlier of two", async () => {
    const { queue, begun, finish, advance, pending } = start();
    queue.addAfter("a", 500);
    queue.addAfter("a", 200);
    queue.addAfter("a", 900);
    await advance(199);
    expect(begun).toEqual([]);
    await advance(1);
    expect(begun).toEqual(["a"]);
    await finish("a");
    await advance(1_000);
    expect(begun).toEqual(["a"]);
    expect(pending()).toBe(0);
  });

  it("drops a delay when the key is added sooner", async () => {
    const { queue, begun, finish, advance } = start();
    queue.addAfter("a", 500);
    queue.add("a");
    await settled();
    await finish("a");
    await advance(1_000);
    expect(begun).toEqual(["a"]);
  });

  it("backs off longer with each failure of a key, up to a limit, and starts again from the first delay after a success", async () => {
    const { queue, begun, finish, advance } = start();
    const pauses: number[] = [];
    for (let failure = 0; failure < 6; failure += 1) {
      queue.addRateLimited("a");
      const before = begun.length;
      let waitedMs = 0;
      while (begun.length === before) {
        await advance(50);
        waitedMs += 50;
      }
      pauses.push(waitedMs);
      await finish("a");
    }
    expect(pauses).toEqual([100, 200, 400, 800, 1_000, 1_000]);
    expect(queue.failures("a")).toBe(6);
    queue.forget("a");
    queue.addRateLimited("a");
    await advance(100);
    expect(begun).toHaveLength(7);
  });

  it("spreads back-offs by a quarter to both sides", async () => {
    for (const [random, expectedMs] of [
      [0, 75],
      [1, 125],
    ] as const) {
      const delays: number[] = [];
      const { clock } = createManualClock();
      const queue = createWorkQueue({
        backoff: { firstMs: 100, maxMs: 1_000 },
        clock: {
          ...clock,
          random: () => random,
          setTimer(_, delayMs) {
            delays.push(delayMs);
            return undefined;
          },
        },
      });
      queue.addRateLimited("a");
      expect(delays).toEqual([expectedMs]);
    }
  });

  it("tries again what threw, and keeps its worker", async () => {
    const { queue, begun, underWay, finish, advance } = start(1);
    queue.add("a");
    await settled();
    underWay.get("a")?.reject(new Error("a bug"));
    await settled();
    queue.add("b");
    await settled();
    await finish("b");
    await advance(100);
    expect(begun).toEqual(["a", "b", "a"]);
  });

  it("ends when what is under way has ended, and begins nothing more", async () => {
    const { queue, begun, finish, abort, done, pending } = start(1);
    queue.add("a");
    queue.add("b");
    queue.addAfter("c", 100);
    await settled();
    abort.abort();
    let isDone = false;
    void done.then(() => {
      isDone = true;
    });
    await settled();
    expect(isDone).toBe(false);
    await finish("a");
    await done;
    queue.add("d");
    queue.addAfter("e", 10);
    expect(begun).toEqual(["a"]);
    expect(pending()).toBe(0);
    const again = queue.run(async () => {}, 1, new AbortController().signal);
    await expect(again).rejects.toThrow("a closed work queue cannot run again");
  });

  it("never works on a key twice at once, and loses no change, in any order", async () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("add" as const), key: fc.constantFrom("a", "b", "c") }),
      fc.record({
        kind: fc.constant("addAfter" as const),
        key: fc.constantFrom("a", "b", "c"),
        delayMs: fc.integer({ min: 0, max: 300 }),
      }),
      fc.record({ kind: fc.constant("fail" as const), key: fc.constantFrom("a", "b", "c") }),
      fc.record({ kind: fc.constant("advance" as const), delayMs: fc.integer({ min: 1, max: 200 }) }),
      fc.record({ kind: fc.constant("finish" as const), at: fc.nat({ max: 2 }) }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 3 }),
        async (steps, concurrency) => {
          const { clock, advance } = createManualClock();
          const queue = createWorkQueue({ clock, backoff: { firstMs: 50, maxMs: 400 } });
          const abort = new AbortController();
          /** The newest version of each key, and the newest that work has begun to look at. */
          const version = new Map<string, number>();
          const lookedAt = new Map<string, number>();
          const underWay = new Map<string, () => void>();
          const twice: string[] = [];
          let most = 0;
          const done = queue.run(
            (key) => {
              // Thrown here it would be the queue's to catch.
              if (underWay.has(key)) twice.push(key);
              lookedAt.set(key, version.get(key) ?? 0);
              const work = new Promise<void>((resolve) => underWay.set(key, resolve));
              most = Math.max(most, underWay.size);
              return work;
            },
            concurrency,
            abort.signal,
          );
          const change = (key: string) => version.set(key, (version.get(key) ?? 0) + 1);
          const finishOne = async (key: string) => {
            const resolve = underWay.get(key);
            underWay.delete(key);
            resolve?.();
            await settled();
          };
          for (const each of steps) {
            if (each.kind === "add") {
              change(each.key);
              queue.add(each.key);
            } else if (each.kind === "addAfter") {
              change(each.key);
              queue.addAfter(each.key, each.delayMs);
            } else if (each.kind === "fail") {
              change(each.key);
              queue.addRateLimited(each.key);
            } else if (each.kind === "advance") await advance(each.delayMs);
            else await finishOne([...underWay.keys()][each.at] ?? "");
          }
          for (let round = 0; round < 20; round += 1) {
            await advance(500);
            for (const key of [...underWay.keys()]) await finishOne(key);
          }
          expect(Object.fromEntries(lookedAt)).toEqual(Object.fromEntries(version));
          expect(underWay.size).toBe(0);
          expect(twice).toEqual([]);
          expect(most).toBeLessThanOrEqual(concurrency);
          abort.abort();
          await done;
        },
      ),
      { numRuns: 150 },
    );
  });

  it("counts failures in a row, and none for a key that never failed", () => {
    const queue = createWorkQueue();
    expect(queue.failures("a")).toBe(0);
  });

  it("does no work when its signal has fired before", async () => {
    const queue = createWorkQueue();
    queue.add("a");
    const seen: string[] = [];
    await queue.run(async (key) => void seen.push(key), 1, AbortSignal.abort());
    expect(seen).toEqual([]);
  });
});
