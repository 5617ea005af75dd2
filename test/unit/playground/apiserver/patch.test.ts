import { describe, expect, it } from "vitest";
import { builtinSchema } from "../../../../src/playground/apiserver/builtin/schema.ts";
import { mergedOrder } from "../../../../src/playground/apiserver/element-order.ts";
import { jsonPatch } from "../../../../src/playground/apiserver/patch/json-patch.ts";
import { mergePatch } from "../../../../src/playground/apiserver/patch/merge-patch.ts";
import { strategicMergePatch } from "../../../../src/playground/apiserver/patch/strategic-merge-patch.ts";
import { StatusError } from "../../../../src/playground/apiserver/status.ts";

describe("jsonPatch", () => {
  it.each([
    ["adds to the end", { a: [1] }, [{ op: "add", path: "/a/-", value: 2 }], { a: [1, 2] }],
    ["adds in between", { a: [1, 3] }, [{ op: "add", path: "/a/1", value: 2 }], { a: [1, 2, 3] }],
    ["removes", { a: { b: 1, c: 2 } }, [{ op: "remove", path: "/a/b" }], { a: { c: 2 } }],
    ["replaces", { a: 1 }, [{ op: "replace", path: "/a", value: 2 }], { a: 2 }],
    ["moves", { a: 1 }, [{ op: "move", from: "/a", path: "/b" }], { b: 1 }],
    [
      "copies",
      { a: { x: 1 } },
      [
        { op: "copy", from: "/a", path: "/b" },
        { op: "add", path: "/b/y", value: 2 },
      ],
      { a: { x: 1 }, b: { x: 1, y: 2 } },
    ],
    [
      "unescapes pointers",
      { "a/b": { "c~d": 1 } },
      [{ op: "replace", path: "/a~1b/c~0d", value: 2 }],
      { "a/b": { "c~d": 2 } },
    ],
    ["tests", { a: { b: [1] } }, [{ op: "test", path: "/a", value: { b: [1] } }], { a: { b: [1] } }],
  ])("%s", (_, document, patch, expected) => {
    expect(jsonPatch(document, patch)).toEqual(expected);
  });

  it.each([
    ["a path that is not there", [{ op: "remove", path: "/x" }]],
    ["an index out of range", [{ op: "add", path: "/a/9", value: 1 }]],
    ["an index with a leading zero", [{ op: "add", path: "/a/00", value: 1 }]],
    ["a test that fails", [{ op: "test", path: "/a", value: [] }]],
    ["an unknown operation", [{ op: "merge", path: "/a" }]],
    ["a path that is no pointer", [{ op: "remove", path: "a" }]],
    ["the loss of the whole document", [{ op: "replace", path: "", value: 1 }]],
  ])("refuses %s, and does not change the document", (_, patch) => {
    const document = { a: [1] };
    expect(() => jsonPatch(document, patch)).toThrow(StatusError);
    expect(document).toEqual({ a: [1] });
  });

  it("does not access inherited members", () => {
    expect(() => jsonPatch({}, [{ op: "add", path: "/__proto__/polluted", value: 1 }])).toThrow(StatusError);
    expect(() => jsonPatch({}, [{ op: "add", path: "/constructor/prototype/polluted", value: 1 }])).toThrow(
      StatusError,
    );
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });
});

describe("mergePatch", () => {
  it("merges members, removes by null, replaces lists", () => {
    expect(mergePatch({ a: { b: 1, c: 2 }, l: [1, 2] }, { a: { b: null, d: 3 }, l: [3] })).toEqual({
      a: { c: 2, d: 3 },
      l: [3],
    });
  });

  it("does not change a prototype through __proto__", () => {
    const merged = mergePatch({}, JSON.parse('{"__proto__":{"polluted":1}}')) as object;
    expect(Object.hasOwn(merged, "__proto__")).toBe(true);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });
});

describe("strategicMergePatch", () => {
  const pod = builtinSchema("", "Pod");
  const containers = (patch: object[], extra: object = {}) =>
    strategicMergePatch(
      {
        spec: {
          containers: [
            { name: "a", image: "1", args: ["x"] },
            { name: "b", image: "2" },
          ],
          tolerations: [{ key: "k" }],
        },
      },
      { spec: { containers: patch, ...extra } },
      pod,
    ).spec as { containers: object[]; tolerations: object[] };

  it("merges entries by their key and replaces other lists", () => {
    const spec = containers(
      [
        { name: "b", image: "3" },
        { name: "a", args: ["y"] },
      ],
      { tolerations: [] },
    );
    expect(spec.containers).toEqual([
      { name: "a", image: "1", args: ["y"] },
      { name: "b", image: "3" },
    ]);
    expect(spec.tolerations).toEqual([]);
  });

  it("deletes an entry by directive", () => {
    expect(containers([{ name: "a", $patch: "delete" }]).containers).toEqual([{ name: "b", image: "2" }]);
  });

  it("replaces a list by directive", () => {
    expect(containers([{ name: "c", image: "9" }, { $patch: "replace" }]).containers).toEqual([
      { name: "c", image: "9" },
    ]);
  });

  it("orders entries as $setElementOrder lists them", () => {
    const spec = containers([{ name: "c", image: "3" }], {
      "$setElementOrder/containers": [{ name: "c" }, { name: "b" }, { name: "a" }],
    });
    expect(spec.containers.map((container) => (container as { name: string }).name)).toEqual(["c", "b", "a"]);
  });

  it("removes from sets of plain values", () => {
    const patched = strategicMergePatch(
      { metadata: { finalizers: ["a/1", "b/2"] } },
      { metadata: { "$deleteFromPrimitiveList/finalizers": ["a/1"], finalizers: ["c/3"] } },
      pod,
    );
    expect(patched).toEqual({ metadata: { finalizers: ["b/2", "c/3"] } });
  });

  it("keeps only the keys that $retainKeys lists", () => {
    const patched = strategicMergePatch(
      { spec: { volumes: [{ name: "v", emptyDir: {} }] } },
      { spec: { volumes: [{ name: "v", $retainKeys: ["name", "configMap"], configMap: { name: "c" } }] } },
      pod,
    );
    expect(patched).toEqual({ spec: { volumes: [{ name: "v", configMap: { name: "c" } }] } });
  });

  it("refuses an entry without its key", () => {
    expect(() => containers([{ image: "x" }])).toThrow("does not contain declared merge key: name");
  });
});

describe("mergedOrder", () => {
  it.each([
    [
      ["a", "b", "c"],
      ["c", "a"],
      ["c", "a", "b"],
    ],
    [
      ["a", "b"],
      ["a", "x", "b"],
      ["a", "x", "b"],
    ],
    [["a", "b"], ["x"], ["a", "b", "x"]],
    [[], ["x", "y"], ["x", "y"]],
  ])("of live %j and applied %j is %j", (live, applied, expected) => {
    expect(mergedOrder(live, applied)).toEqual(expected);
  });
});
