import { describe, expect, it } from "vitest";
import type { BillingRelease } from "../../../../src/api/billing-release.ts";
import { findCondition } from "../../../../src/api/condition.ts";
import type { Sovereign, SovereignStatus } from "../../../../src/api/sovereign.ts";
import { isRolloutComplete } from "../../../../src/controllers/billing-release/desired-completion.ts";
import { transitionsOf } from "../../../../src/controllers/billing-release/status-transition.ts";
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
import {
  annotated,
  by,
  decide,
  done,
  nowMs,
  observed,
  reasonOf,
  stepOf,
  waiting,
  zero,
} from "../../../support/builder/rollout-decision.ts";

const LATER = "2026-12-24T12:00:00.000Z";
const stalled = condition("Stalled", "True");
const unverified = condition("VoucherShapeVerified", "False");

/** A Sovereign that was verified on the image, and failed afterwards. */
const failedLater = (name: string, ...conditions: NonNullable<SovereignStatus["conditions"]>): Sovereign =>
  sovereign(name, {}, { ...servingOn(NEXT_IMAGE), conditions });
/** A release whose rollout over `zero`, `alpha` and `beta` was complete a month ago. */
const complete = (spec: Parameters<typeof release>[0] = { backwardCompatible: true }) =>
  observed(release(spec, measured(NEXT_IMAGE)), [zero(NEXT_IMAGE), done("alpha"), done("beta")]);

describe("the completion of a rollout", () => {
  it("is recorded once, with its time", () => {
    const before = release({}, measured(NEXT_IMAGE));
    expect(observed(before, [zero(NEXT_IMAGE), waiting("alpha")]).status?.rollout).not.toHaveProperty(
      "completedAt",
    );
    expect(complete().status?.rollout).toMatchObject({ image: NEXT_IMAGE, completedAt: NOW });
    const later = observed(complete(), [zero(NEXT_IMAGE), done("alpha")], LATER);
    expect(later.status?.rollout?.completedAt).toBe(NOW);
  });

  it("comes after the bake of the last wave, so that a failure during it still halts", () => {
    const brel = release({ bake: "5m" }, measured(NEXT_IMAGE));
    const fleet = [zero(NEXT_IMAGE), done("alpha")];
    expect(stepOf(brel, fleet)).toMatchObject({ phase: "Baking", wait: { retryAfterMs: 300_000 } });
    expect(stepOf(brel, fleet, nowMs + 299_999).phase).toBe("Baking");
    expect(stepOf(brel, fleet, nowMs + 300_000).phase).toBe("Complete");
    expect(stepOf(brel, [zero(NEXT_IMAGE), sovereign("alpha", {}, regressedOn(NEXT_IMAGE))]).phase).toBe(
      "Halted",
    );
  });

  it.each<[string, Sovereign]>([
    ["stalled on its earlier image", sovereign("alpha", {}, { ...servingOn(IMAGE), conditions: [stalled] })],
    [
      "stalled in its first installation",
      sovereign("alpha", {}, { pinnedImage: NEXT_IMAGE, conditions: [stalled] }),
    ],
    [
      "stalled before it has an image",
      sovereign("alpha", {}, { conditions: [{ ...stalled, reason: "Overdue" }] }),
    ],
  ])("does not wait for a Sovereign that is %s, and names it", (_, needing) => {
    const brel = observed(release({}, measured(NEXT_IMAGE)), [zero(NEXT_IMAGE), needing]);
    expect(brel.status).toMatchObject({ phase: "Degraded", rollout: { completedAt: NOW } });
    expect(findCondition(brel.status?.conditions, "Ready")?.message).toContain(
      "Sovereign alpha needs a person",
    );
  });

  it("is read from a status that has no other result yet", () => {
    const half = release(
      { backwardCompatible: true },
      { ...measured(NEXT_IMAGE), rollout: { image: NEXT_IMAGE, stages: [], completedAt: NOW } },
    );
    const after = observed(half, [zero(NEXT_IMAGE), failedLater("alpha", stalled), done("beta")], LATER);
    expect(after.status).toMatchObject({ phase: "Degraded", rollout: { completedAt: NOW } });
    expect(after.status?.rollout).not.toHaveProperty("halt");
  });

  it("counts for its own digest only", () => {
    const next = complete();
    const other = { ...next, spec: { ...next.spec, image: IMAGE } };
    expect([isRolloutComplete(next), isRolloutComplete(other)]).toEqual([true, false]);
    const status = observed(other, [zero(NEXT_IMAGE), done("alpha")], LATER).status;
    expect(status?.rollout).toMatchObject({ image: IMAGE });
    expect(status?.rollout).not.toHaveProperty("completedAt");
  });

  it("is withdrawn when a person aborts and the Sovereigns go back", () => {
    const aborted = annotated(complete(), { "catalyst.openova.io/rollout-aborted": by("amal") });
    const fleet = [zero(NEXT_IMAGE), done("alpha")];
    expect(decide(done("alpha"), aborted, fleet)).toEqual({ kind: "return" });
    expect(observed(aborted, fleet).status?.rollout).not.toHaveProperty("completedAt");
    const forward = annotated(complete({}), { "catalyst.openova.io/rollout-aborted": by("amal") });
    expect(observed(forward, fleet).status?.rollout?.completedAt).toBe(NOW);
  });
});

