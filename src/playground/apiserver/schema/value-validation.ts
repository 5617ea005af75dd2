import { isRecord, type JsonObject, ownMember } from "../object.ts";
import { compileCompositionCheck } from "./composition-validation.ts";
import { isUnchanged, oldItemOf, oldMemberOf } from "./correlation.ts";
import {
  childPath,
  type FieldError,
  indexPath,
  typeInvalid,
  valueInvalid,
  valueRequired,
  valueTooLong,
  valueTooMany,
} from "./field-error.ts";
import { formatCheck } from "./format.ts";
import type { JsonSchema } from "./json-schema.ts";
import { compilePattern } from "./pattern.ts";
import { enumErrors, listErrors, numberErrors } from "./scalar-validation.ts";

/** Returns the errors of `value`. With `old`, a value that the update left unchanged has none. */
export type ValueCheck = (value: unknown, path: string, old: unknown) => FieldError[];

/** Compiles a schema except its list types and CEL rules. The texts are those of kube-openapi. */
export function compileValueCheck(schema: JsonSchema): ValueCheck {
  const types = schema["x-kubernetes-int-or-string"]
    ? ["integer", "string"]
    : schema.type
      ? [schema.type]
      : [];
  const checkString = compileStringCheck(schema);
  const checkComposition = compileCompositionCheck(schema, (part) => {
    const checkPart = compileValueCheck(part);
    return (value, path) => checkPart(value, path, undefined);
  });
  const checkObject = compileObjectCheck(schema);
  const checkItem = schema.items && compileValueCheck(schema.items);

  const checkType = (value: unknown, path: string): FieldError[] => {
    const found = jsonTypeOf(value);
    const fits =
      types.length === 0 ||
      types.includes(found) ||
      (found === "integer" && types.includes("number")) ||
      (value === null && schema.nullable === true);
    return fits ? [] : [typeInvalid(path, found, typeMessage(path, types, found))];
  };
  const checkItems = (list: readonly unknown[], path: string, old: unknown): FieldError[] =>
    checkItem === undefined
      ? []
      : list.flatMap((item, index) => checkItem(item, indexPath(path, index), oldItemOf(old, schema, item)));

  const check: ValueCheck = (value, path, old) => {
    const errors = checkType(value, path);
    if (value === null) return [...errors, ...enumErrors(schema, value, path)];
    errors.push(...checkComposition(value, path));
    if (typeof value === "string") errors.push(...checkString(value, path));
    if (typeof value === "number") errors.push(...numberErrors(schema, value, path));
    if (Array.isArray(value)) {
      errors.push(...checkItems(value, path, old), ...listErrors(schema, value, path));
    }
    errors.push(...enumErrors(schema, value, path));
    if (isRecord(value)) errors.push(...checkObject(value, path, old));
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

function typeMessage(path: string, types: readonly string[], found: string): string {
  return `${path} in body must be of type ${types.join(",")}: ${JSON.stringify(found)}`;
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

function compileObjectCheck(
  schema: JsonSchema,
): (value: JsonObject, path: string, old: unknown) => FieldError[] {
  const properties = new Map(
    Object.entries(schema.properties ?? {}).map(([name, property]) => [name, compileValueCheck(property)]),
  );
  const { additionalProperties, required = [] } = schema;
  const checkOther =
    typeof additionalProperties === "object" ? compileValueCheck(additionalProperties) : undefined;

  return (value, path, old) => {
    const errors: FieldError[] = [];
    const names = Object.keys(value);
    errors.push(...sizeErrors(schema, names.length, path));
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

function sizeErrors({ minProperties, maxProperties }: JsonSchema, size: number, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (minProperties !== undefined && size < minProperties) {
    errors.push(valueInvalid(path, size, `${path} in body should have at least ${minProperties} properties`));
  }
  if (maxProperties !== undefined && size > maxProperties)
    errors.push(valueTooMany(path, size, maxProperties));
  return errors;
}
