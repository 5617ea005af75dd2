import { describe, expect, it } from "vitest";
import { readBillingSettings } from "../../../src/billing/settings.ts";
import { billingEnvironment } from "../../../src/controllers/sovereign/desired-pod.ts";
import { createEnvReader } from "../../../src/platform/env.ts";
import { sovereign } from "../../support/builder/catalyst-object.ts";
import { manifestProblems } from "../../support/builder/manifest.ts";

const withLimits = (limits: Record<string, number>) => {
  const { billing } = sovereign("one").spec;
  return sovereign("one", { billing: { ...billing, limits } });
};

describe("billing.limits", () => {
  it.each([0, 60, 1_000_000])("accepts %i, and billing reads it", (perMinute) => {
    const one = withLimits({
      previewsPerMinute: perMinute,
      missesPerMinute: perMinute,
      issuesPerMinute: perMinute,
    });
    expect(manifestProblems(one)).toEqual([]);
    const env = Object.fromEntries(billingEnvironment(one).map(({ name, value }) => [name, value]));
    const settings = readBillingSettings(
      createEnvReader({
        ...env,
        DATABASE_URL: "postgres://x/y",
        JWT_SECRET: "a-secret-of-one-sovereign-0123456789",
      }),
    );
    expect(settings.previewLimits).toEqual({ perMinute, missesPerMinute: perMinute });
    expect(settings.issueLimit).toBe(perMinute);
  });

  it.each([{ previewsPerMinute: -1 }, { missesPerMinute: 1_000_001 }, { issuesPerMinute: 0.5 }])(
    "refuses %o",
    (limits) => {
      expect(manifestProblems(withLimits(limits))).not.toEqual([]);
    },
  );
});
