import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalJson, sha256Digest } from "../../../src/platform/canonical-json.ts";

describe("canonical JSON", () => {
  it("sorts members at every depth and leaves undefined out", () => {
    expect(canonicalJson({ b: [{ d: 1, c: undefined, a: null }], a: "ö" })).toBe(
      '{"a":"ö","b":[{"a":null,"d":1}]}',
    );
  });

  it("returns equal text for equal values, in any order of members", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const shuffled = Object.fromEntries(Object.entries(value).reverse());
        expect(canonicalJson(shuffled)).toBe(canonicalJson(value));
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it("digests in the OCI form", () => {
    expect(sha256Digest("")).toBe("sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  });
});
