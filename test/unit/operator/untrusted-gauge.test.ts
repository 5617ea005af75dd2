import { describe, expect, it } from "vitest";
import { createUntrustedGauge } from "../../../src/operator/untrusted-gauge.ts";
import { Registry } from "../../../src/platform/metrics.ts";

describe("createUntrustedGauge", () => {
  it("adds up the newest number of each namespace, until the leadership ends", async () => {
    const registry = new Registry();
    const gauge = createUntrustedGauge(registry);
    const shown = async () =>
      (await registry.getSingleMetric("catalyst_untrusted_artifacts")?.get())?.values[0]?.value;
    gauge.count("a", 2);
    gauge.count("b", 3);
    gauge.count("a", 1);
    expect(await shown()).toBe(4);
    gauge.count("b", 0);
    expect(await shown()).toBe(1);
    gauge.reset();
    gauge.count("a", 2);
    expect(await shown()).toBe(2);
  });
});
