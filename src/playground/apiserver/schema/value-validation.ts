import { isDeepStrictEqual } from "node:util";
import { isUnchanged, oldItemOf, oldMemberOf } from "./correlation.ts";
import {
  childPath,
  type FieldError,
  indexPath,
  typeInvalid,
  valueInvalid,
  valueNotSupported,
  valueRequired,
  valueTooLong,
  valueTooMany,
} from "./field-error.ts";
import { formatCheck } from "./format.ts";
import { isJsonObject, type JsonObject, type JsonSchema, ownMember } from "./json-schema.ts";
import { compilePattern } from "./pattern.ts";

/** Errors of `value`; with `old` (undefined: none) what the update left unchanged is forgiven. */
export type ValueCheck = (value: unknown, path: string, old: unknown) => FieldError[];

/** Compiles all of a schema but its list types and CEL rules; wording as kube-openapi's. */
export function compileValueCheck(schema: JsonSchema): ValueCheck {
  const types = schema["x-kubernetes-int-or-string"]
    ? ["integer", "string"]
    : schema.type
      ? [schema.type]
      : [];
  const checkString = compileStringCheck(schema);
  const checkComposition = compileCompositionCheck(schema);
  const checkObject = compileObjectCheck(schema);
  const checkItem = schema.items && compileValueCheck(schema.items);

  const check: ValueCheck = (value, path, old) => {
    const errors: FieldError[] = [];
    const found = jsonTypeOf(value);
    if (value === null) {
      if (types.length > 0 && !schema.nullable) errors.push(wrongType(path, types, "null"));
      return [...errors, ...enumErrors(schema, value, path)];
    }
    const fits =
      types.length === 0 || types.includes(found) || (found === "integer" && types.includes("number"));
    if (!fits) errors.push(wrongType(path, types, found));
    errors.push(...checkComposition(value, path));
    if (typeof value === "string") errors.push(...checkString(value, path));
    if (typeof value === "number") errors.push(...numberErrors(schema, value, path));
    if (Array.isArray(value)) {
      if (checkItem !== undefined) {
        for (const [index, item] of value.entries()) {
          errors.push(...checkItem(item, indexPath(path, index), oldItemOf(old, schema, item)));
        }
      }
      errors.push(...listErrors(schema, value, path));
    }
    errors.push(...enumErrors(schema, value, path));
    if (isJsonObject(value)) errors.push(...checkObject(value, path, old));
    return errors;
  };

  return (value, path, old) => {
    const errors = check(value, path, old);
    return errors.length > 0 && isUnchanged(value, old) ? [] : errors;
  };
}

function jsonTypeOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value;
}

function wrongType(path: string, types: readonly string[], found: string): FieldError {
  return typeInvalid(
    path,
    found,
    `${path} in body must be of type ${types.join(",")}: ${JSON.stringify(found)}`,
  );
}

function compileStringCheck(schema: JsonSchema): (value: string, path: string) => FieldError[] {
  const { minLength, maxLength, pattern, format } = schema;
  const expression = pattern ? compilePattern(pattern) : undefined;
  const isString = schema.type === undefined || schema.type === "string";
  const hasFormat = format !== undefined && isString ? formatCheck(format) : undefined;

  return (value, path) => {
    const errors: FieldError[] = [];
    const length = minLength === undefined && maxLength === undefined ? 0 : [...value].length;
    if (maxLength !== undefined && length > maxLength) errors.push(valueTooLong(path, maxLength));
    else if (minLength !== undefined && length < minLength) {
      errors.push(valueInvalid(path, value, `${path} in body should be at least ${minLength} chars long`));
    } else if (expression !== undefined && !expression.test(value)) {
      errors.push(valueInvalid(path, value, `${path} in body should match '${pattern}'`));
    }
    if (hasFormat !== undefined && !hasFormat(value)) {
      errors.push(
        typeInvalid(path, value, `${path} in body must be of type ${format}: ${JSON.stringify(value)}`),
      );
    }
    return errors;
  };
}

const INTEGER_RANGE: Record<string, readonly [number, number]> = {
  int32: [-(2 ** 31), 2 ** 31 - 1],
  int64: [-(2 ** 63), 2 ** 63],
};

function numberErrors(schema: JsonSchema, value: number, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const { multipleOf, minimum, maximum, exclusiveMinimum, exclusiveMaximum, format } = schema;
  const say = (text: string) => errors.push(valueInvalid(path, value, `${path} in body should be ${text}`));
  if (schema.type === "integer") {
    const known = format !== undefined && Object.hasOwn(INTEGER_RANGE, format);
    const [min, max] = INTEGER_RANGE[known ? format : "int64"] ?? [0, 0];
    if (!Number.isInteger(value) || value < min || value > max) {
      const kind = known ? `with format ${format}` : "(default format)";
      errors.push(valueInvalid("", "", `Checked value must be of type integer ${kind} in ${path}`));
    }
  }
  if (multipleOf !== undefined && !isMultiple(value, multipleOf)) say(`a multiple of ${multipleOf}`);
  if (minimum !== undefined && (exclusiveMinimum ? value <= minimum : value < minimum)) {
    say(exclusiveMinimum ? `greater than ${minimum}` : `greater than or equal to ${minimum}`);
  }
  if (maximum !== undefined && (exclusiveMaximum ? value >= maximum : value > maximum)) {
    say(exclusiveMaximum ? `less than ${maximum}` : `less than or equal to ${maximum}`);
  }
  return errors;
}

