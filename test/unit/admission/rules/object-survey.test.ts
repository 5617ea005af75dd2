import { describe, expect, it } from "vitest";
import { surveyOf } from "../../../../src/admission/rules/object-survey.ts";
import { ANNOTATION } from "../../../../src/api/label.ts";

const POD = { containers: [{ name: "app", image: "shop" }] };

const pathsIn = (object: unknown): string[] => surveyOf(object).podSpecs.map(({ path }) => path);

const nested = (depth: number, inner: unknown): unknown =>
  depth === 0 ? inner : { a: nested(depth - 1, inner) };

describe("the Pod specifications of a survey", () => {
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
  ])("finds Pod specifications in %s", (_, object, paths) => expect(pathsIn(object)).toEqual(paths));

  it.each(["containers", "initContainers", "ephemeralContainers"])(
    "finds a Pod specification by %s alone",
    (list) => expect(pathsIn({ spec: { [list]: [{ name: "app" }] } })).toEqual(["spec"]),
  );

  it("returns a Pod specification with the annotations of its template", () => {
    const template = { metadata: { annotations: { a: "b" } }, spec: POD };
    expect(surveyOf({ spec: { template } }).podSpecs).toEqual([
      { path: "spec.template.spec", spec: POD, annotations: { a: "b" } },
    ]);
  });
});

describe("the evidence of a survey", () => {
  const score = { [ANNOTATION.score]: "90" };

  it.each<[string, object, Record<string, string>]>([
    [
      "an annotation",
      { metadata: { annotations: score } },
      { [`metadata.annotations[${ANNOTATION.score}]`]: '"90"' },
    ],
    [
      "a value of a chart",
      { spec: { values: [{ x: score }] } },
      { [`spec.values[0].x[${ANNOTATION.score}]`]: '"90"' },
    ],
    [
      "a member that holds a list",
      { [ANNOTATION.approvedBy]: ["amal"] },
      { [`[${ANNOTATION.approvedBy}]`]: '["amal"]' },
    ],
    ["names of fields that are owned", { metadata: { managedFields: [{ fieldsV1: score }] } }, {}],
  ])("finds evidence in %s", (_, object, evidence) =>
    expect(Object.fromEntries(surveyOf(object).evidence)).toEqual(evidence),
  );
});

describe("the depth of a survey", () => {
  it("ends after 64 levels, and says where", () => {
    expect(surveyOf(nested(64, 1)).tooDeepAt).toBeUndefined();
    expect(surveyOf(nested(5_000, 1)).tooDeepAt).toBe(Array(65).fill("a").join(".").slice(0, 80));
  });

  it("leaves out deeper members, and searches the others", () => {
    const survey = surveyOf({ deep: nested(5_000, POD), spec: POD });
    expect(survey.podSpecs.map(({ path }) => path)).toEqual(["spec"]);
  });
});
