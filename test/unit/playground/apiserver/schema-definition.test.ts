import { describe, expect, it } from "vitest";
import {
  type CrdVersion,
  type CustomResourceDefinition,
  validateCustomResourceDefinition,
} from "../../../../src/playground/apiserver/schema/crd-validation.ts";
import type { JsonSchema } from "../../../../src/playground/apiserver/schema/json-schema.ts";

function crd(change: {
  schema?: JsonSchema;
  version?: Partial<CrdVersion>;
  spec?: Partial<CustomResourceDefinition["spec"]>;
  name?: string;
}): CustomResourceDefinition {
  const { schema = { type: "object" }, version = {}, spec = {}, name = "foos.x.io" } = change;
  return {
    metadata: { name },
    spec: {
      group: "x.io",
      scope: "Cluster",
      names: { plural: "foos", singular: "foo", kind: "Foo", listKind: "FooList" },
      versions: [
        { name: "v1", served: true, storage: true, schema: { openAPIV3Schema: schema }, ...version },
      ],
      ...spec,
    },
  };
}

const field = (a: JsonSchema): JsonSchema => ({
  type: "object",
  properties: { spec: { type: "object", properties: { a } } },
});
const AT = "spec.validation.openAPIV3Schema.properties[spec].properties[a]";
const problems = (definition: CustomResourceDefinition, old?: CustomResourceDefinition) =>
  validateCustomResourceDefinition(definition, old).map((error) => `${error.field}: ${error.message}`);

// The expected messages are those of kube-apiserver 1.36.
describe("the schema of a CRD", () => {
  it.each<[string, JsonSchema, string[]]>([
    [
      "a field without a type",
      {},
      [`${AT}.type: Required value: must not be empty for specified object fields`],
    ],
    ["a list without items", { type: "array" }, [`${AT}.items: Required value: must be specified`]],
    [
      "an unknown type",
      { type: "foo" },
      [
        `${AT}.type: Unsupported value: "foo": supported values: "array", "boolean", "integer", "number", "object", "string"`,
      ],
    ],
    [
      "properties beside additionalProperties",
      { type: "object", properties: { b: { type: "string" } }, additionalProperties: { type: "string" } },
      [`${AT}.additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive`],
    ],
    [
      "lookaround, which RE2 has not",
      { type: "string", pattern: "a(?=b)" },
      [
        `${AT}.pattern: Invalid value: "a(?=b)": must be a valid regular expression, but isn't: error parsing regexp: invalid or unsupported Perl syntax: \`(?=\``,
      ],
    ],
    [
      "uniqueItems",
      { type: "array", uniqueItems: true, items: { type: "string" } },
      [
        `${AT}.uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic`,
      ],
    ],
    [
      "a type inside of a composition",
      { type: "string", allOf: [{ type: "string" }] },
      [`${AT}.allOf[0].type: Forbidden: must be empty to be structural`],
    ],
    [
      "the one union that is structural",
      { "x-kubernetes-int-or-string": true, anyOf: [{ type: "integer" }, { type: "string" }] },
      [],
    ],
    [
      "a list map without keys",
      { type: "array", "x-kubernetes-list-type": "map", items: { type: "object" } },
      [
        `${AT}.x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map`,
      ],
    ],
    [
      "a list map whose key is optional",
      {
        type: "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["b"],
        items: { type: "object", properties: { b: { type: "string" } } },
      },
      [
        `${AT}.items.properties[b].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property`,
      ],
    ],
    [
      "a default of another type",
      { type: "string", default: 5 },
      [`${AT}.default: Invalid value: "integer":  in body must be of type string: "integer"`],
    ],
    [
      "a default with unknown fields",
      { type: "object", properties: { b: { type: "string" } }, default: { c: 1 } },
      [`${AT}.default: Invalid value: {"c":1}: must not have unknown fields`],
    ],
    [
      "an empty rule",
      { type: "string", "x-kubernetes-validations": [{ rule: " " }] },
      [`${AT}.x-kubernetes-validations[0].rule: Required value: rule is not specified`],
    ],
    [
      "a broken line without a message",
      { type: "string", "x-kubernetes-validations": [{ rule: "true &&\ntrue" }] },
      [
        `${AT}.x-kubernetes-validations[0].message: Required value: message must be specified if rule contains line breaks`,
      ],
    ],
    [
      "a field path to nowhere",
      {
        type: "object",
        properties: { b: { type: "string" } },
        "x-kubernetes-validations": [{ rule: "true", fieldPath: ".c" }],
      },
      [`${AT}.x-kubernetes-validations[0].fieldPath: Invalid value: ".c": must be a valid path`],
    ],
    [
      "a rule that does not compile",
      { type: "string", "x-kubernetes-validations": [{ rule: "self > 1" }] },
      [
        `${AT}.x-kubernetes-validations[0].rule: Invalid value: {"Rule":"self \\u003e 1","Message":"","MessageExpression":"","Reason":null,"FieldPath":"","OptionalOldSelf":null}: compilation failed: ERROR: <input>:1:6: found no matching overload for '_>_' applied to '(string, int)'\n | self > 1\n | .....^`,
      ],
    ],
    [
      "a rule that is no question",
      { type: "string", "x-kubernetes-validations": [{ rule: "self" }] },
      [
        `${AT}.x-kubernetes-validations[0].rule: Invalid value: {"Rule":"self","Message":"","MessageExpression":"","Reason":null,"FieldPath":"","OptionalOldSelf":null}: cel expression must evaluate to a bool`,
      ],
    ],
    [
      "a transition rule where items have no identity",
      {
        type: "array",
        items: { type: "string", "x-kubernetes-validations": [{ rule: "self == oldSelf" }] },
      },
      [
        `${AT}.items.x-kubernetes-validations[0].rule: Invalid value: "self == oldSelf": oldSelf cannot be used on the uncorrelatable portion of the schema within ${AT}`,
      ],
    ],
    [
      "optionalOldSelf without oldSelf",
      { type: "string", "x-kubernetes-validations": [{ rule: "true", optionalOldSelf: true }] },
      [
        `${AT}.x-kubernetes-validations[0].optionalOldSelf: Invalid value: true: may not be set if oldSelf is not used in rule`,
      ],
    ],
  ])("is refused or not for %s", (_, a, expected) => {
    expect(problems(crd({ schema: field(a) }))).toEqual(expected);
  });

  it.each<[string, string, boolean]>([
    ["self.l.all(i, v, v == 'a')", "two variables", false],
    ["cel.bind(x, self.a, x == 'a')", "bindings", false],
    ["semver('1.2.3').major() == 1", "semver", false],
    ["self.a.matches('(')", "a literal that is no pattern", false],
    ["[1, 'a'].size() == 2", "mixed lists", false],
    ["'%s is %d'.format(['a', 1]) == 'x'", "mixed lists for format", true],
  ])("%s: %s", (rule, _, accepted) => {
    const schema: JsonSchema = {
      type: "object",
      properties: {
        spec: {
          type: "object",
          properties: { a: { type: "string" }, l: { type: "array", items: { type: "string" } } },
          "x-kubernetes-validations": [{ rule }],
        },
      },
    };
    expect(problems(crd({ schema }))).toHaveLength(accepted ? 0 : 1);
  });
});

