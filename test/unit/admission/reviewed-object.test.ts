import { describe, expect, it } from "vitest";
import { parseReviewedObject } from "../../../src/admission/reviewed-object.ts";

describe("parseReviewedObject", () => {
  it("keeps every member", () => {
    const object = {
      kind: "Pod",
      metadata: {
        ...{ name: "a", generateName: "a-", namespace: "b", labels: { c: "d" }, annotations: {} },
        ...{
          ownerReferences: [{ name: "e" }],
          finalizers: ["f"],
          managedFields: [{}],
          deletionTimestamp: "g",
        },
      },
      spec: [1],
      status: null,
    };
    expect(parseReviewedObject(object)).toEqual(object);
  });

  it("takes null as absent", () => {
    expect(parseReviewedObject({ kind: null, metadata: null, spec: 1 })).toEqual({ spec: 1 });
    expect(parseReviewedObject({ metadata: { labels: null, name: "a" } })).toEqual({
      metadata: { name: "a" },
    });
  });

  it.each<[unknown]>([
    ["text"],
    [[]],
    [null],
    [{ kind: 7 }],
    [{ metadata: [] }],
    [{ metadata: "text" }],
    [{ metadata: { name: 7 } }],
    [{ metadata: { generateName: {} } }],
    [{ metadata: { namespace: false } }],
    [{ metadata: { labels: "text" } }],
    [{ metadata: { labels: { a: 1 } } }],
    [{ metadata: { annotations: { a: null } } }],
    [{ metadata: { annotations: [] } }],
    [{ metadata: { ownerReferences: {} } }],
    [{ metadata: { ownerReferences: ["a"] } }],
    [{ metadata: { finalizers: "a" } }],
    [{ metadata: { managedFields: {} } }],
  ])("refuses %j", (value) => {
    expect(parseReviewedObject(value)).toBeUndefined();
  });

  it("reads members named like those of a prototype as any other", () => {
    const object = JSON.parse('{"__proto__":{"kind":"Pod"},"metadata":{"constructor":7,"toString":8}}');
    const parsed = parseReviewedObject(object);
    expect(parsed?.kind).toBeUndefined();
    expect(JSON.stringify(parsed)).toBe(JSON.stringify(object));
  });
});
