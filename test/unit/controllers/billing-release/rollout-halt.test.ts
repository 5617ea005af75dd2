import { describe, expect, it } from "vitest";
import type { SovereignStatus } from "../../../../src/api/sovereign.ts";
import {
  condition,
  failedOn,
  IMAGE,
  measured,
  NEXT_IMAGE,
  NOW,
  regressedOn,
  release,
  servingOn,
  sovereign,
  updatingTo,
} from "../../../support/builder/catalyst-object.ts";
import { decide, reasonOf, stepOf, zero } from "../../../support/builder/rollout-decision.ts";

describe("the halt of a rollout", () => {
  const first = sovereign("alpha", {}, servingOn(IMAGE));
  const second = sovereign("beta", {}, servingOn(IMAGE));
  const ready = release({}, measured(NEXT_IMAGE));

  it("halts after a failure, unless haltOnFailure is false", () => {
    const failed = sovereign("alpha", {}, failedOn(NEXT_IMAGE, IMAGE));
    const fleet = [zero(NEXT_IMAGE), failed, second];
    expect(reasonOf(decide(second, ready, fleet))).toBe("RolloutHalted");
    const goesOn = release({ haltOnFailure: false, maxUnavailable: 2 }, measured(NEXT_IMAGE));
    expect(reasonOf(decide(second, goesOn, fleet))).toBe("update");
  });

  it.each<[string, object, object[], string]>([
    ["does not halt for a first install that fails", {}, [], "update"],
    ["halts for a canary's first install that fails", { canaries: ["aa-new"] }, [], "RolloutHalted"],
    [
      "halts for a first install with another shape",
      {},
      [{ ...condition("VoucherShapeVerified", "False"), reason: "ShapeDiffers" }],
      "RolloutHalted",
    ],
  ])("%s", (_, rollout, conditions, decision) => {
    const brel = release(rollout, measured(NEXT_IMAGE));
    const failed = sovereign(
      "aa-new",
      {},
      { pinnedImage: NEXT_IMAGE, conditions: [condition("Stalled", "True"), ...conditions] as never },
    );
    expect(reasonOf(decide(first, brel, [zero(NEXT_IMAGE), failed, first]))).toBe(decision);
    expect(stepOf(brel, [zero(NEXT_IMAGE), failed, first]).phase).toBe(
      decision === "update" ? "Progressing" : "Halted",
    );
  });

  it("does not halt for a Sovereign that had failed before it took the image, until it is verified there", () => {
    const fleet = (status: Partial<SovereignStatus>, spec: Parameters<typeof sovereign>[1] = {}) => [
      zero(NEXT_IMAGE),
      sovereign("aaa", spec, { ...failedOn(NEXT_IMAGE, IMAGE), takenWhileFailing: NEXT_IMAGE, ...status }),
      first,
    ];
    expect(stepOf(ready, fleet({}))).toMatchObject({ phase: "Progressing", next: ["alpha", "aaa"] });
    const onlyBroken = fleet({}).slice(0, 2);
    expect(stepOf(ready, onlyBroken).phase).toBe("Degraded");
    expect(stepOf(ready, fleet({ takenWhileFailing: IMAGE })).phase).toBe("Halted");
    const repaired = { image: NEXT_IMAGE, since: NOW };
    expect(stepOf(ready, fleet({ verified: repaired })).phase).toBe("Halted");
    expect(stepOf(release({ canaries: ["aaa"] }, measured(NEXT_IMAGE)), fleet({})).phase).toBe("Halted");
  });

  it("gives the image to at most maxUnavailable stalled Sovereigns that have Pods, until it is verified there", () => {
    const names = ["a", "b", "c"];
    const stalled = (name: string, conditions = [condition("RolledOut", "True")]) =>
      sovereign(
        name,
        {},
        {
          ...servingOn(IMAGE),
          conditions: [...conditions, condition("Stalled", "True")],
        },
      );
    const taken = sovereign("a", {}, { ...failedOn(NEXT_IMAGE, IMAGE), takenWhileFailing: NEXT_IMAGE });
    const verified = sovereign("a", {}, servingOn(NEXT_IMAGE));
    const done = { image: NEXT_IMAGE, stages: [], completedAt: NOW };
    for (const brel of [ready, release({}, { ...measured(NEXT_IMAGE), rollout: done })]) {
      expect(stepOf(brel, [zero(NEXT_IMAGE), ...names.map((name) => stalled(name))]).next).toEqual(["a"]);
      expect(stepOf(brel, [zero(NEXT_IMAGE), taken, stalled("b"), stalled("c", [])]).next).toEqual([
        "a",
        "c",
      ]);
      expect(stepOf(brel, [zero(NEXT_IMAGE), verified, stalled("b"), stalled("c")]).next).toEqual(["b"]);
    }
  });

  it.each([
    [2, "WaitingForWave"],
    [3, "RolloutHalted"],
  ])(
    "halts when smoke tests keep failing: after %d in a row, the next Sovereign is %s",
    (failures, reason) => {
      const status = updatingTo(NEXT_IMAGE, IMAGE);
      const failing = sovereign(
        "alpha",
        {},
        { ...status, lastSmokeTest: { time: NOW, passed: false, failures, steps: [] } },
      );
      expect(reasonOf(decide(second, ready, [zero(NEXT_IMAGE), failing, second]))).toBe(reason);
    },
  );

  it("halts while more requests fail than on the previous image, with the counts, also when it is verified", () => {
    const failing = sovereign("aaa", {}, regressedOn(NEXT_IMAGE));
    expect(stepOf(ready, [zero(NEXT_IMAGE), failing, first])).toMatchObject({
      phase: "Halted",
      next: [],
      wait: {
        reason: "RolloutHalted",
        message: "Sovereign aaa failed on this release: 42 of 500 requests (8.40 %) failed",
      },
    });
    expect(
      stepOf(release({ haltOnFailure: false }, measured(NEXT_IMAGE)), [zero(NEXT_IMAGE), failing, first])
        .phase,
    ).toBe("Progressing");
    const earlier = sovereign("aaa", {}, regressedOn(IMAGE));
    expect(stepOf(ready, [zero(NEXT_IMAGE), earlier])).toMatchObject({ phase: "Progressing", next: ["aaa"] });
  });

  it("halts for a Sovereign on its own cluster with the counts, and while the cluster is unreachable with the reason", () => {
    const status = { ...regressedOn(NEXT_IMAGE), cluster: { uid: "u", stalledOn: NEXT_IMAGE } };
    const haltFor = (changed: typeof status) =>
      stepOf(ready, [zero(NEXT_IMAGE), sovereign("aaa", {}, changed), first]).wait?.message;
    expect(haltFor(status)).toBe("Sovereign aaa failed on this release: 42 of 500 requests (8.40 %) failed");
    const away = (status.conditions ?? []).map((each) => ({
      ...each,
      status: "Unknown" as const,
      ...(each.type === "ErrorRateNormal" ? {} : { reason: "ClusterUnreachable" }),
    }));
    expect(haltFor({ ...status, conditions: away })).toContain(
      "Sovereign aaa failed on this release (ClusterUnreachable): ",
    );
  });

  it.each([
    ["the requests that fail while its Pods roll out", "RollingOut", [], "42 of 500 requests"],
    ["why it is stalled", "FieldConflict", [condition("Stalled", "True")], "(FieldConflict)"],
  ])("halts a Sovereign on which more requests fail, and names %s", (_, reason, more, message) => {
    const status = regressedOn(NEXT_IMAGE);
    const notReady = { ...condition("Ready", "False"), reason };
    const conditions = [
      ...(status.conditions ?? []).filter(({ type }) => type !== "Ready"),
      notReady,
      ...more,
    ];
    const failing = sovereign("aaa", {}, { ...status, conditions });
    expect(stepOf(ready, [zero(NEXT_IMAGE), failing]).wait?.message).toContain(message);
  });
});
