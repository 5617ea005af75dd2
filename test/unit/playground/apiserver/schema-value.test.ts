import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../../src/playground/apiserver/object.ts";
import { invalidObject } from "../../../../src/playground/apiserver/schema/field-error.ts";
import type { JsonSchema } from "../../../../src/playground/apiserver/schema/json-schema.ts";
import { compileStructuralSchema } from "../../../../src/playground/apiserver/schema/structural-schema.ts";

// The expected messages are those of kube-apiserver 1.36 for the same schema and value.
const SPEC: Record<string, JsonSchema> = {
  fqdn: { type: "string", minLength: 2, maxLength: 10, pattern: "^[a-z.]+$" },
  role: { type: "string", enum: ["Cz", "Fr"], default: "Cz" },
  replicas: { type: "integer", minimum: 1, maximum: 100, default: 2 },
  i32: { type: "integer", format: "int32" },
  num: { type: "number", minimum: 0, exclusiveMinimum: true, maximum: 10, exclusiveMaximum: true },
  half: { type: "number", multipleOf: 0.5 },
  en: { type: "integer", enum: [1, 2] },
  tiers: {
    type: "array",
    minItems: 1,
    maxItems: 3,
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["id"],
    items: { type: "object", required: ["id"], properties: { id: { type: "string" } } },
  },
  set: { type: "array", "x-kubernetes-list-type": "set", items: { type: "string" } },
  map: {
    type: "object",
    maxProperties: 2,
    minProperties: 1,
    additionalProperties: { type: "string", maxLength: 3 },
  },
  when: { type: "string", format: "date-time" },
  bake: { type: "string", format: "duration" },
  uri: { type: "string", format: "uri" },
  ip: { type: "string", format: "ipv4" },
  ios: { "x-kubernetes-int-or-string": true },
  nu: { type: "string", nullable: true },
  str: { type: "string" },
  free: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
  emb: {
    type: "object",
    "x-kubernetes-embedded-resource": true,
    "x-kubernetes-preserve-unknown-fields": true,
  },
  one: {
    type: "object",
    properties: { a: { type: "string" }, b: { type: "string" } },
    oneOf: [{ required: ["a"] }, { required: ["b"] }],
  },
  any: { type: "object", properties: { a: { type: "string" } }, anyOf: [{ required: ["a"] }] },
  not: { type: "object", properties: { a: { type: "string" } }, not: { required: ["a"] } },
  obj: {
    type: "object",
    required: ["k"],
    properties: {
      k: { type: "string" },
      d: { type: "object", default: {}, properties: { e: { type: "string", default: "E" } } },
    },
  },
  odd: { type: "string", format: "no-such-format" },
};
const schema = compileStructuralSchema({
  type: "object",
  required: ["spec"],
  properties: { spec: { type: "object", required: ["fqdn"], properties: SPEC } },
});

const object = (spec: JsonObject): JsonObject => ({
  apiVersion: "x.io/v1",
  kind: "Bar",
  metadata: { name: "n" },
  spec: { fqdn: "a.b", ...spec },
});

function errorsOf(spec: JsonObject): string[] {
  const given = object(spec);
  schema.default(given);
  schema.prune(given);
  return schema.validate(given).map(({ field, message }) => `${field}: ${message}`);
}

