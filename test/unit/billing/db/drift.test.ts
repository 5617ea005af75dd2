import { describe, expect, it } from "vitest";
import { describeDrift, type Shape } from "../../../../src/billing/db/drift.ts";
import type { SchemaObject } from "../../../../src/billing/db/fingerprint.ts";

const constraint = (description: Record<string, unknown>): SchemaObject => ({
  kind: "constraint",
  name: "orders.amount",
  description,
});
const shape = (description: Record<string, unknown>): Shape => ({
  version: "1",
  fingerprint: "sha256:a",
  objects: [constraint(description)],
});

describe("describeDrift", () => {
  it("says nothing of what is as it should be", () => {
    expect(describeDrift(shape({ check: "a > 0" }), [constraint({ check: "a > 0" })])).toEqual([]);
  });

  it("names each member that differs, one that is not there as null", () => {
    expect(
      describeDrift(shape({ check: "a > 0", valid: true }), [constraint({ check: "a > 1", extra: 5 })]),
    ).toEqual([
      "constraint orders.amount differs: check is a > 1, should be a > 0, valid is null, should be true, extra is 5, should be null",
    ]);
  });

  it("cuts long values short: a probe shows them", () => {
    const [said = ""] = describeDrift(shape({ check: "a > 0" }), [constraint({ check: "x".repeat(10_000) })]);
    expect(said).toBe(`constraint orders.amount differs: check is ${"x".repeat(120)}…, should be a > 0`);
  });
});
