import { describe, expect, it } from "vitest";
import type { SovereignStatus } from "../../../../../src/api/sovereign.ts";
import type { SovereignDeps } from "../../../../../src/controllers/sovereign/dependency.ts";
import type { ErrorRates } from "../../../../../src/controllers/sovereign/error-rate.ts";
import {
  observeErrorRate,
  recordErrorsBefore,
} from "../../../../../src/controllers/sovereign/step/error-rate.ts";
import {
  IMAGE,
  NEXT_IMAGE,
  NOW,
  release,
  servingOn,
  sovereign,
  verifiedOn,
} from "../../../../support/builder/catalyst-object.ts";
import { contextOf } from "../../../../support/builder/reconcile-context.ts";

const TOTAL = { requests: 1_000, serverErrors: 1 };
const COMPLETE = release({}, { rollout: { image: NEXT_IMAGE, stages: [], completedAt: NOW } });

/** Returns the planned answers, and fails for any other request. */
function errorRates(
  planned: Partial<Pick<ErrorRates, "baseline" | "verdict" | "discard">>,
): Partial<SovereignDeps> {
  const refuse = async () => {
    throw new Error("this test does not count requests");
  };
  return {
    errorRates: {
      baseline: refuse,
      verdict: refuse,
      discard: () => undefined,
      forget: () => undefined,
      endReconcile: () => undefined,
      ...planned,
    },
  };
}

describe("recordErrorsBefore", () => {
  const record = async (
    planned: Partial<Pick<ErrorRates, "baseline">>,
    {
      running,
      status,
      known = release(),
    }: { running?: string; status?: SovereignStatus; known?: typeof COMPLETE } = { running: IMAGE },
  ) => {
    const context = contextOf(sovereign("omantel", {}, status), { releases: [known] }, errorRates(planned));
    const stop = await recordErrorsBefore(context, NEXT_IMAGE, running);
    return { stop, facts: context.findings.facts, conditions: context.findings.conditions };
  };
  const found = (reason: string): SovereignStatus => ({
    ...servingOn(IMAGE),
    errorRate: { image: IMAGE, before: { image: NEXT_IMAGE, ...TOTAL } },
    conditions: [{ type: "ErrorRateNormal", status: "False", reason, message: "", lastTransitionTime: NOW }],
  });

  it("records what the image that runs has answered", async () => {
    const { stop, facts } = await record({ baseline: async () => ({ kind: "counted", total: TOTAL }) });
    expect(stop).toBeUndefined();
    expect(facts).toEqual({ errorRate: { image: NEXT_IMAGE, before: { image: IMAGE, ...TOTAL } } });
  });

  it("compares with the previous image, not with one on which too many requests fail", async () => {
    const { stop, facts } = await record({}, { running: IMAGE, status: found("ErrorRateRegressed") });
    expect(stop).toBeUndefined();
    expect(facts).toEqual({ errorRate: { image: NEXT_IMAGE, before: { image: NEXT_IMAGE, ...TOTAL } } });
  });

  it.each([
    ["too many requests fail", "ErrorRateRegressed"],
    ["too few requests came", "TooFewRequests"],
  ])("withdraws in the same status that %s on the previous image", async (_, reason) => {
    const baseline = async () => ({ kind: "counted", total: TOTAL }) as const;
    const { conditions } = await record({ baseline }, { running: IMAGE, status: found(reason) });
    expect(conditions).toMatchObject([{ type: "ErrorRateNormal", status: "Unknown", reason: "OtherImage" }]);
  });

  it("continues when the Pods cannot be asked, and records that", async () => {
    const { stop, facts } = await record({
      baseline: async () => ({ kind: "unmeasured", cause: "no answer" }),
    });
    expect(stop).toBeUndefined();
    expect(facts).toEqual({ errorRate: { image: NEXT_IMAGE } });
  });

  it("waits while the Pods are asked", async () => {
    const { stop, facts } = await record({ baseline: async () => undefined });
    expect(stop).toMatchObject({ kind: "waiting", reason: "CountingRequests" });
    expect(facts).toEqual({});
  });

  it("counts on a cluster of its own also when the image arrives before its release", async () => {
    const older = { ...release(), spec: { ...release().spec, image: IMAGE } };
    const recordThere = async (annotations: Record<string, string>) => {
      const own = sovereign("omantel");
      const metadata = {
        ...own.metadata,
        labels: { "catalyst.openova.io/managed-by": "hub" },
        annotations: { "catalyst.openova.io/image": NEXT_IMAGE, ...annotations },
      };
      const baseline = async () => ({ kind: "counted", total: TOTAL }) as const;
      const context = contextOf({ ...own, metadata }, { releases: [older] }, errorRates({ baseline }));
      await recordErrorsBefore(context, NEXT_IMAGE, IMAGE);
      return context.findings.facts;
    };
    expect(await recordThere({ "catalyst.openova.io/rolling-out": NEXT_IMAGE })).toEqual({
      errorRate: { image: NEXT_IMAGE, before: { image: IMAGE, ...TOTAL } },
    });
    expect(await recordThere({})).toEqual({});
    expect(await recordThere({ "catalyst.openova.io/rolling-out": IMAGE })).toEqual({});
  });

  it.each([
    ["nothing runs yet", { running: undefined }],
    ["the release does not exist", { running: IMAGE, known: { ...COMPLETE, metadata: { name: "other" } } }],
    ["the image runs already", { running: NEXT_IMAGE }],
    ["it was counted before", { running: IMAGE, status: { errorRate: { image: NEXT_IMAGE } } }],
    ["the rollout is complete", { running: IMAGE, known: COMPLETE }],
    [
      "the image is not the release's",
      { running: IMAGE, known: { ...COMPLETE, spec: { ...COMPLETE.spec, image: IMAGE } } },
    ],
  ])("counts nothing when %s", async (_, situation) => {
    expect(await record({}, situation as Parameters<typeof record>[1])).toEqual({
      stop: undefined,
      facts: {},
      conditions: [],
    });
  });
});

