import { describe, expect, it } from "vitest";
import { findCondition } from "../../../../src/api/condition.ts";
import {
  admissionConditions,
  desiredStatus,
  type Findings,
  falseCondition,
  stalled,
  trueCondition,
  waiting,
} from "../../../../src/controllers/sovereign/status.ts";
import { condition, IMAGE, NEXT_IMAGE, NOW, sovereign } from "../../../support/builder/catalyst-object.ts";

const ALL = ["ImagePinned", "DatabaseReady", "Migrated", "RolledOut", "VoucherShapeVerified", "InSync"];
const findings = (change: Partial<Findings> = {}): Findings => ({
  conditions: [],
  facts: {},
  stop: undefined,
  ...change,
});

describe("admissionConditions", () => {
  const audited = falseCondition("AdmissionEnforced", "AuditOnly", "denies nothing");
  it("says that admission denies nothing, and once more when it denies again", () => {
    expect(admissionConditions(sovereign("o"), "denies nothing")).toEqual([audited]);
    expect(admissionConditions(sovereign("o"), undefined)).toEqual([]);
    const status = desiredStatus(sovereign("o"), findings({ conditions: [audited] }), NOW);
    expect(admissionConditions({ ...sovereign("o"), status }, undefined)).toEqual([
      trueCondition("AdmissionEnforced", "Enforcing", "admission denies what violates a rule"),
    ]);
  });

  it("does not count for Ready", () => {
    const conditions = [...ALL.map((type) => trueCondition(type, "Test", `${type} holds`)), audited];
    const status = desiredStatus(sovereign("o"), findings({ conditions }), NOW);
    expect(findCondition(status.conditions, "Ready")).toMatchObject({
      ...{ status: "True", reason: "Verified" },
      message: "the pinned image runs: VoucherShapeVerified holds",
    });
  });
});

