import { describe, expect, it } from "vitest";
import { parseYamlWithin } from "../../../src/platform/yaml.ts";

describe("parseYamlWithin", () => {
  it("parses text of the allowed length", () => {
    expect(parseYamlWithin(10, "a: [1, 2]\n")).toEqual({ a: [1, 2] });
  });

  it("refuses longer text without parsing it", () => {
    expect(() => parseYamlWithin(9, "a: [1, 2]\n")).toThrow("must have at most 9 characters");
  });

  it("does not repeat the text in an error", () => {
    expect(() => parseYamlWithin(100, "token: [secret")).toThrow(/^(?!.*secret)/s);
  });

  it("takes the last of two equal keys, or refuses them", () => {
    const text = "a: 1\nb: {c: 1, c: 2}\n";
    expect(parseYamlWithin(100, text)).toEqual({ a: 1, b: { c: 2 } });
    expect(() => parseYamlWithin(100, text, { refusesRepeatedKeys: true })).toThrow(
      "the key c is there twice",
    );
    expect(parseYamlWithin(100, "a: {c: 1}\nb: {c: 1}", { refusesRepeatedKeys: true })).toEqual({
      a: { c: 1 },
      b: { c: 1 },
    });
  });

  it("compares keys that are no texts", () => {
    expect(() => parseYamlWithin(100, "1: a\n1: b", { refusesRepeatedKeys: true })).toThrow(
      "the key 1 is there twice",
    );
    expect(parseYamlWithin(100, "? [a]\n: 1\n? [a]\n: 2", { refusesRepeatedKeys: true })).toEqual({
      "[ a ]": 2,
    });
  });
});
