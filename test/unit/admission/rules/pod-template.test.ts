import { describe, expect, it } from "vitest";
import { findPodSpecs } from "../../../../src/admission/rules/pod-template.ts";

const POD = { containers: [{ name: "app", image: "shop" }] };

/** Paths of what is found. */
function pathsIn(object: unknown): string[] {
  const search = findPodSpecs(object);
  return search.kind === "found" ? search.specs.map(({ path }) => path) : [search.path];
}

const nested = (depth: number, inner: unknown): unknown =>
  depth === 0 ? inner : { a: nested(depth - 1, inner) };

describe("findPodSpecs", () => {
  it.each<[string, unknown, string[]]>([
    ["no object", undefined, []],
    ["a text", "containers", []],
    ["an object that is a Pod specification itself", POD, [""]],
    ["a Pod", { spec: POD }, ["spec"]],
    ["a list of templates", { spec: { steps: [{ x: 1 }, { template: POD }] } }, ["spec.steps[1].template"]],
    ["a list in a list", [[POD]], ["[0][0]"]],
    [
      "a Pod specification in another's container",
      { containers: [{ spec: POD }] },
      ["", "containers[0].spec"],
    ],
    ["names of fields that are owned", { metadata: { managedFields: [{ fieldsV1: POD }] } }, []],
    ["fields of that name elsewhere", { spec: { managedFields: POD } }, ["spec.managedFields"]],
    [
      "fields of that name in a template",
      { spec: { metadata: { managedFields: POD } } },
      ["spec.metadata.managedFields"],
    ],
  ])("finds the paths in %s", (_, object, paths) => expect(pathsIn(object)).toEqual(paths));

  it("gives annotations of the template", () => {
    const template = { metadata: { annotations: { a: "b" } }, spec: POD };
    expect(findPodSpecs({ spec: { template } })).toEqual({
      kind: "found",
      specs: [{ path: "spec.template.spec", spec: POD, annotations: { a: "b" } }],
      claims: [],
    });
  });

  it("searches 64 levels deep, and says where it stops", () => {
    expect(findPodSpecs(nested(64, 1)).kind).toBe("found");
    expect(findPodSpecs(nested(5_000, 1))).toEqual({
      kind: "tooDeep",
      path: Array(65).fill("a").join(".").slice(0, 80),
    });
  });
});
