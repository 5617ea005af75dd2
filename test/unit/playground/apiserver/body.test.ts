import { describe, expect, it } from "vitest";
import { parseYaml } from "../../../../src/playground/apiserver/body.ts";
import { copyJson } from "../../../../src/playground/apiserver/object.ts";
import { StatusError } from "../../../../src/playground/apiserver/status.ts";

const parse = (text: string) => parseYaml(Buffer.from(text));

describe("parseYaml", () => {
  it.each([
    ["JSON", '{"a": [1, true, null, "x: y"], "b": {}}'],
    ["a YAML flow mapping, which is no JSON", '{a: [1, true, null, "x: y"], "b": {},}'],
    ["YAML", 'a:\n- 1\n- true\n- null\n- "x: y"\nb: {}'],
  ])("reads %s", (_, text) => {
    expect(parse(text)).toEqual({ a: [1, true, null, "x: y"], b: {} });
  });

  it.each(['{"a": 1, "a": 2}', '{"a": {"b": 1, "\\u0062": 2}}', "a: 1\na: 2", '{"a": 1', ""])(
    "refuses %s",
    (text) => {
      expect(() => parse(text)).toThrow(StatusError);
    },
  );
});

describe("copyJson", () => {
  it("copies every level, also a member with the name of the prototype", () => {
    const value = JSON.parse('{"a": [{"b": null}], "__proto__": {"c": [1]}}');
    const copy = copyJson(value);
    expect(JSON.stringify(copy)).toBe(JSON.stringify(value));
    expect(Object.getPrototypeOf(copy)).toBe(Object.prototype);
    copy.a[0].b = "changed";
    Object.getOwnPropertyDescriptor(copy, "__proto__")?.value.c.push(2);
    expect(JSON.stringify(value)).toBe('{"a":[{"b":null}],"__proto__":{"c":[1]}}');
  });
});
