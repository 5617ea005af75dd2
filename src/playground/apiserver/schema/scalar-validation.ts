import { isDeepStrictEqual } from "node:util";
import { type FieldError, valueInvalid, valueNotSupported, valueTooMany } from "./field-error.ts";
import type { JsonSchema } from "./json-schema.ts";

// The texts are those of kube-openapi.

const INTEGER_RANGE: Record<string, readonly [number, number]> = {
  int32: [-(2 ** 31), 2 ** 31 - 1],
  int64: [-(2 ** 63), 2 ** 63],
};

export function numberErrors(schema: JsonSchema, value: number, path: string): FieldError[] {
  const errors = schema.type === "integer" ? integerErrors(schema, value, path) : [];
  const { multipleOf, minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema;
  const say = (text: string) => errors.push(valueInvalid(path, value, `${path} in body should be ${text}`));
  if (multipleOf !== undefined && !isMultiple(value, multipleOf)) say(`a multiple of ${multipleOf}`);
  if (minimum !== undefined && (exclusiveMinimum ? value <= minimum : value < minimum)) {
    say(exclusiveMinimum ? `greater than ${minimum}` : `greater than or equal to ${minimum}`);
  }
  if (maximum !== undefined && (exclusiveMaximum ? value >= maximum : value > maximum)) {
    say(exclusiveMaximum ? `less than ${maximum}` : `less than or equal to ${maximum}`);
  }
  return errors;
}

function integerErrors({ format }: JsonSchema, value: number, path: string): FieldError[] {
  const known = format !== undefined && Object.hasOwn(INTEGER_RANGE, format);
  const [min, max] = INTEGER_RANGE[known ? format : "int64"] ?? [0, 0];
  if (Number.isInteger(value) && value >= min && value <= max) return [];
  const kind = known ? `with format ${format}` : "(default format)";
  return [valueInvalid("", "", `Checked value must be of type integer ${kind} in ${path}`)];
}

function isMultiple(value: number, factor: number): boolean {
  const quotient = factor < 1 ? (1 / factor) * value : value / factor;
  return Math.abs(quotient - Math.round(quotient)) < 1e-9 * Math.max(1, Math.abs(quotient));
}

export function listErrors(schema: JsonSchema, list: readonly unknown[], path: string): FieldError[] {
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

export function enumErrors(schema: JsonSchema, value: unknown, path: string): FieldError[] {
  if (!schema.enum?.length || schema.enum.some((allowed) => isDeepStrictEqual(allowed, value))) return [];
  const supported = schema.enum.map((item) => (typeof item === "string" ? item : JSON.stringify(item)));
  return [valueNotSupported(path, value, supported)];
}