describe("validation of values", () => {
  it.each<[JsonObject, string[]]>([
    [{}, []],
    [{ fqdn: "a" }, ['spec.fqdn: Invalid value: "a": spec.fqdn in body should be at least 2 chars long']],
    [{ fqdn: "abcdefghijk" }, ["spec.fqdn: Too long: may not be more than 10 bytes"]],
    [{ fqdn: "AB" }, ["spec.fqdn: Invalid value: \"AB\": spec.fqdn in body should match '^[a-z.]+$'"]],
    [{ fqdn: null }, ["spec.fqdn: Required value"]],
    [
      { fqdn: 5 },
      ['spec.fqdn: Invalid value: "integer": spec.fqdn in body must be of type string: "integer"'],
    ],
    [{ role: "Bad" }, ['spec.role: Unsupported value: "Bad": supported values: "Cz", "Fr"']],
    [
      { replicas: 0 },
      ["spec.replicas: Invalid value: 0: spec.replicas in body should be greater than or equal to 1"],
    ],
    [
      { replicas: 101 },
      ["spec.replicas: Invalid value: 101: spec.replicas in body should be less than or equal to 100"],
    ],
    [
      { replicas: "x" },
      ['spec.replicas: Invalid value: "string": spec.replicas in body must be of type integer: "string"'],
    ],
    [
      { i32: 3e9 },
      ['<nil>: Invalid value: "": Checked value must be of type integer with format int32 in spec.i32'],
    ],
    [{ num: 0 }, ["spec.num: Invalid value: 0: spec.num in body should be greater than 0"]],
    [{ num: 10 }, ["spec.num: Invalid value: 10: spec.num in body should be less than 10"]],
    [{ half: 0.3 }, ["spec.half: Invalid value: 0.3: spec.half in body should be a multiple of 0.5"]],
    [{ en: 3 }, ['spec.en: Unsupported value: 3: supported values: "1", "2"']],
    [{ tiers: [] }, ["spec.tiers: Invalid value: 0: spec.tiers in body should have at least 1 items"]],
    [{ tiers: [{}] }, ["spec.tiers[0].id: Required value"]],
    [{ tiers: [{ id: "a" }, { id: "a" }] }, ['spec.tiers[1]: Duplicate value: {"id":"a"}']],
    [
      { tiers: [{ id: "a" }, { id: "b" }, { id: "c" }, { id: "d" }] },
      ["spec.tiers: Too many: 4: must have at most 3 items"],
    ],
    [{ set: ["a", "b", "a", "a"] }, ['spec.set[2]: Duplicate value: "a"']],
    [{ map: {} }, ["spec.map: Invalid value: 0: spec.map in body should have at least 1 properties"]],
    [{ map: { a: "b", c: "d", e: "f" } }, ["spec.map: Too many: 3: must have at most 2 items"]],
    [{ map: { a: "long" } }, ["spec.map.a: Too long: may not be more than 3 bytes"]],
    [
      { when: "zzz" },
      ['spec.when: Invalid value: "zzz": spec.when in body must be of type date-time: "zzz"'],
    ],
    [{ when: "2026-02-30T00:00:00Z" }, [expect.stringContaining("must be of type date-time")]],
    [{ bake: "1h30m" }, []],
    [{ bake: "1d" }, []],
    [{ bake: "x" }, ['spec.bake: Invalid value: "x": spec.bake in body must be of type duration: "x"']],
    [{ uri: "x" }, ['spec.uri: Invalid value: "x": spec.uri in body must be of type uri: "x"']],
    [{ ip: "1.2.3" }, ['spec.ip: Invalid value: "1.2.3": spec.ip in body must be of type ipv4: "1.2.3"']],
    [{ ios: "50%" }, []],
    [
      { ios: true },
      ['spec.ios: Invalid value: "boolean": spec.ios in body must be of type integer,string: "boolean"'],
    ],
    [{ nu: null }, []],
    [{ emb: {} }, ["spec.emb.apiVersion: Required value", "spec.emb.kind: Required value"]],
    [
      { one: {} },
      [
        '<nil>: Invalid value: "": "spec.one" must validate one and only one schema (oneOf). Found none valid',
        "spec.one.a: Required value",
      ],
    ],
    [
      { one: { a: "x", b: "y" } },
      [
        '<nil>: Invalid value: "": "spec.one" must validate one and only one schema (oneOf). Found 2 valid alternatives',
      ],
    ],
    [
      { any: {} },
      [
        '<nil>: Invalid value: "": "spec.any" must validate at least one schema (anyOf)',
        "spec.any.a: Required value",
      ],
    ],
    [{ not: { a: "x" } }, ['<nil>: Invalid value: "": "spec.not" must not validate the schema (not)']],
    [{ obj: {} }, ["spec.obj.k: Required value"]],
    [{ odd: "anything" }, []],
  ])("%j", (spec, expected) => {
    expect(errorsOf(spec)).toEqual(expected);
  });

  it("puts every error into one Status", () => {
    const given = object({ role: "Bad", replicas: 0 });
    expect(invalidObject("x.io", "Bar", "n", schema.validate(given)).toStatus()).toEqual({
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message:
        'Bar.x.io "n" is invalid: [spec.role: Unsupported value: "Bad": supported values: "Cz", "Fr", spec.replicas: Invalid value: 0: spec.replicas in body should be greater than or equal to 1]',
      reason: "Invalid",
      details: {
        name: "n",
        group: "x.io",
        kind: "Bar",
        causes: [
          {
            reason: "FieldValueNotSupported",
            message: 'Unsupported value: "Bad": supported values: "Cz", "Fr"',
            field: "spec.role",
          },
          {
            reason: "FieldValueInvalid",
            message: "Invalid value: 0: spec.replicas in body should be greater than or equal to 1",
            field: "spec.replicas",
          },
        ],
      },
      code: 422,
    });
  });

  it("does not refuse an update because of unchanged values", () => {
    const old = object({ role: "Bad", tiers: [{ id: "a" }, { id: "a" }] });
    expect(
      schema.validate(object({ role: "Bad", tiers: [{ id: "a" }, { id: "a" }], str: "new" }), old),
    ).toEqual([]);
    expect(schema.validate(object({ role: "Worse" }), old)).toHaveLength(1);
  });
});

