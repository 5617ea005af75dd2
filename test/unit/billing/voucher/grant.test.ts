import { describe, expect, it } from "vitest";
import {
  enforceCreditGrant,
  enforceTotalGrants,
  limitsTotals,
  parseVoucherGrants,
} from "../../../../src/billing/voucher/grant.ts";

describe("parseVoucherGrants", () => {
  it.each<[unknown, object]>([
    [undefined, {}],
    [null, {}],
    [{ maxActive: null, maxOutstandingCreditOmr: 0 }, { maxOutstandingCreditOmr: 0 }],
  ])("takes %j", (json, grants) => expect(parseVoucherGrants(json)).toEqual(grants));

  it.each<[unknown, string]>([
    [5, "grants must be a JSON object"],
    ["x", "grants must be a JSON object"],
    [[], "grants must be a JSON object"],
    [{ maxActive: "5" }, "maxActive must be a number of 0 or more"],
    [{ maxActive: -1 }, "maxActive must be a number of 0 or more"],
    [{ maxOutstandingCreditOmr: Number.NaN }, "maxOutstandingCreditOmr must be a number of 0 or more"],
    [
      { maxCreditPerVoucherOmr: Number.POSITIVE_INFINITY },
      "maxCreditPerVoucherOmr must be a number of 0 or more",
    ],
  ])("refuses %j", (json, message) => expect(() => parseVoucherGrants(json)).toThrow(message));
});

describe("limitsTotals", () => {
  it.each([
    [{}, false],
    [{ maxCreditPerVoucherOmr: 1 }, false],
    [{ maxActive: 0 }, true],
    [{ maxOutstandingCreditOmr: 0 }, true],
  ])("returns for the grants %j: %s", (grants, limits) => expect(limitsTotals(grants)).toBe(limits));
});

describe("a grant", () => {
  const refuses = (message: string) =>
    expect.objectContaining({ code: "grant_exceeded", message: expect.stringContaining(message) });

  it("allows credit up to the granted amount", () => {
    expect(() => enforceCreditGrant({}, 1_000)).not.toThrow();
    expect(() => enforceCreditGrant({ maxCreditPerVoucherOmr: 50 }, 50)).not.toThrow();
    expect(() => enforceCreditGrant({ maxCreditPerVoucherOmr: 50 }, 51)).toThrow(
      refuses("credit_omr is 51, but the grant maxCreditPerVoucherOmr allows 50: lower the credit"),
    );
  });

  it("allows active vouchers up to the granted number", () => {
    const totals = { active: 3, outstandingOmr: Number.POSITIVE_INFINITY };
    expect(() => enforceTotalGrants({}, totals)).not.toThrow();
    expect(() => enforceTotalGrants({ maxActive: 3 }, totals)).not.toThrow();
    expect(() => enforceTotalGrants({ maxActive: 2 }, totals)).toThrow(
      refuses("3 vouchers would be active, but the grant maxActive allows 2: revoke one"),
    );
  });

  it("allows outstanding credit up to the granted amount, and no voucher without a limit", () => {
    const grants = { maxOutstandingCreditOmr: 100 };
    expect(() => enforceTotalGrants(grants, { active: 9, outstandingOmr: 100 })).not.toThrow();
    expect(() => enforceTotalGrants(grants, { active: 9, outstandingOmr: 101 })).toThrow(
      refuses(
        "101 of credit would be outstanding, but the grant maxOutstandingCreditOmr allows 100: lower credit_omr",
      ),
    );
    expect(() => enforceTotalGrants(grants, { active: 9, outstandingOmr: Number.POSITIVE_INFINITY })).toThrow(
      refuses("a voucher without a cap could grant any amount"),
    );
  });
});
