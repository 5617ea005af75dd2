import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatCsv } from "../../../../src/billing/http/csv.ts";
import { codeOfSymbols, drawSymbols, undashedOf } from "../../../../src/billing/voucher/code.ts";
import { isNewCode } from "../../../../src/billing/voucher/key.ts";

describe("generated codes", () => {
  const drawn = Array.from({ length: 20_000 }, drawSymbols);

  it("groups generated codes in the form of new codes, also with a prefix", () => {
    for (const symbols of drawn.slice(0, 1_000)) {
      expect(codeOfSymbols(symbols)).toMatch(/^([2-9A-HJKMNP-TV-Z]{4}-){2}[2-9A-HJKMNP-TV-Z]{4}$/);
      expect(isNewCode(codeOfSymbols(symbols))).toBe(true);
      const longest = codeOfSymbols(symbols, "P".repeat(32));
      expect(longest).toBe(`${"P".repeat(32)}-${codeOfSymbols(symbols)}`);
      expect(isNewCode(longest)).toBe(true);
    }
  });

  it("generates codes of at least 50 random bits, with equally likely symbols and no duplicate", () => {
    expect(new Set(drawn).size).toBe(drawn.length);
    const alphabet = [...new Set(drawn.join(""))];
    expect(alphabet.filter((symbol) => "ILOU01".includes(symbol))).toEqual([]);
    expect(Math.log2(alphabet.length) * 12).toBeGreaterThan(50);
    // Chi-squared over 30 symbols (29 degrees of freedom): beyond 90 once in millions of runs.
    const expected = drawn.length / alphabet.length;
    for (let place = 0; place < 12; place += 1) {
      const counts = new Map<string, number>();
      for (const symbols of drawn)
        counts.set(symbols[place] ?? "", (counts.get(symbols[place] ?? "") ?? 0) + 1);
      const chiSquared = alphabet.reduce(
        (sum, symbol) => sum + ((counts.get(symbol) ?? 0) - expected) ** 2 / expected,
        0,
      );
      expect(chiSquared).toBeLessThan(90);
    }
  });
});

describe("formatCsv", () => {
  it.each([
    ["plain", "plain"],
    ["a,b", '"a,b"'],
    ['say "hi"', '"say ""hi"""'],
    ["two\nlines", '"two\nlines"'],
    ["هدية", "هدية"],
    ["=1+1", "'=1+1"],
    ["+968", "'+968"],
    ["-1", "'-1"],
    ["@SUM(A1)", "'@SUM(A1)"],
    ["\t=1", "'\t'=1"],
    ["\r=1", "\"'\r'=1\""],
    ["gift;=1+1;x", "gift;'=1+1;x"],
    ["gift; \u200b@SUM(A1)", "gift; \u200b'@SUM(A1)"],
    ["gift\n=1+1", '"gift\n\'=1+1"'],
    ["a;b;-", "a;b;'-"],
    ['=HYPERLINK("https://evil.example","x")', `"'=HYPERLINK(""https://evil.example"",""x"")"`],
    ["a=1", "a=1"],
    [-5, "-5"],
    ["", ""],
  ])("writes %j as %j", (value, cell) => {
    expect(formatCsv([["first", value], [1]])).toBe(`\ufefffirst,${cell}\r\n1\r\n`);
  });

  it("writes CSV that a reader of RFC 4180 reads back, and no cell that begins a formula", () => {
    const records = fc.array(
      fc.array(
        fc.string({
          unit: fc.oneof(
            fc.string({ unit: "grapheme", minLength: 1, maxLength: 1 }),
            fc.constantFrom(..." \t\u00a0\u200b=+-@＝−';\n"),
          ),
        }),
        { minLength: 1 },
      ),
      { minLength: 1 },
    );
    fc.assert(
      fc.property(records, (given) => {
        const read = readCsv(formatCsv(given).replace(/^\ufeff/, ""));
        // An apostrophe before what would be a formula is the guard's, or was there before.
        const bare = (records: string[][]) =>
          records.map((record) =>
            record.map((cell) =>
              cell
                .replace(/([;\t\r\n][\p{Z}\p{C}]*)'(?=[=+\-@＝＋－＠﹦﹢﹣﹫−])/gu, "$1")
                .replace(/^'(?=[\p{Z}\p{C}]*[=+\-@＝＋－＠﹦﹢﹣﹫−]|[\t\r\n])/u, ""),
            ),
          );
        expect(bare(read)).toEqual(bare(given));
        expect(read.flat().filter((cell) => /^(\p{C}|\p{Z})*[=+\-@＝＋－＠]|^[\t\r]/u.test(cell))).toEqual(
          [],
        );
        const parts = read.flat().flatMap((cell) => cell.split(/[;\t\r\n]/));
        expect(parts.filter((part) => /^(\p{C}|\p{Z})*[=+\-@＝＋－＠]/u.test(part))).toEqual([]);
      }),
    );
  });
});

function readCsv(text: string): string[][] {
  const records: string[][] = [];
  let record: string[] = [];
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/gy;
  for (let match = cell.exec(text); match !== null; match = cell.exec(text)) {
    record.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? "");
    if (match[3] === ",") continue;
    records.push(record);
    record = [];
    if (cell.lastIndex === text.length) break;
  }
  return records;
}

describe("undashedOf", () => {
  it.each([
    ["ABCDEFGHJKMN", "ABCDEFGHJKMN"],
    ["ABCD EFGH JKMN", "ABCDEFGHJKMN"],
    ["ABCD\u00a0EFGH\u2009JKMN", "ABCDEFGHJKMN"],
    ["ABCD-EFGHJKMN", "ABCDEFGHJKMN"],
    ["ABCD - EFGH - JKMN", "ABCDEFGHJKMN"],
    ["EID-26ABCDEFGHJKMN", "EID26ABCDEFGHJKMN"],
    ["EID 26 ABCD EFGH JKMN", "EID26ABCDEFGHJKMN"],
    ["EID 26-ABCD-EFGH-JKMN", "EID26ABCDEFGHJKMN"],
    // The voucher may have been issued as EID-26-….
    ["EID26-ABCD-EFGH-JKMN", "EID26ABCDEFGHJKMN"],
    ["EID-26-ABCD-EFGH-JKMN", "EID26ABCDEFGHJKMN"],
  ])("recognises %j as a generated code in another form", (key, undashed) => {
    expect(undashedOf(key)).toBe(undashed);
  });

  it.each(["ABCD-EFGH-JKMN", "RAMADAN 2026", "ABCD EFGH JKM", "ABCD EFGH JKMO", ""])(
    "leaves %j as it is",
    (key) => {
      expect(undashedOf(key)).toBeUndefined();
    },
  );
});
