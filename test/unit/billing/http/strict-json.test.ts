import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseStrictJson } from "../../../../src/billing/http/strict-json.ts";

const parse = (text: string) => parseStrictJson(new TextEncoder().encode(text));

describe("parseStrictJson", () => {
  it("parses everything that JSON.stringify writes", () => {
    const text = fc.string({ unit: "grapheme" }).filter((candidate) => !candidate.includes("\0"));
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { maxDepth: 4 },
        text,
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie("any")),
        fc.dictionary(text, tie("any")),
      ),
    })).any;
    fc.assert(
      fc.property(value, (json) => {
        const written = JSON.stringify(json);
        expect(JSON.stringify(parse(written))).toBe(written);
      }),
    );
  });

  it.each([
    ['{"a":1,"a":2}', "twice"],
    ['{"a":1,"\\u0061":2}', "twice"],
    ['{"x":{"a":[{"b":1,"b":1}]}}', "twice"],
    ['{"a":"\\u0000"}', "NUL"],
    ['{"\\u0000":1}', "NUL"],
    ['{"a":"\\ud800"}', "surrogate"],
    ["[".repeat(17) + "]".repeat(17), "deeper"],
    ["[".repeat(100_000), "deeper"],
    ["{", "not JSON"],
    ["", "not JSON"],
    ["{'a':1}", "not JSON"],
    ['{"a":1}}', "not JSON"],
    ["\ufeff\ufeff{}", "not JSON"],
  ])("refuses %.30s", (text, reason) => {
    expect(() => parse(text)).toThrow(reason);
  });

  it.each([
    '{"a":{"a":{"a":1}}}',
    '[{"a":1},{"a":2}]',
    '{"a":"a","b":"a:a","c":"{\\"a\\":1,"}',
    '{"__proto__":{"x":1}}',
  ])("accepts %s", (text) => {
    expect(JSON.stringify(parse(text))).toBe(text);
  });

  it("never sets a prototype", () => {
    expect(Object.getPrototypeOf(parse('{"__proto__":{"x":1}}'))).toBe(Object.prototype);
  });

  it("refuses bytes that are not UTF-8", () => {
    expect(() => parseStrictJson(new Uint8Array([0x22, 0xc3, 0x28, 0x22]))).toThrow("UTF-8");
  });
});
