import { describe, expect, it } from "vitest";
import type { BillingRelease } from "../../../../src/api/billing-release.ts";
import type { Sovereign, SovereignStatus } from "../../../../src/api/sovereign.ts";
import { transitionsOf } from "../../../../src/controllers/billing-release/status-transition.ts";
import {
  condition,
  failedOn,
  IMAGE,
  measured,
  NEXT_IMAGE,
  NOW,
  release,
  servingOn,
  sovereign,
} from "../../../support/builder/catalyst-object.ts";
import {
  annotated,
  by,
  decide,
  nowMs,
  observed,
  reasonOf,
  stepOf,
  waiting,
  zero,
} from "../../../support/builder/rollout-decision.ts";

const PAUSED = "catalyst.openova.io/rollout-paused";
const ABORTED = "catalyst.openova.io/rollout-aborted";
/** Serves with the image, and may go back. */
const updated = (name: string) => sovereign(name, {}, { ...servingOn(NEXT_IMAGE), previousImage: IMAGE });
const updatedZero = sovereign("zero", { role: "CatalystZero" }, updated("zero").status);
/** Its previous image is pinned again, and is not verified. */
const wentBack = (name: string, status: Partial<SovereignStatus> = {}) =>
  sovereign(
    name,
    {},
    {
      ...servingOn(NEXT_IMAGE),
      pinnedImage: IMAGE,
      previousImage: IMAGE,
      conditions: [
        condition("VoucherShapeVerified", "False"),
        condition("Stalled", "True"),
        { ...condition("Ready", "False"), reason: "MigrationFailed" },
      ],
      ...status,
    },
  );

/** A release that halted because Sovereign a0 failed on the image. */
function halted(fleet: Sovereign[], spec: Partial<BillingRelease["spec"]["rollout"]> = {}): BillingRelease {
  const brel = release({ backwardCompatible: true, ...spec }, measured(NEXT_IMAGE));
  return observed(observed(brel, fleet), fleet);
}

describe("the way back of a rollout", () => {
  const failed = sovereign("a0", {}, failedOn(NEXT_IMAGE, IMAGE));
  const fleet = (a0: Sovereign) => [updatedZero, a0, ...["a1", "a2"].map(updated)];

  it("stops before the next Sovereign when one fails on its previous image, and reports it once", () => {
    const before = observed(halted(fleet(failed)), fleet(wentBack("a0", { conditions: [] })));
    const present = fleet(wentBack("a0"));
    const after = observed(before, present);
    expect(stepOf(after, present)).toMatchObject({ phase: "Halted", next: [] });
    expect(present.map((own) => reasonOf(decide(own, after, present)))).toEqual([
      "update",
      "ReturnFailed",
      "update",
      "update",
    ]);
    const message =
      "Sovereign a0 went back and failed on its previous image too (MigrationFailed), so no other that serves goes back: repair it, or run `catalyst rollout skip stable a0`";
    expect(after.status?.conditions).toMatchObject([
      { type: "Ready", status: "False", reason: "ReturnFailed", message: expect.stringContaining(message) },
      { type: "Stalled", status: "True" },
    ]);
    expect(after.status?.rollout?.heldUpBy).toMatchObject([
      { name: "a0", state: "Failed", reason: "MigrationFailed" },
    ]);
    expect(transitionsOf(before, after.status ?? {})).toMatchObject([
      { type: "Warning", reason: "ReturnFailed" },
    ]);
    expect(transitionsOf(after, observed(after, present).status ?? {})).toEqual([]);
    const skipped = annotated(after, { "skip.catalyst.openova.io/a0": by("amal") });
    expect(stepOf(skipped, present).next).toEqual(["zero"]);
  });

  it("stops also with more places, and sends back those that fail on the image", () => {
    const brel = halted(fleet(failed), { maxUnavailable: 3 });
    const also = sovereign("a9", {}, failedOn(NEXT_IMAGE, IMAGE));
    expect(stepOf(brel, [...fleet(wentBack("a0")), also]).next).toEqual(["a9"]);
  });

  it("continues past a Sovereign that was failing before it took the image", () => {
    const brel = halted(fleet(failed));
    const broken = wentBack("a0", {
      takenWhileFailing: NEXT_IMAGE,
      verified: { image: IMAGE, since: NOW },
    });
    expect(stepOf(brel, fleet(broken)).next).toEqual(["zero"]);
    const never = sovereign("a0", {}, { ...servingOn(IMAGE), conditions: [condition("Stalled", "True")] });
    expect(stepOf(brel, fleet(never)).next).toEqual(["zero"]);
  });

  it("does not count a failure on the previous image as one on the image", () => {
    const aborted = annotated(release({ backwardCompatible: true }, measured(NEXT_IMAGE)), {
      [ABORTED]: by("amal"),
    });
    expect(observed(aborted, fleet(wentBack("a0"))).status?.rollout).not.toHaveProperty("halt");
  });

  it("stops for a pause, and goes on after an abort", () => {
    const brel = halted(fleet(failed), { maxUnavailable: 2 });
    expect(stepOf(brel, fleet(failed)).next).toEqual(["a0", "zero"]);
    const paused = annotated(brel, { [PAUSED]: by("amal") });
    expect(stepOf(paused, fleet(failed))).toMatchObject({
      phase: "Halted",
      next: [],
      wait: {
        reason: "RolloutPaused",
        message:
          "amal paused the rollout, so no further Sovereign goes back: run `catalyst rollout abort stable` to let them go back, or `catalyst rollout resume stable` to roll the image out again",
      },
    });
    expect(fleet(failed).map((own) => reasonOf(decide(own, paused, fleet(failed))))).toEqual(
      Array(4).fill("update"),
    );
    const aborted = annotated(brel, { [ABORTED]: by("amal") });
    expect(stepOf(aborted, fleet(failed)).next).toEqual(["a0", "zero"]);
  });

  it("lasts until a person resumes, also when backwardCompatible becomes false", () => {
    const a0 = sovereign("a0", {}, { ...servingOn(IMAGE), previousImage: IMAGE });
    const back = sovereign("zero", { role: "CatalystZero" }, a0.status);
    const present = [back, a0, waiting("a1"), updated("a2")];
    const brel = halted(fleet(failed));
    const spec = { ...brel.spec, rollout: { ...brel.spec.rollout, backwardCompatible: false } };
    const off = observed(observed({ ...brel, spec }, present), present);
    expect(off.status).toMatchObject({ phase: "Halted", rollout: { halt: { number: 1, returns: true } } });
    expect(stepOf(off, present)).toMatchObject({
      next: [],
      wait: {
        message: expect.stringMatching(
          /became false: correct the cause, then run `catalyst rollout resume`$/,
        ),
      },
    });
    expect(present.map((own) => reasonOf(decide(own, off, present)))).toEqual([
      "RolloutHalted",
      "RolloutHalted",
      "RolloutHalted",
      "update",
    ]);
    expect(off.status?.rollout?.halt?.message).toBe(brel.status?.rollout?.halt?.message);
    const resumed = annotated(off, { "catalyst.openova.io/rollout-resumed": by("amal") });
    expect(reasonOf(decide(back, resumed, present))).toBe("update");
  });
});

