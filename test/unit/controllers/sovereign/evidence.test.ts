import { describe, expect, it } from "vitest";
import { isFresh, shapeDifference, smokeCode } from "../../../../src/controllers/sovereign/evidence.ts";
import {
  condition,
  IMAGE,
  measured,
  NOW,
  sovereign,
  verifiedOn,
} from "../../../support/builder/catalyst-object.ts";

const nowMs = Date.parse(NOW);

describe("evidence", () => {
  it("is gathered with the same voucher for each Pod every time, and with another for each", () => {
    const codes = ["a", "b"].flatMap((uid) => [0, 1].map((index) => smokeCode(uid, index)));
    expect(new Set(codes).size).toBe(4);
    expect(codes[0]).toBe(smokeCode("a", 0));
    expect(codes[0]).toMatch(/^SMOKE-[0-9A-F]{16}$/);
  });

  const proven = sovereign(
    "o",
    {},
    {
      ...verifiedOn(IMAGE),
      lastSmokeTest: { time: NOW, passed: true, evidence: "e", steps: [] },
      conditions: [condition("InSync", "True")],
    },
  );

  it.each([
    [true, "e", true, 0],
    [false, "other", true, 0],
    [false, "e", false, 0],
    [false, "e", true, 5 * 60_000],
  ])("is fresh: %s for evidence %s, in sync %s, %d ms old", (fresh, evidence, isInSync, ageMs) => {
    expect(isFresh(proven, evidence, isInSync, nowMs + ageMs)).toBe(fresh);
  });

  it("says which fingerprint differs from the reference", () => {
    const { reference } = measured(IMAGE);
    if (reference === undefined) throw new Error("no reference");
    expect(shapeDifference(verifiedOn(IMAGE), reference)).toBeUndefined();
    const other = `sha256:${"9".repeat(64)}`;
    const both = shapeDifference(
      { ...verifiedOn(IMAGE), schemaFingerprint: other, apiFingerprint: other },
      reference,
    );
    expect(both).toContain("undo those changes; the API fingerprint is");
    expect(shapeDifference({ ...verifiedOn(IMAGE), schemaFingerprint: other }, reference)).toBe(
      `the schema fingerprint is ${other}, but the reference measured on zero is ${reference.schemaFingerprint}: ` +
        "run `catalyst migrate` on the database to list the objects that differ, and undo those changes",
    );
  });
});
