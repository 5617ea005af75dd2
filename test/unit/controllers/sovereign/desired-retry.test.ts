import { describe, expect, it } from "vitest";
import type { SovereignStatus } from "../../../../src/api/sovereign.ts";
import { desiredRetryMs } from "../../../../src/controllers/sovereign/desired-retry.ts";
import { applyBackoff } from "../../../../src/controllers/sovereign/report.ts";
import { stalled, waiting } from "../../../../src/controllers/sovereign/status.ts";
import { IMAGE, NOW, sovereign } from "../../../support/builder/catalyst-object.ts";
import { contextOf } from "../../../support/builder/reconcile-context.ts";

const MINUTE_MS = 60_000;

describe("desiredRetryMs", () => {
  it.each([
    ["at first after a minute", 0, MINUTE_MS],
    ["after a clock that jumped back in a minute", -MINUTE_MS, MINUTE_MS],
    ["after a quarter of the time that the wait has lasted", 20 * MINUTE_MS, 5 * MINUTE_MS],
    ["at least every ten minutes", 600 * MINUTE_MS, 10 * MINUTE_MS],
  ])("looks again %s", (_when, waitedMs, expected) => {
    expect(desiredRetryMs(waitedMs, 0.5)).toBe(expected);
    expect(desiredRetryMs(waitedMs, 0)).toBe(expected * 0.75);
    expect(desiredRetryMs(waitedMs, 1)).toBe(expected * 1.25);
  });
});

describe("applyBackoff", () => {
  const retryOf = (stop: ReturnType<typeof contextOf>["findings"]["stop"], status: SovereignStatus = {}) => {
    const context = contextOf(sovereign("omantel", {}, { pinnedImage: IMAGE, ...status }));
    context.findings.stop = stop;
    applyBackoff(context, () => 0.5);
    return context.findings.stop;
  };
  const since = new Date(Date.parse(NOW) - 20 * MINUTE_MS).toISOString();
  const progress = { generation: 1, image: IMAGE, since };

  it("looks less often at a Pod that has failed for long", () => {
    const stop = waiting("ImagePullFailed", "Pod p cannot pull x");
    expect(retryOf(stop)).toMatchObject({ retryAfterMs: MINUTE_MS });
    expect(retryOf(stop, { progress })).toMatchObject({ retryAfterMs: 5 * MINUTE_MS });
  });

  it.each([
    ["a wait whose end is known", waiting("Migrating", "", 1_000)],
    ["a Sovereign that is stalled", stalled("MigrationFailed", "")],
    ["a Sovereign that is Ready", undefined],
  ])("leaves %s", (_what, stop) => expect(retryOf(stop, { progress })).toEqual(stop));
});