describe("a halt without a way back", () => {
  const a5 = sovereign("a5", {}, failedOn(NEXT_IMAGE, IMAGE));
  const fleet = [zero(NEXT_IMAGE), a5, waiting("a1")];
  const before = observed(release({}, measured(NEXT_IMAGE)), fleet);

  it("is reported again when a person resumes, and the Sovereign still fails", () => {
    const resumed = annotated(before, { "catalyst.openova.io/rollout-resumed": by("amal") });
    const after = observed(resumed, fleet);
    expect(after.status).toMatchObject({ phase: "Halted", rollout: { halt: { number: 2 } } });
    expect(transitionsOf(resumed, after.status ?? {})).toMatchObject([
      { reason: "ResumeRequested" },
      { type: "Warning", reason: "RolloutHalted" },
    ]);
    expect(transitionsOf(after, observed(after, fleet).status ?? {})).toEqual([]);
  });

  it("reports another Sovereign that fails meanwhile", () => {
    const other = [zero(NEXT_IMAGE), a5, sovereign("a1", {}, failedOn(NEXT_IMAGE, IMAGE))];
    const after = observed(before, other);
    expect(transitionsOf(before, after.status ?? {})).toEqual([
      {
        type: "Warning",
        reason: "RolloutHalted",
        message: "Sovereign a1 failed (NotChecked): ",
      },
    ]);
    expect(transitionsOf(after, observed(after, other).status ?? {})).toEqual([]);
  });
});

describe("a bake", () => {
  it("ends at the latest one bake from now when the time of the verification is in the future", () => {
    const brel = release({ bake: "15m" }, measured(NEXT_IMAGE));
    const ahead = sovereign("a", {}, servingOn(NEXT_IMAGE, "2027-11-24T12:00:00.000Z"));
    expect(stepOf(brel, [zero(NEXT_IMAGE), ahead], nowMs)).toMatchObject({
      phase: "Baking",
      wait: { retryAfterMs: 15 * 60_000 },
    });
  });
});
