import { afterEach, describe, expect, it } from "vitest";
import { createSteadySince, watchClock } from "../../../src/kube/clock-watch.ts";
import { sleep } from "../../../src/platform/shutdown.ts";

const LOOK_EVERY_MS = 5;
const HOUR_MS = 3_600_000;
const ending = new AbortController();
afterEach(() => ending.abort());

describe("watchClock", () => {
  it("enqueues all keys after a jump in each direction, once, and after slow changes that add up", async () => {
    let [dayMs, elapsedMs] = [Date.parse("2026-06-01T00:00:00Z"), 0];
    const seen: unknown[][] = [];
    const primary = { connect: () => undefined, keys: () => ["a", "b"] };
    const watch = watchClock(
      { now: () => new Date(dayMs), elapsedMs: () => elapsedMs, lookEveryMs: LOOK_EVERY_MS },
      [primary, { connect: () => undefined }],
    );
    watch.connect((...args) => void seen.push(args), ending.signal);
    const changed = async (dayChangeMs: number, elapsedChangeMs = 0) => {
      dayMs += dayChangeMs;
      elapsedMs += elapsedChangeMs;
      await sleep(10 * LOOK_EVERY_MS);
      return seen.splice(0);
    };
    const all = [
      ["a", 0, "resync"],
      ["b", 0, "resync"],
    ];
    expect(await changed(HOUR_MS, HOUR_MS)).toEqual([]);
    expect(await changed(HOUR_MS)).toEqual(all);
    expect(await changed(-HOUR_MS)).toEqual(all);
    expect(await changed(-600)).toEqual([]);
    expect(await changed(-600)).toEqual(all);
    ending.abort();
    expect(await changed(HOUR_MS)).toEqual([]);
  });
});

describe("createSteadySince", () => {
  it("returns its creation, and after a jump in either direction the time of that jump", () => {
    const start = Date.parse("2026-06-01T00:00:00Z");
    let [dayMs, elapsedMs] = [start, 0];
    const since = createSteadySince({ now: () => new Date(dayMs), elapsedMs: () => elapsedMs });
    const sinceMs = () => Date.parse(since()) - start;
    dayMs += HOUR_MS;
    elapsedMs += HOUR_MS;
    expect(sinceMs()).toBe(0);
    dayMs += HOUR_MS;
    expect(sinceMs()).toBe(2 * HOUR_MS);
    dayMs -= 3 * HOUR_MS;
    expect(sinceMs()).toBe(-HOUR_MS);
  });
});
