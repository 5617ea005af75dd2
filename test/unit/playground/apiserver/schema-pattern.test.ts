import { setFlagsFromString } from "node:v8";
import { afterEach, describe, expect, it } from "vitest";
import {
  formatCheck,
  parseDuration,
  parseFormattedDuration,
} from "../../../../src/playground/apiserver/schema/format.ts";
import { compilePattern } from "../../../../src/playground/apiserver/schema/pattern.ts";

describe("RE2 patterns in JavaScript", () => {
  it.each<[string, string, boolean]>([
    ["^[a-z0-9-]+$", "a-b", true],
    ["(?i)^abc$", "ABC", true],
    ["x(?:(?i)a|b)", "xB", true],
    ["^a\\z", "a\n", false],
    ["^a$", "a\n", false],
    [".", "\n", false],
    ["(?s).", "\n", true],
    ["\\s", "\u00a0", false],
    ["^[[:alpha:]_-]+$", "a_-", true],
    ["^[\\w-.]+$", "a-b.c", true],
    ["^\\pL+$", "é", true],
    ["(?P<name>a)b", "ab", true],
    ["^\\Qa.b\\E$", "a.b", true],
    ["^\\Qa.b\\E$", "axb", false],
    ["^{x}]$", "{x}]", true],
    ["\\x41\\x{42}", "AB", true],
  ])("%s on %j: %s", (pattern, text, expected) => {
    expect(compilePattern(pattern).test(text)).toBe(expected);
  });

  it.each([
    ["a(?=b)", "invalid or unsupported Perl syntax: `(?=`"],
    ["(?<!a)b", "invalid or unsupported Perl syntax: `(?<`"],
    ["(a)\\1", "invalid escape sequence: `\\1`"],
    ["(a", "missing closing ): `(a`"],
    ["a)", "unexpected ): `a)`"],
    ["[a", "missing closing ]: `[a`"],
    ["a{1001}", "invalid repeat count: `{1001}`"],
  ])("%s is refused", (pattern, why) => {
    expect(() => compilePattern(pattern)).toThrow(`error parsing regexp: ${why}`);
  });
});

describe("RE2 patterns when V8 does not optimize expressions any more", () => {
  afterEach(() => setFlagsFromString("--regexp-optimization"));

  it.each(["A", "a", "B", "b"])("match letters of both cases: %s", (letter) => {
    setFlagsFromString("--no-regexp-optimization");
    // Another pattern each time, because expressions are kept.
    expect(compilePattern(`${letter}x(?:(?i)a|b)`).test(`${letter}x${letter}`)).toBe(true);
  });
});

describe("formats", () => {
  it.each<[string, string, boolean]>([
    ["uri", "/a", true],
    ["uri", "urn:a", true],
    ["uri", "a b", false],
    ["hostname", "a-b.co", true],
    ["hostname", "-a", false],
    ["email", "A <a@b.c>", true],
    ["email", "x", false],
    ["cidr", "10.0.0.0/8", true],
    ["cidr", "10.0.0.0/33", false],
    ["date", "2020-02-30", false],
    ["date-time", "2020-02-03T04:05:06.7+08:00", true],
    ["date-time", "2020-02-03", false],
    ["byte", "YQ==", true],
    ["byte", "x", false],
    ["k8s-short-name", "Not", false],
    ["uuid", "123e4567-e89b-12d3-a456-426614174000", true],
  ])("%s takes %s: %s", (format, text, expected) => {
    expect(formatCheck(format)?.(text)).toBe(expected);
  });

  it("does not enforce an unknown format, not even one named like an inherited member", () => {
    expect(formatCheck("no-such")).toBeUndefined();
    expect(formatCheck("constructor")).toBeUndefined();
  });

  it.each<[string, bigint | undefined]>([
    ["1h30m", 5_400_000_000_000n],
    ["-1.5s", -1_500_000_000n],
    ["0", 0n],
    ["1", undefined],
    ["1d", undefined],
    ["h", undefined],
  ])("%s is %s ns as Go reads it", (text, expected) => {
    expect(parseDuration(text)).toBe(expected);
  });

  it("accepts days and words where a schema says duration", () => {
    expect(parseFormattedDuration("1d")).toBe(86_400_000_000_000n);
    expect(parseFormattedDuration("2 weeks")).toBe(1_209_600_000_000_000n);
  });
});
