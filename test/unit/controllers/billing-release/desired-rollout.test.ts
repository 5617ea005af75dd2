import { describe, expect, it } from "vitest";
import type { BillingRelease } from "../../../../src/api/billing-release.ts";
import type { Sovereign } from "../../../../src/api/sovereign.ts";
import { memberOf, planOf } from "../../../../src/controllers/billing-release/desired-member.ts";
import {
  decideMember,
  decideStep,
  type RolloutDecision,
  referenceOf,
} from "../../../../src/controllers/billing-release/desired-rollout.ts";
import { maxUnavailableOf } from "../../../../src/controllers/billing-release/desired-stage.ts";
import { tallyOf } from "../../../../src/controllers/billing-release/desired-tally.ts";
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
  verifiedOn,
} from "../../../support/builder/catalyst-object.ts";

const zero = (image: string) => sovereign("zero", { role: "CatalystZero" }, verifiedOn(image));
const nowMs = Date.parse(NOW);
const DIGEST = NEXT_IMAGE.split("@")[1];

function stepOf(brel: BillingRelease, fleet: Sovereign[], atMs = nowMs) {
  const tally = tallyOf(planOf(brel), fleet, atMs);
  return decideStep(brel, tally, atMs);
}

function decide(own: Sovereign, brel: BillingRelease, fleet: Sovereign[], atMs = nowMs): RolloutDecision {
  const plan = planOf(brel);
  const member = memberOf(own, plan, atMs);
  return decideMember(member, stepOf(brel, fleet, atMs), plan, atMs);
}
const reasonOf = (decision: RolloutDecision) => (decision.kind === "wait" ? decision.reason : decision.kind);

const annotated = (brel: BillingRelease, annotations: Record<string, string>): BillingRelease => ({
  ...brel,
  metadata: { ...brel.metadata, annotations },
});
const by = (user: string, digest = DIGEST) => `${user}@${digest}`;

