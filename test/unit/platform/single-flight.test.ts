import { describe, expect, it } from "vitest";
import { createSingleFlight } from "../../../src/platform/single-flight.ts";

describe("createSingleFlight", () => {
  it("runs the work once for all calls that arrive while it is in flight", async () => {
    const gate = Promise.withResolvers<void>();
    let runs = 0;
    const read = createSingleFlight(async () => {
      runs += 1;
      await gate.promise;
      return { runs };
    });
    const calls = [read(), read(), read()];
    gate.resolve();
    const [first, ...others] = await Promise.all(calls);
    expect(first).toEqual({ runs: 1 });
    for (const other of others) expect(other).toBe(first);
  });

  it("runs the work again for a call after the end", async () => {
    let runs = 0;
    const read = createSingleFlight(async () => ++runs);
    expect(await read()).toBe(1);
    expect(await read()).toBe(2);
  });

  it("rejects all waiting calls with a failure, and does not keep it", async () => {
    let runs = 0;
    const read = createSingleFlight(async () => {
      runs += 1;
      if (runs === 1) throw new Error("first");
      return runs;
    });
    const settled = await Promise.allSettled([read(), read()]);
    expect(settled.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(await read()).toBe(2);
  });

  it("rejects when the work throws before it returns a promise, and runs it again afterwards", async () => {
    let runs = 0;
    const read = createSingleFlight((): Promise<number> => {
      runs += 1;
      if (runs === 1) throw new Error("at once");
      return Promise.resolve(runs);
    });
    await expect(read()).rejects.toThrow("at once");
    expect(await read()).toBe(2);
  });

  it("runs work for different keys side by side, with the arguments of the first call for each", async () => {
    const seen: string[] = [];
    const read = createSingleFlight(
      async (key: string, detail: string) => {
        seen.push(`${key} ${detail}`);
        await Promise.resolve();
        return detail;
      },
      (key) => key,
    );
    expect(await Promise.all([read("a", "1"), read("b", "2"), read("a", "3")])).toEqual(["1", "2", "1"]);
    expect(seen).toEqual(["a 1", "b 2"]);
  });
});
