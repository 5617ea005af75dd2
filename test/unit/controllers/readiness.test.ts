import { describe, expect, it } from "vitest";
import { RECONCILING, STALLED } from "../../../src/api/condition.ts";
import { failedConditions, readyConditions } from "../../../src/controllers/readiness.ts";
import { condition, NOW } from "../../support/builder/catalyst-object.ts";
import { kstatusOf } from "../../support/suite/kstatus.ts";

const summary = (conditions: { type: string; status: string }[] | undefined) =>
  conditions?.map(({ type, status }) => `${type}=${status}`);

describe("readyConditions", () => {
  const words = { reason: "Because", message: "of this" };
  const before = [condition("Stalled", "True", "2026-01-01T00:00:00Z"), condition("Reconciling", "True")];
  it.each([
    ["True", undefined, ["Ready=True"]],
    ["False", STALLED, ["Ready=False", "Stalled=True"]],
    ["False", RECONCILING, ["Ready=False", "Reconciling=True"]],
    ["False", undefined, ["Ready=False"]],
  ] as const)("Ready=%s with %s", (status, progress, expected) => {
    const seen = readyConditions(before, { status, ...words, progress }, 1, NOW);
    expect(summary(seen)?.sort()).toEqual(expected);
  });

  it.each([
    ["True", undefined, "Current"],
    ["False", STALLED, "Failed"],
    ["False", RECONCILING, "InProgress"],
    ["False", undefined, "InProgress"],
  ] as const)("Ready=%s with %s is %s", (status, progress, health) => {
    const conditions = readyConditions(before, { status, ...words, progress }, 2, NOW);
    const object = { metadata: { generation: 2 }, status: { observedGeneration: 2, conditions } };
    expect(kstatusOf(object)).toBe(health);
    expect(kstatusOf({ ...object, metadata: { generation: 3 } })).toBe("InProgress");
    expect(kstatusOf({ ...object, metadata: { generation: 2, deletionTimestamp: NOW } })).toBe("Terminating");
  });

  it("reports Stalled by default, and keeps the time of a condition that continues", () => {
    const seen = readyConditions(before, { status: "False", ...words }, 1, NOW);
    expect(seen.find(({ type }) => type === "Stalled")?.lastTransitionTime).toBe("2026-01-01T00:00:00Z");
  });
});

describe("failedConditions", () => {
  const failure = { reason: "WriteForbidden", message: "no", isFinal: false };
  const stalledBy = (reason: string) => ({ ...condition("Stalled", "True"), reason });

  it("gives the cause in Ready, and sets the conditions that the reconcile did not check to Unknown", () => {
    const seen = failedConditions(
      [condition("Ready", "True"), condition("Verified", "True")],
      failure,
      3,
      NOW,
    );
    expect(summary(seen)).toEqual(["Ready=False", "Reconciling=True", "Verified=Unknown"]);
    expect(seen.map(({ observedGeneration }) => observedGeneration)).toEqual([3, 3, 3]);
    expect(seen.map(({ reason }) => reason)).toEqual(["WriteForbidden", "WriteForbidden", "WriteForbidden"]);
  });

  it.each([
    ["is final", [], { ...failure, isFinal: true }, "Stalled=True"],
    ["stalled it before", [stalledBy("WriteForbidden")], failure, "Stalled=True"],
    ["is another than that which stalled it", [stalledBy("TermEnded")], failure, "Reconciling=True"],
  ])("when the failure %s", (_what, before, given, expected) => {
    expect(summary(failedConditions(before, given, 1, NOW))).toEqual(["Ready=False", expected].sort());
  });
});