describe("a CRD", () => {
  const version = crd({}).spec.versions[0] as CrdVersion;

  it.each<[string, Parameters<typeof crd>[0], string[]]>([
    ["nothing wrong", {}, []],
    [
      "another name",
      { name: "x" },
      ['metadata.name: Invalid value: "x": must be spec.names.plural+"."+spec.group'],
    ],
    [
      "a scope of its own",
      { spec: { scope: "Foo" } },
      ['spec.scope: Unsupported value: "Foo": supported values: "Cluster", "Namespaced"'],
    ],
    [
      "no storage version",
      { version: { storage: false } },
      [
        expect.stringMatching(/^spec\.versions: .* must have exactly one version marked as storage version$/),
        "status.storedVersions: Invalid value: null: must have at least one stored version",
      ],
    ],
    [
      "one version twice",
      { spec: { versions: [version, { ...version, storage: false }] } },
      [expect.stringMatching(/must contain unique version names$/)],
    ],
    [
      "versions that differ, named by their own place",
      {
        spec: {
          versions: [
            version,
            { ...version, name: "v2", storage: false, schema: { openAPIV3Schema: field({}) } },
          ],
        },
      },
      [
        "spec.versions[1].schema.openAPIV3Schema.properties[spec].properties[a].type: Required value: must not be empty for specified object fields",
      ],
    ],
    [
      "a conversion webhook",
      { spec: { conversion: { strategy: "Webhook" } } },
      ["spec.conversion.strategy: Forbidden: this API server calls no conversion webhooks: use None"],
    ],
    [
      "a column without a path",
      { version: { additionalPrinterColumns: [{ name: "a", type: "string" }] } },
      ["spec.additionalPrinterColumns[0].JSONPath: Required value"],
    ],
  ])("with %s", (_, change, expected) => {
    expect(problems(crd(change))).toEqual(expected);
  });

  it("keeps its scope and kind", () => {
    const changed = crd({ spec: { scope: "Namespaced" } });
    expect(problems(changed, crd({}))).toEqual([
      'spec.scope: Invalid value: "Namespaced": field is immutable',
    ]);
  });
});
