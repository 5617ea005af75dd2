import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../../src/playground/apiserver/object.ts";
import type { JsonSchema, ValidationRule } from "../../../../src/playground/apiserver/schema/json-schema.ts";
import {
  compileStructuralSchema,
  SchemaCompileError,
} from "../../../../src/playground/apiserver/schema/structural-schema.ts";

const TEXT: JsonSchema = { type: "string" };
const PROPERTIES: Record<string, JsonSchema> = {
  a: TEXT,
  n: { type: "integer" },
  d: { type: "number" },
  b: { type: "boolean" },
  namespace: TEXT,
  "x-y": TEXT,
  l: { type: "array", items: TEXT },
  o: { type: "object", properties: { p: TEXT } },
  m: { type: "object", additionalProperties: { type: "integer" } },
  t: { type: "string", format: "date-time" },
  du: { type: "string", format: "duration" },
  ios: { "x-kubernetes-int-or-string": true },
  tiers: {
    type: "array",
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["id"],
    items: {
      type: "object",
      required: ["id"],
      properties: {
        id: TEXT,
        price: {
          type: "integer",
          "x-kubernetes-validations": [{ rule: "self >= oldSelf", message: "price never falls" }],
        },
      },
    },
  },
};

const schemaWith = (...rules: ValidationRule[]): JsonSchema => ({
  type: "object",
  properties: {
    spec: { type: "object", properties: PROPERTIES, "x-kubernetes-validations": rules },
  },
});

const holds = (rule: string, spec: JsonObject) =>
  compileStructuralSchema(schemaWith({ rule })).validate({ spec }).length === 0;

const errors = (rule: ValidationRule, spec: JsonObject, old?: JsonObject) =>
  compileStructuralSchema(schemaWith(rule))
    .validate({ spec }, old && { spec: old })
    .map(({ type, field, message }) => [type, `${field}: ${message}`]);

