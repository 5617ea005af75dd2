import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isNewCode, voucherKey } from "../../../../src/billing/voucher/key.ts";
import { baisaOfOmr, omrOfBaisa, outstandingOmr } from "../../../../src/billing/voucher/voucher.ts";

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
    // Copied from a chat or a web page.
    ["\u2066SAVE-10\u2069", "SAVE-10"],
    ["\u200fSAVE-10\u200e", "SAVE-10"],
    ["\ufeffSA\u00adVE\u200b-10\u2060", "SAVE-10"],
    ["\u00a0save-10\u2003\u3000", "SAVE-10"],
    ["\u200b\u00a0", ""],
    ["save\u00a010", "SAVE\u00a010"],
    // Typed on a phone, or in Arabic.
    ...[..."‐‑‒–—―⁃−﹘﹣－"].map((dash): [string, string] => [`save${dash}10`, "SAVE-10"]),
    ["EID-٢٠٢٦", "EID-2026"],
    ["EID-۰۱۲۳۴۵۶۷۸۹", "EID-0123456789"],
    // Adopted codes: one letter with one capital, in composed form.
    ["cafe\u0301 ñandú", "CAFÉ ÑANDÚ"],
    ["тест", "ТЕСТ"],
    ["οδοσ", "ΟΔΟΣ"],
    ["οδος", "ΟΔΟς"],
    ["ǰ µ ŉ", "ǰ µ ŉ"],
    ["رمضان", "رمضان"],
    ["é".repeat(256), "É".repeat(256)],
    ["é".repeat(257), "é".repeat(257)],
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
          expect(voucherKey(`\u2067${blanks}${code}\u00a0\u2069`)).toBe(key);
          expect(
            voucherKey(`${blanks}${code.replace(/[A-Z]/g, (letter) => letter.toLowerCase())}${blanks}`),
          ).toBe(key);
        },
      ),
    );
  });
});

describe("billing_code_key", () => {
  it("lists the letters that voucherKey folds, and no other ones", () => {
    const file = "../../../../src/billing/db/function/billing_code_key.sql";
    const literals = readFileSync(resolve(import.meta.dirname, file), "utf8").match(/^ {6}'[^']*'/gm) ?? [];
    const texts = literals.map((literal) => literal.trim().slice(1, -1));
    const half = texts.length / 2;
    const [lower, upper] = [texts.slice(0, half).join(""), texts.slice(half).join("")];
    const folded = Array.from({ length: 0x10000 }, (_, point) => String.fromCharCode(point)).filter(
      (letter) =>
        letter > "\u007f" &&
        letter.normalize("NFC") === letter &&
        /\p{Ll}/u.test(letter) &&
        voucherKey(letter) !== letter,
    );
    expect(lower).toBe(folded.join(""));
    expect(upper).toBe(folded.map(voucherKey).join(""));
    expect(folded.length).toBeGreaterThan(1_000);
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
