import { afterEach, describe, expect, it } from "vitest";
import { createMeasurements } from "../../../src/controllers/measurement.ts";
import { until } from "../../support/wait.ts";

const stops: AbortController[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop.abort();
});

const PACE = {
  deadlineMs: 5_000,
  graceMs: 20,
  firstRetryMs: 10,
  maxRetryMs: 40,
  concurrency: 2,
  retryConcurrency: 1,
};

function start(pace: Partial<typeof PACE> = {}) {
  const enqueued: string[] = [];
  let time = 0;
  const measurements = createMeasurements<string>({
    pace: { ...PACE, ...pace },
    describe: (value) => value,
    now: () => new Date(time),
  });
  const stop = new AbortController();
  stops.push(stop);
  measurements.connect((sovereign) => void enqueued.push(sovereign), stop.signal);
  const advance = (ms: number) => {
    time += ms;
  };
  return { ...measurements, enqueued, advance, stop };
}

const good = (value: string) => async () => ({ value, isGood: true });
const bad = (value: string) => async () => ({ value, isGood: false });
const hangs = () => new Promise<never>(() => undefined);
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe("measurements", () => {
  it("give a quick value to the reconcile that asked, and enqueue nothing", async () => {
    const { read, enqueued } = start();
    expect(await read("a", "1", good("ready"))).toBe("ready");
    expect(enqueued).toEqual([]);
  });

  it("let a reconcile wait for a slow value only for the grace time, and enqueue it afterwards", async () => {
    const { read, enqueued } = start();
    const slow = Promise.withResolvers<{ value: string; isGood: boolean }>();
    expect(await read("a", "1", () => slow.promise)).toBeUndefined();
    slow.resolve({ value: "ready", isGood: true });
    await until(() => enqueued.length === 1, "the result");
    expect(await read("a", "1", hangs)).toBe("ready");
  });

  it("measure a value that is not good again with back-off, and enqueue only when it changes", async () => {
    const { read, enqueued } = start();
    const answers = ["down", "down", "down", "starting", "ready"];
    let asked = 0;
    const measure = async () => {
      const value = answers[Math.min(asked++, 4)] ?? "";
      return { value, isGood: value === "ready" };
    };
    expect(await read("a", "1", measure)).toBe("down");
    await until(() => enqueued.length === 2, "two changes");
    await pause(100);
    expect([asked, enqueued]).toEqual([5, ["a", "a"]]);
    expect(await read("a", "1", measure)).toBe("ready");
  });

  it("measure a good value again when it is too old, and give the old one meanwhile", async () => {
    const { read, advance, enqueued } = start();
    expect(await read("a", "1", good("ready"), 1_000)).toBe("ready");
    advance(999);
    expect(await read("a", "1", good("other"), 1_000)).toBe("ready");
    advance(1);
    expect(await read("a", "1", good("other"), 1_000)).toBe("ready");
    await until(() => enqueued.length === 1, "the other value");
    expect(await read("a", "1", good("third"), 1_000)).toBe("other");
  });

  it("measure a good value again when the clock was set back to before it", async () => {
    const { read, advance, enqueued } = start();
    expect(await read("a", "1", good("ready"), 1_000)).toBe("ready");
    advance(-1);
    expect(await read("a", "1", good("other"), 1_000)).toBe("ready");
    await until(() => enqueued.length === 1, "the other value");
    advance(-1);
    expect(await read("a", "1", good("third"))).toBe("other");
    await pause(50);
    expect(await read("a", "1", good("third"))).toBe("other");
  });

  it("measure with back-off a value that was good and then is not", async () => {
    const { read, advance, enqueued } = start();
    await read("a", "1", good("ready"), 1_000);
    advance(1_000);
    let asked = 0;
    const measure = async () => {
      asked += 1;
      return asked < 3 ? { value: "down", isGood: false } : { value: "ready", isGood: true };
    };
    expect(await read("a", "1", measure, 1_000)).toBe("ready");
    await until(() => enqueued.length === 2, "the fault and the recovery");
    expect([asked, await read("a", "1", measure, 1_000)]).toEqual([3, "ready"]);
  });

  it("abort what runs for another identity, and measure again", async () => {
    const { read } = start();
    let isAborted = false;
    await read("a", "1", (signal) => {
      signal.addEventListener("abort", () => {
        isAborted = true;
      });
      return hangs();
    });
    expect(await read("a", "2", good("two"))).toBe("two");
    expect(isAborted).toBe(true);
  });

  it("throw what the measurement threw, until it is good again", async () => {
    const { read, enqueued } = start();
    let isBroken = true;
    const measure = async () => {
      if (isBroken) throw new Error("no token");
      return { value: "ready", isGood: true };
    };
    await expect(read("a", "1", measure)).rejects.toThrow("no token");
    isBroken = false;
    await until(() => enqueued.length === 1, "the recovery");
    expect(await read("a", "1", measure)).toBe("ready");
  });

  it("end with the reconcile that did not read them", async () => {
    const { read, endReconcile, peek } = start();
    let asked = 0;
    const measure = async () => {
      asked += 1;
      return { value: "down", isGood: false };
    };
    await read("a", "1", measure);
    endReconcile("a");
    expect(peek("a", "1")).toEqual({ value: "down" });
    endReconcile("a");
    expect(peek("a", "1")).toBeUndefined();
    const before = asked;
    await pause(100);
    expect(asked).toBe(before);
  });

  it("drop a good value that the status has, and keep one that is not good", async () => {
    const { read, peek, recorded } = start({ firstRetryMs: 60_000, maxRetryMs: 60_000 });
    await read("good", "1", good("ready"));
    await read("bad", "1", bad("down"));
    for (const key of ["good", "bad", "unknown"]) recorded(key);
    expect([peek("good", "1"), peek("bad", "1")]).toEqual([undefined, { value: "down" }]);
    expect(await read("good", "1", good("again"))).toBe("again");
  });

  it("keep a good value while it is measured again, although the status has it", async () => {
    const { read, recorded, advance, enqueued } = start();
    await read("a", "1", good("ready"), 1_000);
    advance(1_000);
    await read("a", "1", good("other"), 1_000);
    recorded("a");
    await until(() => enqueued.length === 1, "the other value");
    expect(await read("a", "1", hangs)).toBe("other");
  });

  it("give hanging Sovereigns places of their own: others are measured at once", async () => {
    const { read, endReconcile } = start();
    // Each has failed once.
    for (let at = 0; at < 20; at += 1) await read(`hanging-${at}`, "1", bad("down"));
    for (let at = 0; at < 20; at += 1) {
      endReconcile(`hanging-${at}`);
      await read(`hanging-${at}`, "2", hangs);
    }
    expect(await read("healthy", "1", good("ready"))).toBe("ready");
  });

  it("abort a measurement at its deadline", async () => {
    const { read } = start({ deadlineMs: 15, graceMs: 10_000 });
    const measure = (signal: AbortSignal) =>
      new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    await expect(read("a", "1", measure)).rejects.toThrow(/timeout/);
  });

  it("free the place of a measurement that ignores its deadline", async () => {
    const { read } = start({ deadlineMs: 5, graceMs: 10_000 });
    for (const name of ["a", "b", "c"]) await expect(read(name, "1", hangs)).rejects.toThrow(/timeout/);
    expect(await read("healthy", "1", good("ready"))).toBe("ready");
  });
});
