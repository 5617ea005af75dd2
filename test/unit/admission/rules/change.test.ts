import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { changedPaths, userWrittenPart } from "../../../../src/admission/rules/change.ts";
import { isMap } from "../../../../src/api/object.ts";
import { canonicalJson } from "../../../../src/platform/canonical-json.ts";

describe("changedPaths", () => {
  it.each<[string, unknown, unknown, string[]]>([
    ["equal scalars", 1, 1, []],
    ["two scalars", 1, 2, [""]],
    ["equal maps in another order", { a: 1, b: { c: 1, d: 2 } }, { b: { d: 2, c: 1 }, a: 1 }, []],
    ["a changed member", { a: 1, b: 2 }, { a: 1, b: 3 }, ["b"]],
    ["members sorted by name", { b: 1 }, { a: 1 }, ["a", "b"]],
    ["a nested member", { a: { b: { c: 1 } } }, { a: { b: { c: 2 } } }, ["a.b.c"]],
    ["a map that becomes a scalar", { a: { b: 1 } }, { a: 1 }, ["a"]],
    ["a member that is added as a map", {}, { a: { b: 1 } }, ["a"]],
    ["a list that differs, as one member", { a: [1, { b: 1 }] }, { a: [1, { b: 2 }] }, ["a"]],
    ["a list in another order", { a: [1, 2] }, { a: [2, 1] }, ["a"]],
    ["lists of maps in another order of members", { a: [{ b: 1, c: 2 }] }, { a: [{ c: 2, b: 1 }] }, []],
    ["null and nothing", { a: null }, {}, ["a"]],
    ["undefined and nothing", { a: undefined }, {}, []],
    ["undefined and nothing in a list", [{ a: undefined }], [{}], []],
    ["a name of JavaScript's own", JSON.parse('{"__proto__":{}}'), {}, ["__proto__"]],
    ["a name of JavaScript's own in a list", [JSON.parse('{"__proto__":{}}')], [{}], [""]],
  ])("finds %s", (_, before, after, paths) => expect(changedPaths(before, after)).toEqual(paths));
});

describe("changedPaths of any two JSON values", () => {
  it("finds none exactly where both have the same canonical text", () => {
    const values = fc.jsonValue({ maxDepth: 4, stringUnit: fc.constantFrom("a", "b", "__proto__") });
    fc.assert(
      fc.property(values, values, (before, after) => {
        expect(changedPaths(before, after).length === 0).toBe(canonicalJson(before) === canonicalJson(after));
      }),
    );
  });

  it("finds none in a value and its copy with members in another order", () => {
    const reversed = (value: unknown): unknown =>
      Array.isArray(value)
        ? value.map(reversed)
        : isMap(value)
          ? Object.fromEntries(
              Object.entries(value)
                .reverse()
                .map(([name, member]) => [name, reversed(member)]),
            )
          : value;
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(changedPaths(value, reversed(value))).toEqual([]);
      }),
    );
  });
});

describe("userWrittenPart", () => {
  it("leaves out status and the metadata that the API server writes", () => {
    expect(
      userWrittenPart({
        kind: "A",
        spec: { a: 1 },
        data: { b: "2" },
        status: { ready: true },
        metadata: {
          name: "x",
          uid: "1",
          resourceVersion: "1",
          generation: 1,
          managedFields: [],
          labels: { a: "b" },
          annotations: { c: "d" },
          ownerReferences: [],
          finalizers: ["f"],
        },
      }),
    ).toEqual({
      kind: "A",
      spec: { a: 1 },
      data: { b: "2" },
      metadata: { labels: { a: "b" }, annotations: { c: "d" }, ownerReferences: [], finalizers: ["f"] },
    });
  });

  it("returns an empty part for no object", () => {
    expect(userWrittenPart(undefined)).toEqual({ metadata: {} });
  });
});
