import { type FieldError, valueInvalid } from "./field-error.ts";
import type { JsonSchema } from "./json-schema.ts";

type Check = (value: unknown, path: string) => FieldError[];

/**
 * Compiles `allOf`, `anyOf`, `oneOf` and `not`. An update gets no exemption from their errors, not even for an unchanged
 * value. The texts are those of kube-openapi.
 */
export function compileCompositionCheck(schema: JsonSchema, compile: (schema: JsonSchema) => Check): Check {
  const checks = [
    ...(schema.anyOf?.length ? [anyOfCheck(schema.anyOf.map(compile))] : []),
    ...(schema.oneOf?.length ? [oneOfCheck(schema.oneOf.map(compile))] : []),
    ...(schema.allOf?.length ? [allOfCheck(schema.allOf.map(compile))] : []),
    ...(schema.not ? [notCheck(compile(schema.not))] : []),
  ];
  return (value, path) => checks.flatMap((check) => check(value, path));
}

function failure(path: string, text: string): FieldError {
  return valueInvalid("", "", `${JSON.stringify(path)} must ${text}`);
}

function anyOfCheck(alternatives: readonly Check[]): Check {
  return (value, path) => {
    const results = alternatives.map((check) => check(value, path));
    if (results.some((result) => result.length === 0)) return [];
    return [failure(path, "validate at least one schema (anyOf)"), ...fewest(results)];
  };
}

function oneOfCheck(alternatives: readonly Check[]): Check {
  return (value, path) => {
    const results = alternatives.map((check) => check(value, path));
    const valid = results.filter((result) => result.length === 0).length;
    if (valid === 1) return [];
    const found = valid === 0 ? "Found none valid" : `Found ${valid} valid alternatives`;
    const error = failure(path, `validate one and only one schema (oneOf). ${found}`);
    return valid === 0 ? [error, ...fewest(results)] : [error];
  };
}

function allOfCheck(parts: readonly Check[]): Check {
  return (value, path) => {
    const results = parts.map((check) => check(value, path));
    const valid = results.filter((result) => result.length === 0).length;
    if (valid === parts.length) return [];
    const none = valid === 0 ? ". None validated" : "";
    return [...results.flat(), failure(path, `validate all the schemas (allOf)${none}`)];
  };
}

function notCheck(check: Check): Check {
  return (value, path) =>
    check(value, path).length === 0 ? [failure(path, "not validate the schema (not)")] : [];
}

/** The errors of the alternative with the fewest errors. */
function fewest(results: readonly FieldError[][]): FieldError[] {
  return results.reduce((best, result) => (result.length < best.length ? result : best), results[0] ?? []);
}
