import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createIndex } from "../../../src/kube/object-index.ts";

const KEYS = 20;
const change = fc.record({
  key: fc.integer({ min: 0, max: KEYS - 1 }),
  values: fc.option(fc.array(fc.constantFrom("a", "b"), { maxLength: 2 }), { nil: undefined }),
});

describe("an index of objects", () => {
  it("has the keys of the present objects under each value, however many there are", () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 120 }), (changes) => {
        const index = createIndex<string[]>({ letter: (values) => values });
        const objects = new Map<string, string[]>();
        for (const { key, values } of changes) {
          const name = `object-${key}`;
          index.change(name, objects.get(name), values);
          if (values === undefined) objects.delete(name);
          else objects.set(name, values);
        }
        for (const letter of ["a", "b"]) {
          const holders = [...objects].filter(([, values]) => values.includes(letter)).map(([name]) => name);
          expect(index.keys("letter", letter).sort()).toEqual(holders.sort());
        }
      }),
    );
  });

  it("lists the keys of a value in the order in which they were added, also after some were removed", () => {
    const index = createIndex<string>({ all: () => ["x"] });
    const names = Array.from({ length: 12 }, (_, number) => `n${number}`);
    for (const name of names) index.change(name, undefined, name);
    expect(index.keys("all", "x")).toEqual(names);
    for (const name of names.slice(0, 10)) index.change(name, name, undefined);
    expect(index.keys("all", "x")).toEqual(["n10", "n11"]);
    for (const name of names.slice(10)) index.change(name, name, undefined);
    expect([index.keys("all", "x"), index.keys("other", "x")]).toEqual([[], []]);
  });
});
