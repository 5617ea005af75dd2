import { describe, expect, it } from "vitest";
import { createSemaphore, SemaphoreFull } from "../../../src/platform/semaphore.ts";

/** Work that runs until the test ends it, and the order in which such work started. */
function works() {
  const started: string[] = [];
  return {
    started,
    create(name: string) {
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      const work = () => {
        started.push(name);
        return promise;
      };
      return { work, end: () => resolve(name), fail: () => reject(new Error(name)) };
    },
  };
}
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe("createSemaphore", () => {
  it("runs as much work as it has permits, and the rest in order", async () => {
    const { run } = createSemaphore({ permits: 2, maxWaiting: 10 });
    const { started, create } = works();
    const all = ["a", "b", "c", "d"].map(create);
    const results = all.map(({ work }) => run(work));
    await settle();
    expect(started).toEqual(["a", "b"]);
    all[1]?.end();
    await settle();
    expect(started).toEqual(["a", "b", "c"]);
    for (const { end } of all) end();
    expect(await Promise.all(results)).toEqual(["a", "b", "c", "d"]);
  });

  it("gives the permit back when the work fails", async () => {
    const { run } = createSemaphore({ permits: 1, maxWaiting: 0 });
    const { create } = works();
    const [first, second] = [create("first"), create("second")];
    const failed = run(first.work);
    first.fail();
    await expect(failed).rejects.toThrow("first");
    second.end();
    expect(await run(second.work)).toBe("second");
  });

  it("refuses at once when too many calls wait", async () => {
    const { run } = createSemaphore({ permits: 1, maxWaiting: 1 });
    const { create } = works();
    const [running, waiting] = [create("running"), create("waiting")];
    const results = [run(running.work), run(waiting.work)];
    await expect(run(async () => "late")).rejects.toThrow(SemaphoreFull);
    running.end();
    waiting.end();
    expect(await Promise.all(results)).toEqual(["running", "waiting"]);
  });

  it("rejects a waiting call when its signal fires, and starts the next one", async () => {
    const { run } = createSemaphore({ permits: 2, maxWaiting: 10 });
    const { started, create } = works();
    const [light, heavy, behind] = [create("light"), create("heavy"), create("behind")];
    const stop = new AbortController();
    const first = run(light.work);
    const left = run(heavy.work, { weight: 2, signal: stop.signal });
    const last = run(behind.work);
    stop.abort(new Error("too late"));
    await expect(left).rejects.toThrow("too late");
    await settle();
    expect(started).toEqual(["light", "behind"]);
    light.end();
    behind.end();
    await Promise.all([first, last]);
    await expect(run(async () => "never", { signal: stop.signal })).rejects.toThrow("too late");
  });

  it("counts weights, and runs work that weighs more than all permits alone", async () => {
    const { run } = createSemaphore({ permits: 3, maxWaiting: 10 });
    const { started, create } = works();
    const [two, two2, nine] = [create("two"), create("two2"), create("nine")];
    const results = [
      run(two.work, { weight: 2 }),
      run(two2.work, { weight: 2 }),
      run(nine.work, { weight: 9 }),
    ];
    await settle();
    expect(started).toEqual(["two"]);
    two.end();
    await settle();
    expect(started).toEqual(["two", "two2"]);
    two2.end();
    await settle();
    expect(started).toEqual(["two", "two2", "nine"]);
    nine.end();
    await Promise.all(results);
  });
});
