import { describe, expect, it } from "vitest";
import type { BillingRelease } from "../../../../src/api/billing-release.ts";
import { findCondition } from "../../../../src/api/condition.ts";
import type { Sovereign } from "../../../../src/api/sovereign.ts";
import { planOf } from "../../../../src/controllers/billing-release/desired-member.ts";
import { tallyOf } from "../../../../src/controllers/billing-release/desired-tally.ts";
import { desiredStatus } from "../../../../src/controllers/billing-release/status.ts";
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
  updatingTo,
  verifiedOn,
} from "../../../support/builder/catalyst-object.ts";

const zero = (image: string) => sovereign("zero", { role: "CatalystZero" }, verifiedOn(image));
const nowMs = Date.parse(NOW);
const DIGEST = NEXT_IMAGE.split("@")[1];

function statusOf(brel: BillingRelease, fleet: Sovereign[], now = NOW) {
  const tally = tallyOf(planOf(brel), fleet, Date.parse(now));
  const [zeroName] = tally.zeros;
  return desiredStatus(
    brel,
    tally,
    fleet.find(({ metadata }) => metadata.name === zeroName),
    now,
  );
}

describe("the status of a BillingRelease", () => {
  it("takes its reference only from Catalyst-Zero, and keeps it", () => {
    const status = statusOf(release(), [zero(NEXT_IMAGE), sovereign("alpha", {}, servingOn(IMAGE))]);
    expect(status).toMatchObject({
      phase: "Canary",
      sovereigns: 2,
      updated: 1,
      verified: 1,
      reference: { measuredOn: "zero", image: NEXT_IMAGE },
    });
    const later = statusOf({ ...release(), status }, [zero(NEXT_IMAGE)], "2027-01-01T00:00:00Z");
    expect(later.reference).toEqual(status.reference);
    expect(later.phase).toBe("Complete");
  });

  it("counts a Sovereign as updated only when its migration has ended", () => {
    const brel = release({}, measured(NEXT_IMAGE));
    const updating = (migrated: "True" | "False") => {
      const conditions = [condition("RolledOut", "True"), condition("Migrated", migrated)];
      return sovereign("alpha", {}, { ...updatingTo(NEXT_IMAGE, IMAGE), conditions });
    };
    expect(statusOf(brel, [zero(NEXT_IMAGE), updating("False")]).updated).toBe(1);
    expect(statusOf(brel, [zero(NEXT_IMAGE), updating("True")]).updated).toBe(2);
  });

  it.each([
    ["Pending", [], undefined],
    ["Canary", [zero(IMAGE)], "Reconciling"],
    ["Progressing", [zero(NEXT_IMAGE), sovereign("alpha", {}, servingOn(IMAGE))], "Reconciling"],
    ["Halted", [zero(NEXT_IMAGE), sovereign("alpha", {}, failedOn(NEXT_IMAGE, IMAGE))], "Stalled"],
    ["Complete", [zero(NEXT_IMAGE)], undefined],
  ])("reports the phase %s in the conditions of kstatus", (phase, fleet, progress) => {
    const previous = {
      ...measured(NEXT_IMAGE),
      conditions: [condition("Stalled", "True"), condition("Reconciling", "True")],
    };
    const status = statusOf(release({}, previous), fleet);
    expect(status.phase).toBe(phase);
    const types = status.conditions?.map(({ type }) => type);
    expect(types).toEqual(["Ready", ...(progress === undefined ? [] : [progress])]);
  });

  const NO_ZERO =
    "it is measured on Catalyst-Zero, and none is on it: set spec.billing.release of the Sovereign with role CatalystZero to stable";
  it.each<[string, Sovereign[], string]>([
    ["no Catalyst-Zero is on it", [sovereign("alpha", {}, servingOn(IMAGE))], NO_ZERO],
    [
      "its Catalyst-Zero is suspended",
      [sovereign("zero", { role: "CatalystZero", suspend: true }, verifiedOn(IMAGE))],
      "it is measured on Catalyst-Zero, and Sovereign zero is suspended: set its spec.suspend to false",
    ],
    [
      "its Catalyst-Zero is held",
      [
        sovereign(
          "zero",
          {
            role: "CatalystZero",
            billing: {
              ...sovereign("zero").spec.billing,
              hold: { reason: "audit", until: "2027-01-01T00:00:00Z" },
            },
          },
          verifiedOn(IMAGE),
        ),
      ],
      "it is measured on Catalyst-Zero, and the rollout leaves Sovereign zero out \\(Held\\): audit",
    ],
  ])("says that it cannot be measured while %s", (_when, fleet, message) => {
    const brel = release({}, measured(IMAGE));
    const status = statusOf(brel, fleet);
    const ready = findCondition(status.conditions, "Ready");
    expect([ready?.reason, status.conditions?.map(({ type }) => type)]).toEqual([
      "NotMeasurable",
      ["Ready", "Stalled"],
    ]);
    expect(ready?.message).toMatch(new RegExp(`: ${message}$`));
    const eventsAfter = (before: BillingRelease) =>
      transitionsOf(before, status).filter(({ reason }) => reason === "NotMeasurable");
    expect(eventsAfter(brel)).toEqual([
      { type: "Warning", reason: "NotMeasurable", message: ready?.message },
    ]);
    expect(eventsAfter({ ...brel, status })).toEqual([]);
  });

  it("needs no Catalyst-Zero once it is measured", () => {
    const { conditions } = statusOf(release({}, measured(NEXT_IMAGE)), [
      sovereign("alpha", {}, servingOn(IMAGE)),
    ]);
    expect(findCondition(conditions, "Ready")?.reason).toBe("Progressing");
  });

  it("is Baking while the last wave bakes", () => {
    const fleet = [zero(NEXT_IMAGE), sovereign("alpha", {}, servingOn(IMAGE))];
    const brel = release({ bake: "5m" }, measured(NEXT_IMAGE));
    const at = (ms: number) => statusOf(brel, fleet, new Date(nowMs + ms).toISOString()).phase;
    expect([at(0), at(299_999), at(300_000)]).toEqual(["Baking", "Baking", "Progressing"]);
  });

  it("takes no reference from a Sovereign whose smoke test failed", () => {
    const failed = zero(NEXT_IMAGE);
    const status = { ...failed.status, lastSmokeTest: { time: NOW, passed: false, steps: [] } };
    expect(statusOf(release(), [{ ...failed, status }]).reference).toBeUndefined();
  });

  it("is Complete while two Sovereigns are suspended, and says that they are left out", () => {
    const suspended = ["alpha", "beta"].map((name) => sovereign(name, { suspend: true }, servingOn(IMAGE)));
    const status = statusOf(release({}, measured(NEXT_IMAGE)), [zero(NEXT_IMAGE), ...suspended]);
    expect(status).toMatchObject({ phase: "Complete", sovereigns: 3, verified: 1, leftOut: 2 });
    expect(findCondition(status.conditions, "Ready")?.message).toBe(
      "1 of 3 Sovereigns are verified on version 2.0.0, 2 left out",
    );
    expect(status.rollout?.leftOut?.map(({ name, reason }) => [name, reason])).toEqual([
      ["alpha", "Suspended"],
      ["beta", "Suspended"],
    ]);
  });

  it("counts the Sovereigns of each stage, and names those that hold the rollout up with their reasons", () => {
    const ready = {
      ...condition("Ready", "False"),
      reason: "Migrating",
      message: "Job x has not finished yet",
    };
    const updating = updatingTo(NEXT_IMAGE, IMAGE);
    const fleet = [
      zero(NEXT_IMAGE),
      sovereign("alpha", {}, { ...updating, conditions: [...(updating.conditions ?? []), ready] }),
      sovereign("beta", {}, servingOn(IMAGE)),
    ];
    expect(statusOf(release({}, measured(NEXT_IMAGE)), fleet).rollout).toEqual({
      image: NEXT_IMAGE,
      sinceGeneration: 1,
      stage: "others",
      stages: [
        { name: "canary", sovereigns: 1, verified: 1, updating: 0, failed: 0, waiting: 0, leftOut: 0 },
        { name: "others", sovereigns: 2, verified: 0, updating: 1, failed: 0, waiting: 1, leftOut: 0 },
      ],
      heldUpBy: [
        { name: "alpha", state: "Updating", reason: "Migrating", message: "Job x has not finished yet" },
      ],
    });
  });

  it("stays small with 10,000 Sovereigns, and counts them exactly", () => {
    const many = Array.from({ length: 10_000 }, (_, index) =>
      sovereign(
        `s${index}`,
        {},
        index % 2 === 0 ? failedOn(NEXT_IMAGE, IMAGE) : updatingTo(NEXT_IMAGE, IMAGE),
      ),
    );
    const status = statusOf(release({}, measured(NEXT_IMAGE)), [zero(NEXT_IMAGE), ...many]);
    expect(status).toMatchObject({ sovereigns: 10_001, failed: 5_000 });
    expect(status.rollout?.stages[1]).toMatchObject({ failed: 5_000, updating: 5_000 });
    expect(status.rollout?.heldUpBy).toHaveLength(10);
    expect(JSON.stringify(status).length).toBeLessThan(8_000);
  });

  it("records who approved a stage and when, and keeps the time", () => {
    const stages = [{ name: "gulf", sovereigns: ["alpha"], approval: true }];
    const brel = release({ stages }, measured(NEXT_IMAGE));
    const annotations = { "approve.catalyst.openova.io/gulf": `amal@openova.io@${DIGEST}#1` };
    const approved = { ...brel, metadata: { ...brel.metadata, annotations } };
    const status = statusOf(approved, [zero(NEXT_IMAGE)]);
    const record = [{ kind: "Approve", subject: "gulf", by: "amal@openova.io", at: NOW }];
    expect(status.rollout?.interventions).toEqual(record);
    const later = statusOf({ ...approved, status }, [zero(NEXT_IMAGE)], "2027-01-01T00:00:00Z");
    expect(later.rollout?.interventions).toEqual(record);
  });

  it("numbers its halts, and keeps the time of one that lasts", () => {
    const fleet = [zero(NEXT_IMAGE), sovereign("alpha", {}, failedOn(NEXT_IMAGE, IMAGE))];
    const first = statusOf(release({}, measured(NEXT_IMAGE)), fleet);
    expect(first.rollout?.halt).toMatchObject({ number: 1, at: NOW, returns: false });
    const again = statusOf(release({}, first), fleet, "2027-01-01T00:00:00Z");
    expect(again.rollout?.halt).toEqual(first.rollout?.halt);
    const resumed = release({}, first);
    resumed.metadata.annotations = { "catalyst.openova.io/rollout-resumed": `amal@${DIGEST}#1` };
    expect(statusOf(resumed, fleet, "2027-01-01T00:00:00Z").rollout?.halt).toMatchObject({
      number: 2,
      at: "2027-01-01T00:00:00Z",
    });
  });
});

