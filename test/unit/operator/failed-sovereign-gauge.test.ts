import { describe, expect, it } from "vitest";
import { createFailedSovereignGauge } from "../../../src/operator/failed-sovereign-gauge.ts";
import { Registry } from "../../../src/platform/metrics.ts";

describe("catalyst_failed_sovereigns", () => {
  it("has the newest number of each release, until the release is deleted or the replica no longer leads", async () => {
    const registry = new Registry();
    const gauge = createFailedSovereignGauge(registry);
    const read = async () =>
      (await registry.getSingleMetric("catalyst_failed_sovereigns")?.get())?.values.map(
        ({ labels, value }) => [labels.release, value],
      );
    gauge.count("stable", 2);
    gauge.count("stable", 1);
    gauge.count("edge", 0);
    expect(await read()).toEqual([
      ["stable", 1],
      ["edge", 0],
    ]);
    gauge.forget("edge");
    expect(await read()).toEqual([["stable", 1]]);
    gauge.reset();
    expect(await read()).toEqual([]);
  });
});