function isMultiple(value: number, factor: number): boolean {
  const quotient = factor < 1 ? (1 / factor) * value : value / factor;
  return Math.abs(quotient - Math.round(quotient)) < 1e-9 * Math.max(1, Math.abs(quotient));
}

function listErrors(schema: JsonSchema, list: readonly unknown[], path: string): FieldError[] {
  const errors: FieldError[] = [];
  const { minItems, maxItems, uniqueItems } = schema;
  if (minItems !== undefined && list.length < minItems) {
    errors.push(valueInvalid(path, list.length, `${path} in body should have at least ${minItems} items`));
  }
  if (maxItems !== undefined && list.length > maxItems)
    errors.push(valueTooMany(path, list.length, maxItems));
  if (uniqueItems) {
    const repeats = list.some((item, index) =>
      list.slice(0, index).some((other) => isDeepStrictEqual(item, other)),
    );
    if (repeats) errors.push(valueInvalid(path, "", `${path} in body shouldn't contain duplicates`));
  }
  return errors;
}

function enumErrors(schema: JsonSchema, value: unknown, path: string): FieldError[] {
  if (!schema.enum?.length || schema.enum.some((allowed) => isDeepStrictEqual(allowed, value))) return [];
  const supported = schema.enum.map((item) => (typeof item === "string" ? item : JSON.stringify(item)));
  return [valueNotSupported(path, value, supported)];
}

function compileObjectCheck(
  schema: JsonSchema,
): (value: JsonObject, path: string, old: unknown) => FieldError[] {
  const properties = new Map(
    Object.entries(schema.properties ?? {}).map(([name, property]) => [name, compileValueCheck(property)]),
  );
  const { additionalProperties, required = [], minProperties, maxProperties } = schema;
  const checkOther =
    typeof additionalProperties === "object" ? compileValueCheck(additionalProperties) : undefined;

  return (value, path, old) => {
    const errors: FieldError[] = [];
    const names = Object.keys(value);
    if (minProperties !== undefined && names.length < minProperties) {
      errors.push(
        valueInvalid(path, names.length, `${path} in body should have at least ${minProperties} properties`),
      );
    }
    if (maxProperties !== undefined && names.length > maxProperties) {
      errors.push(valueTooMany(path, names.length, maxProperties));
    }
    for (const name of names) {
      const property = properties.get(name);
      const memberPath = childPath(path, name);
      if (property === undefined && additionalProperties === false) {
        errors.push(valueInvalid(path, name, `${memberPath} in body is a forbidden property`));
      }
      const check = property ?? checkOther;
      if (check !== undefined)
        errors.push(...check(ownMember(value, name), memberPath, oldMemberOf(old, name)));
    }
    for (const name of required) {
      if (!Object.hasOwn(value, name)) errors.push(valueRequired(childPath(path, name)));
    }
    return errors;
  };
}

/** `allOf`, `anyOf`, `oneOf` and `not`, never forgiven by an update. */
function compileCompositionCheck(schema: JsonSchema): (value: unknown, path: string) => FieldError[] {
  const allOf = (schema.allOf ?? []).map(compileValueCheck);
  const anyOf = (schema.anyOf ?? []).map(compileValueCheck);
  const oneOf = (schema.oneOf ?? []).map(compileValueCheck);
  const not = schema.not && compileValueCheck(schema.not);

  return (value, path) => {
    const errors: FieldError[] = [];
    const say = (text: string) => errors.push(valueInvalid("", "", `${JSON.stringify(path)} must ${text}`));
    const run = (checks: readonly ValueCheck[]) => checks.map((check) => check(value, path, undefined));
    if (anyOf.length > 0) {
      const results = run(anyOf);
      if (results.every((result) => result.length > 0)) {
        say("validate at least one schema (anyOf)");
        errors.push(...fewest(results));
      }
    }
    if (oneOf.length > 0) {
      const results = run(oneOf);
      const valid = results.filter((result) => result.length === 0).length;
      if (valid !== 1) {
        const found = valid === 0 ? "Found none valid" : `Found ${valid} valid alternatives`;
        say(`validate one and only one schema (oneOf). ${found}`);
        if (valid === 0) errors.push(...fewest(results));
      }
    }
    if (allOf.length > 0) {
      const results = run(allOf);
      const valid = results.filter((result) => result.length === 0).length;
      errors.push(...results.flat());
      if (valid !== allOf.length) {
        say(`validate all the schemas (allOf)${valid === 0 ? ". None validated" : ""}`);
      }
    }
    if (not !== undefined && not(value, path, undefined).length === 0) say("not validate the schema (not)");
    return errors;
  };
}

/** The errors of the alternative that came nearest. */
function fewest(results: readonly FieldError[][]): FieldError[] {
  return results.reduce((best, result) => (result.length < best.length ? result : best), results[0] ?? []);
}
