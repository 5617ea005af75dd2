import { describe, expect, it } from "vitest";
import { createWorkQueue } from "../../../src/kube/work-queue.ts";
import { createManualClock, settled, startWorkQueue } from "../../support/builder/work-queue.ts";

describe("the delays of a work queue", () => {
  it("last a day at most, because a longer timer would run at once", async () => {
    const { queue, begun, advance } = startWorkQueue();
    queue.addAfter("a", 30_676_172_506_867);
    await advance(24 * 3_600_000 - 1);
    expect(begun).toEqual([]);
    await advance(1);
    expect(begun).toEqual(["a"]);
  });

  it("end at the earliest time when a key has several", async () => {
    const { queue, begun, finish, advance, pending } = startWorkQueue();
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

  it("are dropped when the key is added sooner", async () => {
    const { queue, begun, finish, advance } = startWorkQueue();
    queue.addAfter("a", 500);
    queue.add("a");
    await settled();
    await finish("a");
    await advance(1_000);
    expect(begun).toEqual(["a"]);
  });

  it("grow with each failure of a key up to a limit, and start again from the first after a success", async () => {
    const { queue, begun, finish, advance } = startWorkQueue();
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

  it("are spread by a quarter to both sides", async () => {
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
});
