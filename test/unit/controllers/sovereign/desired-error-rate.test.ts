import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Condition } from "../../../../src/api/condition.ts";
import type { SovereignStatus } from "../../../../src/api/sovereign.ts";
import {
  desiredErrorRateCondition,
  type ErrorRateVerdict,
  errorRateLimitOf,
  hasErrorRegression,
  judgeErrorRate,
} from "../../../../src/controllers/sovereign/desired-error-rate.ts";
import {
  IMAGE,
  NEXT_IMAGE,
  NOW,
  release,
  sovereign,
  verifiedOn,
} from "../../../support/builder/catalyst-object.ts";

const LIMIT = { maxIncreasePercent: 5, minRequests: 100 };
const total = (serverErrors: number, requests: number) => ({ serverErrors, requests });

describe("judgeErrorRate", () => {
  it.each([
    ["no requests", total(0, 0), total(0, 1_000), "tooFew"],
    ["only errors in too few requests", total(99, 99), total(0, 1_000), "tooFew"],
    ["no errors", total(0, 100), total(0, 1_000), "within"],
    ["exactly the limit", total(5, 100), total(0, 1_000), "within"],
    ["one error more than the limit", total(6, 100), total(0, 1_000), "regressed"],
    ["as many errors as before", total(300, 1_000), total(3_000, 10_000), "within"],
    ["fewer errors than before", total(10, 1_000), total(3_000, 10_000), "within"],
    ["more than the limit above a bad image", total(360, 1_000), total(3_000, 10_000), "regressed"],
    ["a previous image without a request", total(6, 100), total(0, 0), "regressed"],
    ["a previous image whose only request failed", total(7, 100), total(1, 1), "regressed"],
    ["the same, at the limit of 5 points above 1 in 100", total(6, 100), total(1, 1), "within"],
  ])("decides on %s", (_, now, before, kind) => {
    expect(judgeErrorRate(now, before, LIMIT).kind).toBe(kind);
  });

  it("returns the counts of a regression", () => {
    expect(judgeErrorRate(total(50, 200), total(0, 100), LIMIT)).toEqual({
      kind: "regressed",
      total: total(50, 200),
    });
  });

  it("never finds a regression with a limit of 100 percentage points", () => {
    expect(judgeErrorRate(total(100, 100), total(0, 100), { ...LIMIT, maxIncreasePercent: 100 }).kind).toBe(
      "within",
    );
  });

  const anyTotal = fc
    .record({ requests: fc.nat(100_000), share: fc.double({ min: 0, max: 1, noNaN: true }) })
    .map(({ requests, share }) => total(Math.floor(requests * share), requests));
  const anyLimit = fc.record({
    maxIncreasePercent: fc.nat(100),
    minRequests: fc.integer({ min: 1, max: 1_000 }),
  });

  it("does not clear a regressed image because more requests fail, or because fewer failed before", () => {
    fc.assert(
      fc.property(anyTotal, anyTotal, anyLimit, fc.nat(1_000), (now, before, limit, more) => {
        fc.pre(judgeErrorRate(now, before, limit).kind === "regressed");
        const worse = total(Math.min(now.requests, now.serverErrors + more), now.requests);
        const better = total(Math.max(0, before.serverErrors - more), before.requests);
        expect(judgeErrorRate(worse, before, limit).kind).toBe("regressed");
        expect(judgeErrorRate(now, better, limit).kind).toBe("regressed");
      }),
    );
  });

  it("finds no regression where the share of errors is that of the previous image", () => {
    fc.assert(
      fc.property(anyTotal, anyLimit, (before, limit) => {
        fc.pre(before.requests >= limit.minRequests);
        expect(judgeErrorRate(before, before, limit).kind).toBe("within");
      }),
    );
  });
});