describe("status", () => {
  it("is Ready exactly when nothing stopped the reconcile and every condition is True", () => {
    const all = findings({ conditions: ALL.map((type) => trueCondition(type, "Test", "")) });
    const ready = desiredStatus(sovereign("o"), all, NOW).conditions;
    expect(findCondition(ready, "Ready")).toMatchObject({ status: "True", observedGeneration: 1 });
    for (const missing of ALL) {
      const partly = findings({ conditions: all.conditions.filter(({ type }) => type !== missing) });
      expect(findCondition(desiredStatus(sovereign("o"), partly, NOW).conditions, "Ready")?.status).toBe(
        "False",
      );
    }
  });

  it.each([
    ["waiting", "Reconciling", "False"],
    ["stalled", "Stalled", "False"],
    ["unknown", undefined, "Unknown"],
  ] as const)("while %s says %s and Ready=%s", (kind, progress, ready) => {
    const stop = { kind, reason: "Because", message: "of this", retryAfterMs: 1 };
    const { conditions } = desiredStatus(sovereign("o"), findings({ stop }), NOW);
    expect(findCondition(conditions, "Ready")).toMatchObject({
      status: ready,
      reason: "Because",
      message: "of this",
    });
    const present = ["Reconciling", "Stalled"].filter(
      (type) => findCondition(conditions, type) !== undefined,
    );
    expect(present).toEqual(progress === undefined ? [] : [progress]);
  });

  it("sets the conditions that a reconcile without observations did not find to Unknown, and keeps those that it found", () => {
    const before = desiredStatus(
      sovereign("o"),
      findings({ conditions: ALL.map((type) => trueCondition(type, "Test", "")) }),
      NOW,
    );
    const { conditions } = desiredStatus(
      sovereign("o", {}, before),
      findings({
        conditions: [trueCondition("ImagePinned", "Pinned", "")],
        stop: stalled("WriteForbidden", "no"),
        isUnobserved: true,
      }),
      NOW,
    );
    expect(conditions?.map(({ type, status }) => `${type}=${status}`)).toEqual(
      [
        ...ALL.map((type) => `${type}=${type === "ImagePinned" ? "True" : "Unknown"}`),
        "Ready=False",
        "Stalled=True",
      ].sort(),
    );
    expect(findCondition(conditions, "RolledOut")).toMatchObject({
      reason: "WriteForbidden",
      message: "the operator could not read what this condition describes: condition Ready says why",
    });
  });

  it.each([
    ["True", "Verified", "WriteForbidden"],
    ["False", "ShapeDiffers", "ShapeDiffers"],
    ["Unknown", "PodsRefused", "PodsRefused"],
  ] as const)(
    "says Unknown of a shape that was %s with reason %s, with reason %s",
    (status, reason, expected) => {
      const shape = { ...condition("VoucherShapeVerified", status), reason };
      const unobserved = findings({ stop: waiting("WriteForbidden", "no"), isUnobserved: true });
      const { conditions } = desiredStatus(sovereign("o", {}, { conditions: [shape] }), unobserved, NOW);
      expect(findCondition(conditions, "VoucherShapeVerified")).toMatchObject({
        status: "Unknown",
        reason: expected,
      });
    },
  );

  it("keeps why a baseline is unknown, because no later reconcile counts it", () => {
    const rate = {
      ...condition("ErrorRateNormal", "Unknown"),
      reason: "BaselineUnknown",
      message: "not counted",
    };
    const unobserved = findings({ stop: waiting("WriteForbidden", "no"), isUnobserved: true });
    const { conditions } = desiredStatus(sovereign("o", {}, { conditions: [rate] }), unobserved, NOW);
    expect(findCondition(conditions, "ErrorRateNormal")).toEqual(rate);
  });

  it("reports only the last value of a condition", () => {
    const before = desiredStatus(
      sovereign("o"),
      findings({ conditions: [falseCondition("InSync", "FieldConflict", "")] }),
      "2026-01-01T00:00:00Z",
    );
    const both = findings({
      conditions: [trueCondition("InSync", "InSync", ""), falseCondition("InSync", "FieldConflict", "")],
    });
    expect(desiredStatus(sovereign("o", {}, before), both, NOW)).toEqual(before);
  });

  it("names the first condition that a reconcile has not checked", () => {
    const partly = findings({ conditions: [trueCondition("ImagePinned", "Test", "")] });
    expect(findCondition(desiredStatus(sovereign("o"), partly, NOW).conditions, "Ready")).toMatchObject({
      status: "False",
      reason: "NotChecked",
      message: "DatabaseReady is not checked yet: the operator checks it after the conditions before it",
    });
  });

  it("gives Ready the reason of the first condition that is not True", () => {
    const partly = findings({
      conditions: [
        trueCondition("ImagePinned", "Test", ""),
        falseCondition("DatabaseReady", "KeyMissing", "no key"),
      ],
    });
    expect(findCondition(desiredStatus(sovereign("o"), partly, NOW).conditions, "Ready")).toMatchObject({
      reason: "KeyMissing",
      message: "no key",
    });
  });

  it("keeps facts that this reconcile did not measure, and claims no generation that the object lacks", () => {
    const before = { url: "http://billing", schemaVersion: "0001" };
    const own = sovereign("o", {}, before);
    const { generation: _, ...metadata } = own.metadata;
    const status = desiredStatus({ ...own, metadata }, findings({ facts: { schemaVersion: "0002" } }), NOW);
    expect(status).toMatchObject({ url: "http://billing", schemaVersion: "0002" });
    expect(status).not.toHaveProperty("observedGeneration");
  });

  it("drops a migration that no longer describes the database, and records the next one", () => {
    const before = sovereign("omantel", {}, { migration: { image: IMAGE, database: "sha256:d" } });
    expect(desiredStatus(before, findings(), NOW).migration).toEqual(before.status?.migration);
    expect(desiredStatus(before, findings({ isMigrationVoid: true }), NOW)).not.toHaveProperty("migration");
    const next = { image: NEXT_IMAGE, database: "sha256:d" };
    expect(desiredStatus(before, findings({ facts: { migration: next } }), NOW).migration).toEqual(next);
  });

  it("drops the record that a Sovereign failed before it took an image, when it has another one", () => {
    const own = sovereign("o", {}, { pinnedImage: NEXT_IMAGE, takenWhileFailing: NEXT_IMAGE });
    const taken = (facts: Findings["facts"]) =>
      desiredStatus(own, findings({ facts }), NOW).takenWhileFailing;
    expect([taken({}), taken({ pinnedImage: NEXT_IMAGE })]).toEqual([NEXT_IMAGE, NEXT_IMAGE]);
    expect(taken({ pinnedImage: IMAGE })).toBeUndefined();
    expect(taken({ pinnedImage: IMAGE, takenWhileFailing: IMAGE })).toBe(IMAGE);
  });

  it("keeps the time of a condition that continues, including Reconciling", () => {
    const stop = { kind: "waiting" as const, reason: "RollingOut", message: "", retryAfterMs: 1 };
    const before = desiredStatus(
      sovereign("o"),
      findings({ stop, conditions: [falseCondition("RolledOut", "x", "1 of 2")] }),
      "2026-01-01T00:00:00Z",
    );
    const { conditions } = desiredStatus(
      sovereign("o", {}, before),
      findings({ stop, conditions: [falseCondition("RolledOut", "x", "2 of 2")] }),
      NOW,
    );
    expect(conditions?.map(({ lastTransitionTime }) => lastTransitionTime)).toEqual(
      conditions?.map(() => "2026-01-01T00:00:00Z"),
    );
    expect(findCondition(conditions, "RolledOut")?.message).toBe("2 of 2");
  });
});
