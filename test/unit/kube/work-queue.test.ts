import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createWorkQueue } from "../../../src/kube/work-queue.ts";
import { createManualClock, settled, startWorkQueue } from "../../support/builder/work-queue.ts";

describe("a work queue", () => {
  it("holds a key once, however often it is added", async () => {
    const { queue, begun, finish } = startWorkQueue(1);
    queue.add("first");
    await settled();
    for (let i = 0; i < 5; i += 1) queue.add("a");
    await finish("first");
    await finish("a");
    expect(begun).toEqual(["first", "a"]);
  });

  it("runs a key again that was added during its work, after that work has ended", async () => {
    const { queue, begun, finish } = startWorkQueue(4);
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

  it("works on as many keys at once as its concurrency allows, in their order", async () => {
    const { queue, begun, finish } = startWorkQueue(2);
    for (const key of ["a", "b", "c"]) queue.add(key);
    await settled();
    expect(begun).toEqual(["a", "b"]);
    await finish("b");
    expect(begun).toEqual(["a", "b", "c"]);
  });

  it("runs a key again when its work failed, and keeps its worker", async () => {
    const { queue, begun, underWay, finish, advance } = startWorkQueue(1);
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

  it("ends when the work in progress has ended, and begins no other work", async () => {
    const { queue, begun, finish, abort, done, pending } = startWorkQueue(1);
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
          /** The newest version of each key, and the newest version that the work on the key has read. */
          const version = new Map<string, number>();
          const lookedAt = new Map<string, number>();
          const underWay = new Map<string, () => void>();
          const twice: string[] = [];
          let most = 0;
          const done = queue.run(
            (key) => {
              // The queue would catch an error that is thrown here.
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

  it("does no work when its signal fired before the start", async () => {
    const queue = createWorkQueue();
    queue.add("a");
    const seen: string[] = [];
    await queue.run(async (key) => void seen.push(key), 1, AbortSignal.abort());
    expect(seen).toEqual([]);
  });
});