describe("a Sovereign that fails after the completion", () => {
  const away = [
    { ...condition("ClusterReachable", "False"), reason: "ClusterUnreachable" },
    condition("VoucherShapeVerified", "Unknown"),
  ];
  const broken: [string, Sovereign][] = [
    ["is Stalled", failedLater("alpha", unverified, stalled)],
    ["has another shape", failedLater("alpha", { ...unverified, reason: "ShapeDiffers" })],
    ["has more failing requests", sovereign("alpha", {}, regressedOn(NEXT_IMAGE))],
    [
      "fails its smoke tests",
      sovereign(
        "alpha",
        {},
        {
          ...servingOn(NEXT_IMAGE),
          lastSmokeTest: { time: LATER, passed: false, failures: 3, steps: [] },
          conditions: [unverified],
        },
      ),
    ],
    [
      "is Stalled on a cluster that is unreachable",
      sovereign(
        "alpha",
        {},
        { ...servingOn(NEXT_IMAGE), cluster: { uid: "u", stalledOn: NEXT_IMAGE }, conditions: away },
      ),
    ],
  ];

  it.each(broken)("and %s neither halts the release nor returns the others", (_, alpha) => {
    const brel = complete();
    const fleet = [zero(NEXT_IMAGE), alpha, done("beta"), waiting("gamma")];
    const after = observed(brel, fleet, LATER);
    expect(after.status).toMatchObject({ phase: "Degraded", rollout: { completedAt: NOW } });
    expect(after.status?.rollout).not.toHaveProperty("halt");
    for (const known of [brel, after]) {
      expect(fleet.map((own) => reasonOf(decide(own, known, fleet)))).toEqual(Array(4).fill("update"));
    }
  });

  it("delays no other Sovereign when it is Catalyst-Zero", () => {
    const alone = { ...failedLater("zero", unverified, stalled) };
    const catalystZero = { ...alone, spec: { ...alone.spec, role: "CatalystZero" as const } };
    expect(stepOf(complete(), [catalystZero, waiting("gamma")])).toMatchObject({
      phase: "Degraded",
      next: ["gamma"],
    });
  });

  it("is named in Ready, in heldUpBy and in an Event, and its repair in another", () => {
    const ready = { ...condition("Ready", "False"), reason: "DatabaseUnreachable", message: "no answer" };
    const fleet = [zero(NEXT_IMAGE), failedLater("alpha", unverified, stalled, ready), done("beta")];
    const before = complete();
    const after = observed(before, fleet, LATER);
    expect(after.status?.conditions).toMatchObject([
      {
        type: "Ready",
        status: "False",
        reason: "Degraded",
        message:
          "2 of 3 Sovereigns are verified on version 2.0.0: Sovereign alpha needs a person (DatabaseUnreachable): its condition Ready says what to do; the rollout is complete, so the others keep the image",
      },
      { type: "Stalled", reason: "Degraded" },
    ]);
    expect(after.status?.rollout?.heldUpBy).toEqual([
      { name: "alpha", state: "Failed", reason: "DatabaseUnreachable", message: "no answer" },
    ]);
    const eventsOf = (from: BillingRelease, { status }: BillingRelease) =>
      transitionsOf(from, status ?? {}).map(({ type, reason }) => `${type} ${reason}`);
    expect(eventsOf(before, after)).toEqual(["Warning RolloutDegraded"]);
    expect(eventsOf(after, after)).toEqual([]);
    const both = observed(after, [
      zero(NEXT_IMAGE),
      ...["alpha", "beta"].map((name) => failedLater(name, stalled)),
    ]);
    expect(transitionsOf(after, both.status ?? {})).toEqual([
      { type: "Warning", reason: "RolloutDegraded", message: "Sovereign beta failed (NotChecked): " },
    ]);
    const repaired = observed(both, [zero(NEXT_IMAGE), done("alpha"), done("beta")]);
    expect(repaired.status?.phase).toBe("Complete");
    expect(eventsOf(both, repaired)).toEqual(["Normal RolloutRecovered"]);
  });
});