describe("observeErrorRate", () => {
  const measured = (change: Partial<SovereignStatus> = {}): SovereignStatus => ({
    ...verifiedOn(NEXT_IMAGE),
    errorRate: { image: NEXT_IMAGE, before: { image: IMAGE, ...TOTAL } },
    ...change,
  });
  const withCondition = (reason: string): SovereignStatus =>
    measured({
      conditions: [
        { type: "ErrorRateNormal", status: "False", reason, message: "", lastTransitionTime: NOW },
      ],
    });
  const observe = async (
    planned: Partial<Pick<ErrorRates, "verdict" | "discard">>,
    { status = measured(), image = NEXT_IMAGE, known = release() } = {},
  ) => {
    const context = contextOf(sovereign("omantel", {}, status), { releases: [known] }, errorRates(planned));
    await observeErrorRate(context, image);
    return { conditions: context.findings.conditions, events: context.events };
  };
  const REGRESSED: ErrorRates["verdict"] = async () => ({
    kind: "regressed",
    total: { requests: 100, serverErrors: 50 },
  });

  it("reports a regression in the condition and in one Event", async () => {
    const { conditions, events } = await observe({ verdict: REGRESSED });
    expect(conditions).toMatchObject([
      { type: "ErrorRateNormal", status: "False", reason: "ErrorRateRegressed" },
    ]);
    expect(events).toMatchObject([{ type: "Warning", reason: "ErrorRateRegressed" }]);
    expect(events[0]?.message).toContain("50 of 100 requests (50.00 %) failed with a 5xx status");
    const again = await observe({ verdict: REGRESSED }, { status: withCondition("ErrorRateRegressed") });
    expect(again.events).toEqual([]);
  });

  it("reports an image within the limit without an Event", async () => {
    const { conditions, events } = await observe({ verdict: async () => ({ kind: "within" }) });
    expect(conditions).toMatchObject([{ status: "True", reason: "WithinLimit" }]);
    expect(events).toEqual([]);
  });

  it("clears an image that failed too often when the rollout was complete, once more requests succeed", async () => {
    const planned = { verdict: async () => ({ kind: "within" }) as const };
    const status = withCondition("ErrorRateRegressed");
    const { conditions } = await observe(planned, { status, known: COMPLETE });
    expect(conditions).toMatchObject([{ status: "True", reason: "WithinLimit" }]);
  });

  it("says that the previous image was not counted", async () => {
    const { conditions } = await observe({}, { status: measured({ errorRate: { image: NEXT_IMAGE } }) });
    expect(conditions).toMatchObject([{ status: "Unknown", reason: "BaselineUnknown" }]);
  });

  it("withdraws what was found of another image, and drops what was counted of it", async () => {
    const discarded: string[] = [];
    const { conditions } = await observe(
      { discard: (name) => void discarded.push(name) },
      { status: withCondition("ErrorRateRegressed"), image: IMAGE },
    );
    expect(conditions).toMatchObject([{ status: "Unknown", reason: "OtherImage" }]);
    expect(discarded).toEqual(["omantel"]);
  });

  it.each([
    ["the Pods are asked for the first time", { verdict: async () => undefined }, {}],
    [
      "a regressed image has too few requests again",
      { verdict: async () => ({ kind: "tooFew" }) as const },
      { status: withCondition("ErrorRateRegressed") },
    ],
    ["no previous image was counted", {}, { status: verifiedOn(NEXT_IMAGE) }],
    ["another image runs, and nothing was found yet", {}, { image: IMAGE }],
    ["the rollout is complete", {}, { known: COMPLETE }],
  ])("leaves the condition as it is when %s", async (_, planned, situation) => {
    expect(await observe(planned, situation)).toEqual({ conditions: [], events: [] });
  });
});
