import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { createCloser } from "../../../src/platform/closer.ts";

describe("createCloser", () => {
  it("closes parts in the reverse order of their start, and continues after one that fails", async () => {
    const lines: { err: { message: string }; msg: string }[] = [];
    const closer = createCloser(pino({}, { write: (line) => lines.push(JSON.parse(line)) }));
    const closed: string[] = [];
    for (const name of ["client", "cache", "server"])
      expect(
        closer.add(name, async (part) => {
          closed.push(part);
          if (part === "cache") throw new Error("the cache hangs");
        }),
      ).toBe(name);
    await closer.close();
    expect(closed).toEqual(["server", "cache", "client"]);
    expect(lines.map(({ msg, err }) => [msg, err.message])).toEqual([
      ["a part failed to close", "the cache hangs"],
    ]);
  });

  it("closes each part once", async () => {
    const closer = createCloser(pino({ enabled: false }));
    let count = 0;
    closer.add("part", async () => {
      count += 1;
    });
    await closer.close();
    await closer.close();
    expect(count).toBe(1);
  });
});