describe("a Sovereign that joins after the completion", () => {
  it.each<[string, Sovereign]>([
    ["serves with another image", waiting("gamma")],
    ["ran nothing yet", sovereign("gamma")],
    ["is between two other images", sovereign("gamma", {}, updatingTo(`${IMAGE}0`, IMAGE))],
  ])("takes the image when it %s, and does not open the rollout again", (_, gamma) => {
    const fleet = [zero(NEXT_IMAGE), done("alpha"), done("beta"), gamma];
    expect(reasonOf(decide(gamma, complete(), fleet))).toBe("update");
    const { status } = observed(complete(), fleet, LATER);
    expect(status).toMatchObject({ phase: "Complete", rollout: { completedAt: NOW } });
    expect(findCondition(status?.conditions, "Ready")).toMatchObject({
      status: "True",
      message:
        "3 of 4 Sovereigns are verified on version 2.0.0: the rollout is complete, and 1 more take the image by themselves",
    });
    expect(status?.rollout?.heldUpBy?.map(({ name }) => name)).toEqual(["gamma"]);
    expect(transitionsOf(complete(), status ?? {})).toEqual([]);
  });

  it("waits for a place: one that fails on the image keeps its place, and one that fails later does not", () => {
    const fleet = [zero(NEXT_IMAGE), waiting("gamma"), waiting("rho")];
    expect(stepOf(complete(), fleet).next).toEqual(["gamma"]);
    const onTaking = sovereign("alpha", {}, failedOn(NEXT_IMAGE, IMAGE));
    expect(stepOf(complete(), [...fleet, onTaking])).toMatchObject({ phase: "Degraded", next: [] });
    expect(stepOf(complete(), [...fleet, failedLater("alpha", unverified, stalled)]).next).toEqual(["gamma"]);
  });

  it("waits for the approval of its stage", () => {
    const stages = [{ name: "gulf", sovereigns: ["gamma"], approval: true }];
    const brel = complete({ stages });
    const fleet = [zero(NEXT_IMAGE), waiting("gamma"), waiting("rho")];
    expect(stepOf(brel, fleet)).toMatchObject({
      phase: "WaitingForApproval",
      stage: 1,
      next: ["rho"],
      wait: { reason: "WaitingForApproval" },
    });
    const approved = annotated(brel, { "approve.catalyst.openova.io/gulf": by("amal") });
    expect(stepOf(approved, fleet)).toMatchObject({ phase: "Complete", next: ["gamma", "rho"] });
  });

  it("does not start while a person pauses, or while the registry does not have the image", () => {
    const fleet = [zero(NEXT_IMAGE), waiting("gamma")];
    const paused = annotated(complete(), { "catalyst.openova.io/rollout-paused": by("amal") });
    expect(reasonOf(decide(waiting("gamma"), paused, fleet))).toBe("RolloutPaused");
    const { status } = complete();
    const missing = release({}, { ...status, imageCheck: { image: NEXT_IMAGE, result: "NotFound" } });
    expect(reasonOf(decide(waiting("gamma"), missing, fleet))).toBe("ImageNotFound");
  });
});