describe("defaults and pruning", () => {
  it("sets defaults, also inside of a default and instead of a null", () => {
    const given = object({ role: null, obj: { k: "x" } });
    schema.default(given);
    expect(given.spec).toEqual({ fqdn: "a.b", role: "Cz", replicas: 2, obj: { k: "x", d: { e: "E" } } });
  });

  it("does not share a default between objects", () => {
    const [first, second] = [object({ obj: { k: "x" } }), object({ obj: { k: "x" } })];
    schema.default(first);
    schema.default(second);
    const inner = (given: JsonObject) => ((given.spec as JsonObject).obj as JsonObject).d as JsonObject;
    inner(first).e = "changed";
    expect(inner(second).e).toBe("E");
  });

  it("removes unknown fields and returns their paths", () => {
    const given: JsonObject = {
      ...object({ zz: 1, free: { kept: 1 }, tiers: [{ id: "a", extra: 1 }], map: { any: "x" } }),
      metadata: { name: "n", labels: { a: "b" }, foo: 1 },
      status: {},
    };
    expect(schema.prune(given)).toEqual(["metadata.foo", "spec.tiers[0].extra", "spec.zz", "status"]);
    expect(given.spec).toEqual({ fqdn: "a.b", free: { kept: 1 }, tiers: [{ id: "a" }], map: { any: "x" } });
  });

  it("removes unknown metadata of an embedded resource", () => {
    const given = object({ emb: { apiVersion: "v1", kind: "Pod", metadata: { name: "x", foo: 1 }, zz: 1 } });
    expect(schema.prune(given)).toEqual(["spec.emb.metadata.foo"]);
  });

  it("removes nulls that are neither allowed nor replaced by a default", () => {
    const given = object({ str: null, nu: null });
    schema.prune(given);
    expect(given.spec).toEqual({ fqdn: "a.b", nu: null });
  });

  it("does not change a prototype, for any member name", () => {
    const hostile = JSON.parse(
      '{"spec":{"fqdn":"a.b","__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"free":{"__proto__":{"polluted":1}},"map":{"__proto__":"x"}}}',
    ) as JsonObject;
    schema.default(hostile);
    expect(schema.prune(hostile)).toEqual(["spec.__proto__", "spec.constructor"]);
    expect(schema.validate(hostile)).toEqual([]);
    const defaulting = compileStructuralSchema(
      JSON.parse(
        '{"type":"object","properties":{"__proto__":{"type":"object","default":{"polluted":1}}}}',
      ) as JsonSchema,
    );
    const target: JsonObject = {};
    defaulting.default(target);
    expect(Object.hasOwn(target, "__proto__")).toBe(true);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    expect(Object.getPrototypeOf(target)).toBe(Object.prototype);
  });
});
