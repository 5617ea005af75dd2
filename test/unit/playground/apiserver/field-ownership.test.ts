import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  difference,
  emptySet,
  type FieldSet,
  fromFieldsV1,
  insert,
  intersection,
  isEmpty,
  pathsOf,
  pathText,
  sameSet,
  toFieldsV1,
  union,
} from "../../../../src/playground/apiserver/managed-field/field-set.ts";
import {
  compare,
  fieldSetOf,
  isSame,
  merge,
  removeFields,
} from "../../../../src/playground/apiserver/managed-field/typed-value.ts";
import type { JsonSchema } from "../../../../src/playground/apiserver/schema/json-schema.ts";

const steps = fc.constantFrom("f:a", "f:b", "f:c", 'k:{"id":"x"}', 'v:"y"');
const paths = fc.array(fc.array(steps, { minLength: 1, maxLength: 4 }), { maxLength: 8 });
const sets = paths.map((all) => {
  const set = emptySet();
  for (const path of all) insert(set, path);
  return set;
});
const textOf = (set: FieldSet) => pathsOf(set).map((path) => JSON.stringify(path));

describe("field sets", () => {
  it("read the fieldsV1 that they wrote", () => {
    fc.assert(fc.property(sets, (set) => sameSet(fromFieldsV1(toFieldsV1(set)), set)));
  });

  it("follow the laws of sets", () => {
    fc.assert(
      fc.property(sets, sets, (a, b) => {
        const both = new Set([...textOf(a), ...textOf(b)]);
        expect(new Set(textOf(union(a, b)))).toEqual(both);
        expect(textOf(intersection(a, b))).toEqual(textOf(a).filter((path) => textOf(b).includes(path)));
        expect(textOf(difference(a, b))).toEqual(textOf(a).filter((path) => !textOf(b).includes(path)));
        expect(isEmpty(difference(a, a))).toBe(true);
      }),
    );
  });

  it("write paths as conflicts show them", () => {
    expect(pathText(["f:spec", "f:ports", 'k:{"port":80,"protocol":"TCP"}', "f:name"])).toBe(
      '.spec.ports[port=80,protocol="TCP"].name',
    );
    expect(pathText(["f:tags", 'v:"a"'])).toBe('.tags[="a"]');
  });

  it.each([[null], [[]], [{ x: {} }], [{ "f:a": 1 }]])("refuse %j as fieldsV1", (fields) => {
    expect(() => fromFieldsV1(fields)).toThrow();
  });
});

const schema: JsonSchema = {
  type: "object",
  properties: {
    name: { type: "string" },
    labels: { type: "object", additionalProperties: { type: "string" } },
    atom: { type: "object", "x-kubernetes-map-type": "atomic" },
    plain: { type: "array", items: { type: "string" } },
    tags: { type: "array", items: { type: "string" }, "x-kubernetes-list-type": "set" },
    parts: {
      type: "array",
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["id", "side"],
      items: {
        type: "object",
        properties: {
          id: { type: "string" },
          side: { type: "string", default: "left" },
          v: { type: "integer" },
        },
      },
    },
  },
};
const shown = (set: FieldSet) => pathsOf(set).map(pathText);

describe("typed values", () => {
  it("have an owner for each field that the schema merges separately", () => {
    const value = {
      name: "n",
      labels: { a: "1" },
      atom: { x: { y: 1 } },
      plain: ["p"],
      tags: ["t"],
      parts: [{ id: "i", v: 1 }],
    };
    expect(shown(fieldSetOf(value, schema))).toEqual([
      ".atom",
      ".labels.a",
      ".name",
      '.parts[id="i",side="left"]',
      '.parts[id="i",side="left"].id',
      '.parts[id="i",side="left"].v',
      ".plain",
      '.tags[="t"]',
    ]);
  });

  it("are compared by path, with list entries by key instead of position", () => {
    const before = {
      labels: { a: "1", b: "2" },
      tags: ["x", "y"],
      parts: [
        { id: "i", v: 1 },
        { id: "j", v: 1 },
      ],
    };
    const after = {
      labels: { a: "1", b: "3" },
      tags: ["y", "z"],
      parts: [
        { id: "j", v: 1 },
        { id: "i", v: 2 },
      ],
      name: "n",
    };
    const { added, modified, removed } = compare(before, after, schema);
    expect(shown(added)).toEqual([".name", '.tags[="z"]']);
    expect(shown(modified)).toEqual([".labels.b", '.parts[id="i",side="left"].v']);
    expect(shown(removed)).toEqual(['.tags[="x"]']);
  });

  it("are merged: the applied configuration into the live object", () => {
    const live = { labels: { a: "1" }, tags: ["x"], plain: ["p"], parts: [{ id: "i", v: 1 }, { id: "j" }] };
    const config = { labels: { b: "2" }, tags: ["y"], plain: ["q"], parts: [{ id: "i", v: 2 }, { id: "k" }] };
    expect(merge(live, config, schema)).toEqual({
      labels: { a: "1", b: "2" },
      tags: ["x", "y"],
      plain: ["q"],
      parts: [{ id: "i", v: 2 }, { id: "k" }, { id: "j" }],
    });
  });

  it("stay the same when merged with themselves, and lose every removed field", () => {
    const words = fc.constantFrom("a", "b", "c");
    const values = fc.record({
      name: words,
      labels: fc.dictionary(words, words, { minKeys: 1 }),
      tags: fc.uniqueArray(words, { minLength: 1 }),
      parts: fc.uniqueArray(fc.record({ id: words, v: fc.integer() }), {
        selector: ({ id }) => id,
        minLength: 1,
      }),
    });
    fc.assert(
      fc.property(values, values, (live, config) => {
        expect(merge(live, live, schema)).toEqual(live);
        const merged = merge(live, config, schema);
        // Everything applied is there, and applying it again changes nothing.
        expect(isSame(compare(merged, merge(merged, config, schema), schema))).toBe(true);
        expect(isEmpty(difference(fieldSetOf(config, schema), fieldSetOf(merged, schema)))).toBe(true);
        expect(removeFields(live, fieldSetOf(live, schema), schema)).toBeUndefined();
      }),
    );
  });
});