describe("decideMember", () => {
  const first = sovereign("alpha", {}, servingOn(IMAGE));
  const second = sovereign("beta", {}, servingOn(IMAGE));
  const ready = release({}, measured(NEXT_IMAGE));

  it("updates Catalyst-Zero at once", () => {
    const own = zero(IMAGE);
    expect(decide(own, release(), [own, first])).toEqual({ kind: "update" });
  });

  it("updates Catalyst-Zero together with the named canaries, and the others later", () => {
    const brel = release({ canaries: ["beta"] });
    const fleet = [zero(IMAGE), first, second];
    expect(decide(zero(IMAGE), brel, fleet)).toEqual({ kind: "update" });
    expect(decide(second, brel, fleet)).toEqual({ kind: "update" });
    expect(reasonOf(decide(first, brel, fleet))).toBe("WaitingForCanary");
  });

  it("neither waits for a second CatalystZero nor counts a Sovereign on a cluster that is away in a wave", () => {
    const stalled = { ...condition("Stalled", "True"), reason: "SecondCatalystZero" };
    const duplicate = sovereign("aaa-zero", { role: "CatalystZero" }, { conditions: [stalled] });
    const away = {
      ...condition("ClusterReachable", "False"),
      reason: "ClusterUnreachable",
      message: "it is away",
    };
    const elsewhere = sovereign(
      "aab",
      {},
      { ...servingOn(IMAGE), conditions: [condition("VoucherShapeVerified", "Unknown"), away] },
    );
    const fleet = [zero(NEXT_IMAGE), duplicate, elsewhere, first, second];
    expect(stepOf(ready, fleet)).toMatchObject({ phase: "Progressing", next: ["alpha"] });
    expect(decide(first, ready, fleet)).toEqual({ kind: "update" });
    expect(decide(elsewhere, ready, fleet)).toEqual({
      ...{ kind: "wait", reason: "ClusterUnreachable", message: "it is away" },
    });
  });

  it("stays halted when the Sovereign that failed on the image cannot be reached", () => {
    const away = { ...condition("ClusterReachable", "False"), reason: "ClusterUnreachable" };
    const failed = sovereign(
      "aab",
      {},
      {
        ...updatingTo(NEXT_IMAGE, IMAGE),
        cluster: { uid: "u", stalledOn: NEXT_IMAGE },
        conditions: [condition("VoucherShapeVerified", "Unknown"), away],
      },
    );
    expect(stepOf(ready, [zero(NEXT_IMAGE), failed, first])).toMatchObject({ phase: "Halted", next: [] });
  });

  it.each<[string, string, Parameters<typeof sovereign>[1]]>([
    ["ReadyDeadlineExceeded", "Catalyst-Zero", { role: "CatalystZero" }],
    ["ReadyDeadlineExceeded", "another Sovereign", {}],
    ["WriteFailed", "Catalyst-Zero", { role: "CatalystZero" }],
    ["WriteFailed", "another Sovereign", {}],
  ])("still installs when %s stalls %s without an image", (reason, _which, spec) => {
    const stalled = { ...condition("Stalled", "True"), reason };
    const own = sovereign("late", spec, { conditions: [stalled] });
    const fleet = spec?.role === undefined ? [zero(NEXT_IMAGE), own] : [own];
    expect(decide(own, ready, fleet)).toEqual({ kind: "update" });
  });

  it("names the next wave while the bake still lasts", () => {
    const fleet = [zero(NEXT_IMAGE), first, second];
    const brel = release({ bake: "5m", maxUnavailable: 5 }, measured(NEXT_IMAGE));
    expect(stepOf(brel, fleet)).toMatchObject({
      next: ["alpha", "beta"],
      wait: { reason: "Baking", retryAfterMs: 300_000 },
    });
  });

  it.each([
    ["WaitingForCanary", release(), zero(IMAGE)],
    ["WaitingForReference", release(), zero(NEXT_IMAGE)],
    ["update", release({}, measured(NEXT_IMAGE)), zero(NEXT_IMAGE)],
    ["Baking", release({ bake: "5m" }, measured(NEXT_IMAGE)), zero(NEXT_IMAGE)],
  ])("makes the other Sovereigns wait: %s", (reason, brel, canary) => {
    expect(reasonOf(decide(first, brel, [canary, first]))).toBe(reason);
  });

  it("updates at most maxUnavailable Sovereigns at once, in the order of their names", () => {
    const fleet = [zero(NEXT_IMAGE), second, first];
    expect(reasonOf(decide(first, ready, fleet))).toBe("update");
    expect(reasonOf(decide(second, ready, fleet))).toBe("WaitingForWave");
    const updating = sovereign("alpha", {}, updatingTo(NEXT_IMAGE, IMAGE));
    expect(reasonOf(decide(second, ready, [zero(NEXT_IMAGE), updating, second]))).toBe("WaitingForWave");
  });

  it("lets a Sovereign that never ran anything install beside the wave, and take no place in it", () => {
    const installing = sovereign("aaa", {}, { pinnedImage: NEXT_IMAGE });
    const fresh = sovereign("zzz");
    const fleet = [zero(NEXT_IMAGE), installing, first, second, fresh];
    expect(decide(fresh, ready, fleet)).toEqual({ kind: "update" });
    expect(decide(first, ready, fleet)).toEqual({ kind: "update" });
    expect(reasonOf(decide(second, ready, fleet))).toBe("WaitingForWave");
  });

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

  it("halts while more requests fail than on the image before, with the counts, also when it is verified", () => {
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

  it("starts no canary after another canary failed", () => {
    const failed = sovereign("zero", { role: "CatalystZero" }, failedOn(NEXT_IMAGE, IMAGE));
    const brel = release({ canaries: ["beta"] });
    expect(reasonOf(decide(second, brel, [failed, second]))).toBe("RolloutHalted");
  });

  it("waits for the rest of the bake", () => {
    const brel = release({ bake: "5m" }, measured(NEXT_IMAGE));
    expect(decide(first, brel, [zero(NEXT_IMAGE), first], nowMs + 60_000)).toMatchObject({
      retryAfterMs: 240_000,
    });
    expect(decide(first, brel, [zero(NEXT_IMAGE), first], nowMs + 300_000)).toEqual({ kind: "update" });
  });

  it("skips a suspended Sovereign", () => {
    const suspended = sovereign("alpha", { suspend: true }, servingOn(IMAGE));
    expect(reasonOf(decide(second, ready, [zero(NEXT_IMAGE), suspended, second]))).toBe("update");
  });

  it("goes by the image that was verified, and not by a condition that is True for an earlier one", () => {
    const { conditions = [] } = verifiedOn(IMAGE);
    const stale = sovereign("alpha", {}, { ...updatingTo(NEXT_IMAGE, IMAGE), conditions });
    const fleet = [zero(NEXT_IMAGE), stale, second];
    expect(reasonOf(decide(second, ready, fleet))).toBe("WaitingForWave");
  });

  it("takes a newer release in the middle, also on Sovereigns that the one before left broken", () => {
    const broken = sovereign("alpha", {}, updatingTo(`${IMAGE.slice(0, -1)}c`, IMAGE));
    const stalled = sovereign("aaa", {}, failedOn(`${IMAGE.slice(0, -1)}c`, IMAGE));
    const fleet = [zero(NEXT_IMAGE), broken, stalled, second];
    expect(stepOf(ready, fleet)).toMatchObject({ next: ["alpha", "aaa"] });
    expect(reasonOf(decide(second, ready, fleet))).toBe("WaitingForWave");
    expect(stepOf(release(), [zero(IMAGE), broken])).toMatchObject({ phase: "Canary", next: ["zero"] });
  });
});

describe("a hold of a Sovereign", () => {
  const hold = (until: string) => ({
    billing: { ...sovereign("x").spec.billing, hold: { reason: "Ramadan freeze", until } },
  });
  const held = sovereign("alpha", hold("2026-11-24T13:00:00Z"), servingOn(IMAGE));
  const ready = release({}, measured(NEXT_IMAGE));
  const fleet = [zero(NEXT_IMAGE), held, sovereign("beta", {}, servingOn(IMAGE))];

  it("keeps it on its image, says why and until when, and holds up no other", () => {
    expect(decide(held, ready, fleet)).toEqual({
      kind: "wait",
      reason: "Held",
      message: "Ramadan freeze",
      retryAfterMs: 3_600_000,
    });
    expect(stepOf(ready, fleet).next).toEqual(["beta"]);
  });

  it("ends at its time", () => {
    expect(decide(held, ready, fleet, nowMs + 3_600_000)).toEqual({ kind: "update" });
  });

  it("does not keep the release from being complete", () => {
    expect(stepOf(ready, [zero(NEXT_IMAGE), held]).phase).toBe("Complete");
    expect(stepOf(ready, [zero(NEXT_IMAGE), held], nowMs + 3_600_000).phase).toBe("Progressing");
  });

  it("does not stop an update under way", () => {
    const updating = sovereign("alpha", hold("2026-11-24T13:00:00Z"), updatingTo(NEXT_IMAGE, IMAGE));
    expect(decide(updating, ready, [zero(NEXT_IMAGE), updating])).toEqual({ kind: "update" });
  });
});

describe("stages of a rollout", () => {
  const labelled = (name: string, labels: Record<string, string>, image = IMAGE) => {
    const own = sovereign(name, {}, servingOn(image));
    return { ...own, metadata: { ...own.metadata, labels } };
  };
  const stages = [
    { name: "pilot", sovereigns: ["gamma"], approval: false },
    { name: "gulf", selector: { matchLabels: { region: "gulf" } }, maxUnavailable: 2, approval: true },
  ];
  const brel = release({ stages }, measured(NEXT_IMAGE));
  const gulf = ["g1", "g2", "g3"].map((name) => labelled(name, { region: "gulf" }));
  const gamma = sovereign("gamma", {}, servingOn(IMAGE));
  const other = sovereign("other", {}, servingOn(IMAGE));
  const done = (name: string) => sovereign(name, {}, servingOn(NEXT_IMAGE));

  it("takes them in their order, by names and by labels, and the rest last", () => {
    const fleet = [zero(NEXT_IMAGE), gamma, ...gulf, other];
    expect(stepOf(brel, fleet)).toMatchObject({ phase: "Progressing", stage: 1, next: ["gamma"] });
    const after = [
      zero(NEXT_IMAGE),
      done("gamma"),
      ...gulf.map(({ metadata }) => labelled(metadata.name, { region: "gulf" }, NEXT_IMAGE)),
      other,
    ];
    expect(stepOf(brel, after)).toMatchObject({ stage: 3, next: ["other"] });
  });

  it("waits for the approval of this image, and then takes maxUnavailable of the stage at once", () => {
    const fleet = [zero(NEXT_IMAGE), done("gamma"), ...gulf, other];
    expect(stepOf(brel, fleet)).toMatchObject({
      phase: "WaitingForApproval",
      next: [],
      wait: {
        reason: "WaitingForApproval",
        message: "stage gulf waits for a person: run `catalyst rollout approve stable gulf`",
      },
    });
    const approve = (digest?: string) =>
      annotated(brel, { "approve.catalyst.openova.io/gulf": by("amal@openova.io", digest) });
    expect(stepOf(approve(IMAGE.split("@")[1]), fleet).phase).toBe("WaitingForApproval");
    expect(stepOf(approve(), fleet)).toMatchObject({ phase: "Progressing", next: ["g1", "g2"] });
  });

  it("does not wait for the approval of a stage that has nothing to update", () => {
    expect(stepOf(brel, [zero(NEXT_IMAGE), done("gamma"), other])).toMatchObject({
      stage: 3,
      next: ["other"],
    });
  });

  it.each([
    ["In", ["gulf", "levant"], { region: "gulf" }, true],
    ["In", ["levant"], { region: "gulf" }, false],
    ["NotIn", ["gulf"], {}, true],
    ["NotIn", ["gulf"], { region: "gulf" }, false],
    ["Exists", undefined, { region: "" }, true],
    ["Exists", undefined, {}, false],
    ["DoesNotExist", undefined, {}, true],
    ["DoesNotExist", undefined, { region: "gulf" }, false],
  ] as const)("selects by %s %j: labels %j, %s", (operator, values, labels, isTaken) => {
    const expression = { key: "region", operator, ...(values === undefined ? {} : { values: [...values] }) };
    const one = { name: "one", selector: { matchExpressions: [expression] }, approval: false };
    const fleet = [zero(NEXT_IMAGE), labelled("alpha", labels)];
    expect(stepOf(release({ stages: [one] }, measured(NEXT_IMAGE)), fleet).stage).toBe(isTaken ? 1 : 2);
  });

  it("does not wait in an earlier stage for a Sovereign that needs a person", () => {
    const stuck = sovereign("gamma", {}, { ...servingOn(IMAGE), conditions: [condition("Stalled", "True")] });
    expect(stepOf(brel, [zero(NEXT_IMAGE), stuck, other])).toMatchObject({
      phase: "Progressing",
      next: ["other", "gamma"],
    });
  });

  it("has a bake of its own, which a person may skip", () => {
    const baking = release(
      { stages: [{ name: "pilot", sovereigns: ["gamma"], bake: "1h", approval: false }] },
      measured(NEXT_IMAGE),
    );
    const fleet = [zero(NEXT_IMAGE), done("gamma"), other];
    expect(stepOf(baking, fleet)).toMatchObject({ phase: "Baking", wait: { retryAfterMs: 3_600_000 } });
    const skipped = annotated(baking, { "skip-bake.catalyst.openova.io/pilot": by("amal") });
    expect(stepOf(skipped, fleet)).toMatchObject({ phase: "Progressing", next: ["other"] });
  });
});

describe("a person's part in a rollout", () => {
  const first = sovereign("alpha", {}, servingOn(IMAGE));
  const failed = sovereign("beta", {}, failedOn(NEXT_IMAGE, IMAGE));
  const fleet = [zero(NEXT_IMAGE), first, failed];
  const ready = (spec = {}, status = {}) => release(spec, { ...measured(NEXT_IMAGE), ...status });

  it("pauses it for every image", () => {
    const paused = annotated(ready(), {
      "catalyst.openova.io/rollout-paused": by("amal", IMAGE.split("@")[1]),
    });
    expect(stepOf(paused, [zero(NEXT_IMAGE), first])).toMatchObject({
      phase: "Paused",
      next: [],
      wait: { message: "amal paused the rollout: run `catalyst rollout resume`" },
    });
  });

  it("skips a Sovereign that failed", () => {
    const skipped = annotated(ready(), { "skip.catalyst.openova.io/beta": by("amal") });
    expect(stepOf(skipped, fleet)).toMatchObject({ phase: "Progressing", next: ["alpha"] });
  });

  it("aborts it: nothing more starts, and without compatible migrations nothing goes back", () => {
    const aborted = annotated(ready(), { "catalyst.openova.io/rollout-aborted": by("amal") });
    expect(stepOf(aborted, fleet)).toMatchObject({ phase: "Aborted", next: [] });
    expect(decide(failed, aborted, fleet)).toEqual({ kind: "update" });
  });

  it("sends Sovereigns back after an abort, the failed ones first, and the others in waves", () => {
    const aborted = annotated(ready({ backwardCompatible: true }), {
      "catalyst.openova.io/rollout-aborted": by("amal"),
    });
    const updated = (name: string) => sovereign(name, {}, { ...servingOn(NEXT_IMAGE), previousImage: IMAGE });
    const others = [zero(NEXT_IMAGE), failed, updated("gamma"), updated("delta")];
    expect(stepOf(aborted, others)).toMatchObject({ phase: "Aborted", next: ["beta"] });
    expect(decide(failed, aborted, others)).toEqual({ kind: "return" });
    const back = sovereign("beta", {}, servingOn(IMAGE));
    expect(stepOf(aborted, [zero(NEXT_IMAGE), back, updated("gamma"), updated("delta")]).next).toEqual([
      "delta",
    ]);
  });

  it("sends a Sovereign on which more requests fail back first", () => {
    const brel = release(
      { backwardCompatible: true },
      {
        ...measured(NEXT_IMAGE),
        rollout: {
          image: NEXT_IMAGE,
          stages: [],
          halt: { number: 1, reason: "ErrorRateRegressed", message: "42 of 500", at: NOW, returns: true },
        },
      },
    );
    const fleet = [
      zero(NEXT_IMAGE),
      sovereign("aaa", {}, servingOn(NEXT_IMAGE)),
      sovereign("bbb", {}, regressedOn(NEXT_IMAGE)),
    ];
    expect(stepOf(brel, fleet)).toMatchObject({ phase: "Halted", next: ["bbb"] });
  });

  it("goes back by itself after a halt that the status records, until a person resumes", () => {
    const halt = { number: 2, reason: "ShapeDiffers", message: "beta differs", at: NOW, returns: true };
    const rollout = { image: NEXT_IMAGE, stages: [], halt };
    const halted = ready({ backwardCompatible: true }, { rollout });
    expect(stepOf(halted, fleet)).toMatchObject({ phase: "Halted", next: ["beta"] });
    const back = [zero(NEXT_IMAGE), first, sovereign("beta", {}, servingOn(IMAGE))];
    expect(stepOf(halted, back)).toMatchObject({
      phase: "Halted",
      next: [],
      wait: {
        message:
          "beta differs; Sovereigns go back to their image before: correct the cause, then run `catalyst rollout resume`",
      },
    });
    const resume = (value: string) =>
      stepOf(annotated(halted, { "catalyst.openova.io/rollout-resumed": value }), back).phase;
    expect(resume(`${by("amal")}#1`)).toBe("Halted");
    expect(resume(`${by("amal")}#2`)).toBe("Progressing");
  });

  it("counts no halt of an earlier image", () => {
    const halt = { number: 1, reason: "ShapeDiffers", message: "", at: NOW, returns: true };
    const brel = ready({ backwardCompatible: true }, { rollout: { image: IMAGE, stages: [], halt } });
    expect(stepOf(brel, [zero(NEXT_IMAGE), first]).phase).toBe("Progressing");
  });
});

describe("maxUnavailableOf", () => {
  it.each([
    [1, 10, 1],
    ["25%", 10, 2],
    ["1%", 10, 1],
    [0, 10, 1],
  ])("takes maxUnavailable %s of %d Sovereigns as %d", (value, fleet, count) =>
    expect(maxUnavailableOf(value, fleet)).toBe(count),
  );
});

describe("referenceOf", () => {
  it("finds the reference of the image that runs", () => {
    const earlier = measured(IMAGE).reference;
    if (earlier === undefined) throw new Error("no reference");
    const brel = release({}, { ...measured(NEXT_IMAGE), earlierReferences: [earlier] });
    expect(referenceOf(brel, IMAGE)).toEqual(earlier);
    expect(referenceOf(brel, NEXT_IMAGE)?.image).toBe(NEXT_IMAGE);
    expect(referenceOf(undefined, IMAGE)).toBeUndefined();
  });
});