describe("CEL in schemas", () => {
  it.each<[string, JsonObject, boolean]>([
    ["self.a == 'x'", { a: "x" }, true],
    ["has(self.namespace) && self.namespace == 'x'", { namespace: "x" }, true],
    ["self.__namespace__ == 'x'", { namespace: "x" }, true],
    ["self.x__dash__y == 'a'", { "x-y": "a" }, true],
    ["!has(self.a)", {}, true],
    ["self.n > 1 && self.n / 2 == 1", { n: 3 }, true],
    ["self.d > 1.5", { d: 2 }, true],
    ["self.l == ['a', 'b']", { l: ["a", "b"] }, true],
    ["self.l.all(x, x.size() > 1)", { l: ["ab", "c"] }, false],
    ["self.l.exists_one(x, x == 'a')", { l: ["a", "b"] }, true],
    ["self.l.map(x, x + '!') == ['a!']", { l: ["a"] }, true],
    ["self.m['a'] == 1 && 'a' in self.m && size(self.m) == 1", { m: { a: 1 } }, true],
    ["self.m.all(k, self.m[k] > 1)", { m: { a: 1 } }, false],
    [
      "self.o.p == 'a' && self.o != null && has(self.tiers[0].id)",
      { o: { p: "a" }, tiers: [{ id: "a" }] },
      true,
    ],
    ["has(self.tiers[0].price)", { tiers: [{ id: "a" }] }, false],
    ["self.t > timestamp('2020-01-01T00:00:00Z')", { t: "2021-01-01T00:00:00Z" }, true],
    ["self.t.getFullYear() == 2021", { t: "2021-01-01T00:00:00Z" }, true],
    ["self.du > duration('1h')", { du: "61m" }, true],
    ["type(self.ios) == int ? self.ios == 1 : self.ios == '1%'", { ios: "1%" }, true],
    ["type(self.ios) == int ? self.ios == 1 : self.ios == '1%'", { ios: 1 }, true],
    ["self.?a.orValue('none') == 'none'", {}, true],
    ["self.tiers.exists(t, t.id == 'b' && t.price == 2)", { tiers: [{ id: "b", price: 2 }] }, true],
    ["self.a.matches('(?i)^ABC$')", { a: "abc" }, true],
    ["self.a.matches('^[[:alpha:]]+$')", { a: "a1" }, false],
    ["self.a.find('[0-9]+') == '12' && self.a.findAll('[0-9]') == ['1', '2']", { a: "x12" }, true],
    ["self.a.lowerAscii() == 'aÉ'", { a: "AÉ" }, true],
    ["self.a.substring(1, 2) == '😀' && self.a.indexOf('b') == 2", { a: "a😀b" }, true],
    ["self.a.split(',').join('-') == 'a-b' && self.a.replace(',', '') == 'ab'", { a: "a,b" }, true],
    ["self.a.charAt(1) == 'b' && self.a.trim() == self.a", { a: "ab" }, true],
    ["'%s is %d'.format([self.a, self.n]) == 'x is 3'", { a: "x", n: 3 }, true],
    ["quantity('1.5Gi').isGreaterThan(quantity('1500Mi')) && quantity('1k').asInteger() == 1000", {}, true],
    ["quantity(self.a).add(quantity('50m')).compareTo(quantity('150m')) == 0", { a: "100m" }, true],
    ["isQuantity('x')", {}, false],
    ["url(self.a).getHostname() == 'h' && url(self.a).getPort() == '80'", { a: "http://h:80/p?q=1" }, true],
    [
      "url(self.a).getQuery()['q'] == ['1'] && url(self.a).getEscapedPath() == '/p'",
      { a: "http://h/p?q=1" },
      true,
    ],
    ["isURL('not a url')", {}, false],
    ["ip(self.a).family() == 6 && ip(self.a).isLoopback()", { a: "::1" }, true],
    ["cidr('10.0.0.0/8').containsIP(self.a)", { a: "10.1.2.3" }, true],
    [
      "cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16') && string(cidr('10.1.2.3/8').masked()) == '10.0.0.0/8'",
      {},
      true,
    ],
    ["!format.dns1123Label().validate(self.a).hasValue()", { a: "ok" }, true],
    ["format.dns1123Label().validate(self.a).hasValue()", { a: "Not" }, true],
    ["sets.contains(self.l, ['a']) && sets.equivalent(self.l, ['b', 'a'])", { l: ["a", "b"] }, true],
    [
      "self.l.isSorted() && self.l.min() == 'a' && self.l.max() == 'c' && self.l.indexOf('c') == 1",
      { l: ["a", "c"] },
      true,
    ],
    ["[1, 2, 3].sum() == 6", {}, true],
  ])("%s on %j is %s", (rule, spec, expected) => {
    expect(holds(rule, spec)).toBe(expected);
  });

  it.each<[ValidationRule, string, string]>([
    [{ rule: "self.a == 'x'" }, "FieldValueInvalid", "spec: Invalid value: failed rule: self.a == 'x'"],
    [
      { rule: "self.a == 'x'", message: " a must be x " },
      "FieldValueInvalid",
      "spec: Invalid value: a must be x",
    ],
    [
      { rule: "self.a == 'x'", message: "no", messageExpression: "'not ' + self.a" },
      "FieldValueInvalid",
      "spec: Invalid value: not y",
    ],
    [
      { rule: "self.a == 'x'", message: "plain", messageExpression: "self.l[9]" },
      "FieldValueInvalid",
      "spec: Invalid value: plain",
    ],
    [
      { rule: "self.a == 'x'", message: "no", reason: "FieldValueForbidden" },
      "FieldValueForbidden",
      "spec: Forbidden: no",
    ],
    [
      { rule: "self.a == 'x'", message: "no", reason: "FieldValueRequired", fieldPath: ".o.p" },
      "FieldValueRequired",
      "spec.o.p: Required value: no",
    ],
    [
      { rule: "self.l[2] == 'x'" },
      "FieldValueInvalid",
      "spec: Invalid value: \"object\": index out of bounds: 2 evaluating rule: self.l[2] == 'x'",
    ],
    [
      { rule: "self.m['zz'] == 1", message: "zz must be 1" },
      "FieldValueInvalid",
      'spec: Invalid value: "object": no such key: zz evaluating rule: zz must be 1',
    ],
    [
      { rule: "self.ios > 1" },
      "FieldValueInvalid",
      "spec: Invalid value: \"object\": 'no such overload': call arguments did not match a supported operator, function or macro signature for rule: self.ios > 1",
    ],
  ])("%j fails with its reason, place and message", (rule, type, message) => {
    expect(errors(rule, { a: "y", l: ["a"], m: { a: 1 }, ios: "x" })).toEqual([[type, message]]);
  });

  it("runs transition rules only on updates, and matches list entries by key", () => {
    const rule = { rule: "self.a == oldSelf.a", message: "a is immutable" };
    expect(errors(rule, { a: "x" })).toEqual([]);
    expect(errors(rule, { a: "x" }, { a: "y" })).toEqual([
      ["FieldValueInvalid", "spec: Invalid value: a is immutable"],
    ]);
    const prices = (...pairs: [string, number][]) => ({ tiers: pairs.map(([id, price]) => ({ id, price })) });
    expect(errors({ rule: "true" }, prices(["b", 2], ["a", 3]), prices(["a", 3], ["b", 3]))).toEqual([
      ["FieldValueInvalid", "spec.tiers[0].price: Invalid value: 2: price never falls"],
    ]);
    expect(errors({ rule: "true" }, prices(["c", 1]), prices(["a", 3]))).toEqual([]);
  });

  it("gives an optional oldSelf to rules that ask for one", () => {
    const rule = { rule: "!oldSelf.hasValue() || oldSelf.value().a == self.a", optionalOldSelf: true };
    expect(errors(rule, { a: "x" })).toEqual([]);
    expect(errors(rule, { a: "x" }, { a: "y" })).toHaveLength(1);
  });

  it("accepts an unchanged value that broke the rule before", () => {
    const rule = { rule: "self.a == 'x'" };
    const schema = compileStructuralSchema(schemaWith(rule));
    const old = { spec: { a: "y" } };
    expect(schema.validate({ spec: { a: "y" }, status: {} }, old)).toEqual([]);
    expect(schema.validate({ spec: { a: "z" } }, old)).toHaveLength(1);
  });

  it("does not run rules on an object whose shape is wrong, and says so", () => {
    expect(errors({ rule: "self.a == 'x'" }, { a: 1 })).toEqual([
      [
        "FieldValueTypeInvalid",
        'spec.a: Invalid value: "integer": spec.a in body must be of type string: "integer"',
      ],
      [
        "FieldValueInvalid",
        "<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation",
      ],
    ]);
  });

  it("shows a resource's name at its root", () => {
    const schema = compileStructuralSchema({
      type: "object",
      "x-kubernetes-validations": [{ rule: "self.metadata.name.size() < 4", message: "name too long" }],
    });
    expect(schema.validate({ metadata: { name: "long-one" } })).toEqual([
      { type: "FieldValueInvalid", field: "<nil>", message: "Invalid value: name too long" },
    ]);
  });

  it("finds only own members of a value, and no inherited ones", () => {
    expect(holds("!has(self.o.p)", { o: JSON.parse('{"__proto__":{"p":"x"}}') })).toBe(true);
    expect(holds("!('constructor' in self.m)", { m: {} })).toBe(true);
  });

  it("refuses to compile a schema with a rule that does not", () => {
    const compile = () =>
      compileStructuralSchema(schemaWith({ rule: "self.zz == 1" }), { group: "x.io", kind: "Bar" });
    expect(compile).toThrow(SchemaCompileError);
    expect(compile).toThrow(
      "Bar.x.io: .properties[spec].x-kubernetes-validations[0].rule: compilation failed: ERROR: <input>:1:5: undefined field 'zz'\n | self.zz == 1\n | ....^",
    );
  });
});