describe("transitionsOf", () => {
  const fleet = (image: string) => [zero(NEXT_IMAGE), sovereign("alpha", {}, servingOn(image))];

  it("reports the start, each stage, a halt and the end, and repeats none of them", () => {
    let brel = release();
    const seen: string[] = [];
    const look = (sovereigns: Sovereign[]) => {
      const status = statusOf(brel, sovereigns);
      seen.push(...transitionsOf(brel, status).map(({ type, reason }) => `${type} ${reason}`));
      brel = { ...brel, status };
    };
    look([zero(IMAGE), sovereign("alpha", {}, servingOn(IMAGE))]);
    look(fleet(IMAGE));
    look(fleet(IMAGE));
    look([zero(NEXT_IMAGE), sovereign("alpha", {}, failedOn(NEXT_IMAGE, IMAGE))]);
    look([zero(NEXT_IMAGE), sovereign("alpha", {}, failedOn(NEXT_IMAGE, IMAGE))]);
    look(fleet(NEXT_IMAGE));
    expect(seen).toEqual([
      "Normal RolloutStarted",
      "Normal StageStarted",
      "Warning RolloutHalted",
      "Normal RolloutComplete",
    ]);
  });

  it("reports what a person did, once", () => {
    const brel = release({}, measured(NEXT_IMAGE));
    brel.metadata.annotations = { "skip.catalyst.openova.io/alpha": `amal@${DIGEST}#1` };
    const status = statusOf(brel, fleet(IMAGE));
    expect(transitionsOf(brel, status)[0]).toEqual({
      type: "Normal",
      reason: "SovereignSkipped",
      message: "alpha, by amal",
    });
    expect(transitionsOf({ ...brel, status }, status)).toEqual([]);
  });
});
