import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  baisaOfOmr,
  isNewCode,
  omrOfBaisa,
  outstandingOmr,
  voucherKey,
} from "../../../../src/billing/voucher/voucher.ts";

/** Any code point, halves of surrogate pairs included. */
const character = fc.integer({ min: 0, max: 0x10ffff }).map((point) => String.fromCodePoint(point));

describe("voucherKey", () => {
  it.each([
    ["ramadan", "RAMADAN"],
    [" \t\n\r\f\vRamadan 2026 \n", "RAMADAN 2026"],
    ["straße", "STRAßE"],
    ["ﬁsh", "ﬁSH"],
    ["ıdea", "ıDEA"],
    ["ſtar", "ſTAR"],
    ["   ", ""],
  ])("of %j is %j", (code, key) => {
    expect(voucherKey(code)).toBe(key);
  });

  it("returns the same key for a key and for every spelling of it", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: character }),
        fc.string({ unit: fc.constantFrom(" ", "\t", "\n") }),
        (code, blanks) => {
          const key = voucherKey(code);
          expect(voucherKey(key)).toBe(key);
          expect(
            voucherKey(`${blanks}${code.replace(/[A-Z]/g, (letter) => letter.toLowerCase())}${blanks}`),
          ).toBe(key);
        },
      ),
    );
  });
});

describe("isNewCode", () => {
  it.each(["ABC", "A-1", "0_0", "A".repeat(64)])("takes %s", (code) => expect(isNewCode(code)).toBe(true));
  it.each(["", "AB", "-AB", "_AB", "A B", "abc", "ABC\n", "A/B", "ÄBC", "A".repeat(65)])(
    "refuses %j",
    (code) => expect(isNewCode(code)).toBe(false),
  );
});

describe("money", () => {
  it.each([
    [2.5, 2500],
    [0.001, 1],
    [1.1, 1100],
    [-3, -3000],
    [0.0005, undefined],
    [Number.NaN, undefined],
    [1e300, undefined],
  ])("%d OMR are %s baisa", (omr, baisa) => {
    expect(baisaOfOmr(omr)).toBe(baisa);
  });

  it("converts baisa to OMR and back without a loss", () => {
    fc.assert(
      fc.property(fc.integer({ min: -2_147_483_647_000, max: 2_147_483_647_000 }), (baisa) => {
        expect(baisaOfOmr(omrOfBaisa(baisa))).toBe(baisa);
      }),
    );
  });
});

describe("outstandingOmr", () => {
  it.each([
    [{ credit_omr: 10, max_redemptions: 5, times_redeemed: 2, standing: "live" as const }, 30],
    [
      { credit_omr: 10, max_redemptions: 0, times_redeemed: 2, standing: "live" as const },
      Number.POSITIVE_INFINITY,
    ],
    [{ credit_omr: 10, max_redemptions: 1, times_redeemed: 2, standing: "live" as const }, 0],
    [{ credit_omr: 10, max_redemptions: 0, times_redeemed: 0, standing: "paused" as const }, 0],
  ])("of %o is %d", (voucher, outstanding) => {
    expect(outstandingOmr(voucher)).toBe(outstanding);
  });
});
