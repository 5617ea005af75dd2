import { describe, expect, it } from "vitest";
import { requireKey, requireTerms, type VoucherRow, voucherOf } from "../../../../src/billing/voucher/row.ts";
import { MAX_OMR, type VoucherTerms } from "../../../../src/billing/voucher/voucher.ts";

const ROW: VoucherRow = {
  code: "SOUND",
  credit_omr: 25,
  description: "",
  active: true,
  max_redemptions: 0,
  times_redeemed: 0,
  created_at: new Date("2026-01-02T03:04:05.678Z"),
  deleted_at: null,
  starts_at: null,
  expires_at: null,
  adopted: false,
  standing: "live",
};
const terms = (change: Partial<VoucherTerms>): VoucherTerms => ({
  credit_omr: 25,
  description: "",
  active: true,
  max_redemptions: 0,
  starts_at: null,
  expires_at: null,
  ...change,
});
const refuses = (message: string) => expect.objectContaining({ code: "voucher_invalid", message });

describe("requireTerms", () => {
  it.each<[string, Partial<VoucherTerms>]>([
    ["the smallest credit", { credit_omr: 1 }],
    ["the largest", { credit_omr: MAX_OMR }],
    ["a beginning alone", { starts_at: "2026-01-01T00:00:00Z" }],
    ["an end alone", { expires_at: "2026-01-01T00:00:00Z" }],
    [
      "an end a millisecond later",
      { starts_at: "2026-01-01T00:00:00Z", expires_at: "2026-01-01T00:00:00.001Z" },
    ],
  ])("takes %s", (_what, change) => {
    expect(() => requireTerms(undefined, terms(change))).not.toThrow();
  });

  const CREDIT = `credit_omr must be a whole number from 1 to ${MAX_OMR}: set the credit in whole units of the currency`;
  const CAP = "max_redemptions must be 0 (unlimited) or more: correct the cap";
  const DATES = "expires_at must be after starts_at: change one of them";
  it.each<[string, Partial<VoucherTerms>, string]>([
    ["no credit", { credit_omr: 0 }, CREDIT],
    ["a debt", { credit_omr: -5 }, CREDIT],
    ["more than any", { credit_omr: MAX_OMR + 1 }, CREDIT],
    ["a cap below zero", { max_redemptions: -1 }, CAP],
    [
      "an end at the beginning",
      { starts_at: "2026-01-01T00:00:00Z", expires_at: "2026-01-01T04:00:00+04:00" },
      DATES,
    ],
    ["an end before", { starts_at: "2026-01-02T00:00:00Z", expires_at: "2026-01-01T00:00:00Z" }, DATES],
  ])("refuses %s", (_what, change, message) => {
    expect(() => requireTerms(undefined, terms(change))).toThrow(refuses(message));
    expect(() => requireTerms(ROW, terms(change))).toThrow(refuses(message));
  });

  it("accepts the unusual values that an adopted voucher has, and no other ones", () => {
    const odd = { ...ROW, adopted: true, credit_omr: -5, max_redemptions: -1 };
    expect(() => requireTerms(odd, terms({ credit_omr: -5, max_redemptions: -1 }))).not.toThrow();
    expect(() => requireTerms(odd, terms({ credit_omr: -4, max_redemptions: -1 }))).toThrow(refuses(CREDIT));
    expect(() => requireTerms(odd, terms({ credit_omr: -5, max_redemptions: -2 }))).toThrow(refuses(CAP));
    const own = { ...odd, adopted: false };
    expect(() => requireTerms(own, terms({ credit_omr: -5, max_redemptions: 0 }))).toThrow(refuses(CREDIT));
    expect(() => requireTerms(own, terms({ max_redemptions: -1 }))).toThrow(refuses(CAP));
  });
});

describe("requireKey", () => {
  it("returns the key, or refuses and names the remedy", () => {
    expect(requireKey(" sound\n")).toBe("SOUND");
    expect(() => requireKey(" \t")).toThrow(
      expect.objectContaining({ code: "voucher_blank", message: "code is blank: send the voucher's code" }),
    );
  });
});

describe("voucherOf", () => {
  it("omits members without a value", () => {
    const { adopted, deleted_at, starts_at, expires_at, ...shown } = ROW;
    expect(voucherOf(ROW)).toEqual({ ...shown, created_at: "2026-01-02T03:04:05.678Z" });
    const day = new Date(0);
    expect(voucherOf({ ...ROW, created_at: null, deleted_at: day, starts_at: day, expires_at: day })).toEqual(
      {
        ...shown,
        created_at: undefined,
        deleted_at: day.toISOString(),
        starts_at: day.toISOString(),
        expires_at: day.toISOString(),
      },
    );
  });
});