describe("errorRateLimitOf", () => {
  it.each([
    [undefined, { maxIncreasePercent: 5, minRequests: 100 }],
    [{ minRequests: 7 }, { maxIncreasePercent: 5, minRequests: 7 }],
    [
      { maxIncreasePercent: 0, minRequests: 1 },
      { maxIncreasePercent: 0, minRequests: 1 },
    ],
  ])("fills in the defaults of %j", (errorRate, limit) => {
    expect(errorRateLimitOf(release(errorRate === undefined ? {} : { errorRate }))).toEqual(limit);
  });
});

const known = (status: Condition["status"], reason: string): SovereignStatus => ({
  ...verifiedOn(IMAGE),
  errorRate: { image: IMAGE, before: { image: NEXT_IMAGE, ...total(3, 10_000) } },
  conditions: [{ type: "ErrorRateNormal", status, reason, message: "", lastTransitionTime: NOW }],
});

describe("desiredErrorRateCondition", () => {
  const conditionFor = (verdict: ErrorRateVerdict, status?: SovereignStatus, before = total(3, 10_000)) =>
    desiredErrorRateCondition(sovereign("omantel", {}, status), verdict, before, LIMIT);

  it("names the counts of both images, and what to do", () => {
    expect(conditionFor({ kind: "regressed", total: total(42, 500) })).toEqual({
      type: "ErrorRateNormal",
      status: "False",
      reason: "ErrorRateRegressed",
      message:
        "42 of 500 requests (8.40 %) failed with a 5xx status, and 3 of 10000 requests (0.03 %) on the previous image: " +
        "look at the logs of its billing Pods. Then set spec.image of BillingRelease stable to a digest without the fault, " +
        "run `catalyst rollout skip` for this Sovereign, or raise spec.rollout.errorRate.maxIncreasePercent",
    });
  });

  it("names a previous image that had no requests", () => {
    expect(
      conditionFor({ kind: "regressed", total: total(42, 500) }, undefined, total(0, 0))?.message,
    ).toContain("and none on the previous image");
  });

  it.each([
    [
      { kind: "within" } as const,
      "True",
      "WithinLimit",
      "the share of requests that fail with a 5xx status is within the limit",
    ],
    [
      { kind: "tooFew" } as const,
      "Unknown",
      "TooFewRequests",
      "fewer than 100 requests came so far: the operator counts on until the rollout is complete",
    ],
    [
      { kind: "unmeasured", cause: "GET http://10.0.0.1:8085/metrics did not answer in time" } as const,
      "Unknown",
      "MetricsUnreachable",
      "GET http://10.0.0.1:8085/metrics did not answer in time: the error rate does not halt the rollout while it cannot be measured. Allow the operator to read /metrics of the billing Pods",
    ],
  ])("describes %j", (verdict, status, reason, message) => {
    expect(conditionFor(verdict)).toEqual({ type: "ErrorRateNormal", status, reason, message });
  });

  it.each([{ kind: "tooFew" }, { kind: "unmeasured", cause: "no answer" }] as const)(
    "leaves a regressed image as it is on %j",
    (verdict) => {
      expect(conditionFor(verdict, known("False", "ErrorRateRegressed"))).toBeUndefined();
    },
  );

  it("clears a regressed image when its share of errors is within the limit again", () => {
    expect(conditionFor({ kind: "within" }, known("False", "ErrorRateRegressed"))?.status).toBe("True");
  });
});

describe("hasErrorRegression", () => {
  it.each([
    ["a regressed image", known("False", "ErrorRateRegressed"), IMAGE, true],
    ["a regressed image whose condition is Unknown now", known("Unknown", "ErrorRateRegressed"), IMAGE, true],
    ["another image", known("False", "ErrorRateRegressed"), NEXT_IMAGE, false],
    ["an image within the limit", known("True", "WithinLimit"), IMAGE, false],
    ["no image", known("False", "ErrorRateRegressed"), undefined, false],
    ["no status", undefined, IMAGE, false],
    ["a status without a measurement", verifiedOn(IMAGE), IMAGE, false],
  ])("decides on %s", (_, status, image, expected) => {
    expect(hasErrorRegression(status, image)).toBe(expected);
  });
});
