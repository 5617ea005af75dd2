import { describe, expect, it } from "vitest";
import { createScrapeMeasurement } from "../../../src/platform/metrics.ts";

describe("createScrapeMeasurement", () => {
  it("measures again only after the time, and does not fail a scrape when the measurement fails", async () => {
    let nowMs = 1_000;
    let measured = 0;
    const collect = createScrapeMeasurement({
      measure() {
        measured += 1;
        return Promise.reject(new Error("the database does not answer"));
      },
      freshMs: 100,
      now: () => new Date(nowMs),
    });
    await Promise.all([collect(), collect()]);
    nowMs += 99;
    await collect();
    expect(measured).toBe(1);
    nowMs += 1;
    await collect();
    expect(measured).toBe(2);
  });
});
