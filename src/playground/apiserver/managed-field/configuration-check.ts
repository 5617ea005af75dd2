import { isRecord } from "../object.ts";
import type { JsonSchema } from "../schema/json-schema.ts";
import { pathText } from "./field-set.ts";
import { memberOf, StructureError, structureOf } from "./structure.ts";

/**
 * The problems of an applied configuration, in the API server's words: fields that the schema does not declare, values
 * of another type, repeated keys.
 */
export function configurationProblems(value: unknown, schema: JsonSchema | undefined): string[] {
  return problems(value, schema, []);
}

function problems(value: unknown, schema: JsonSchema | undefined, path: readonly string[]): string[] {
  if (schema === undefined || value === null || value === undefined) return [];
  const at = pathText(path);
  const expected = (what: string) => [`${at}: expected ${what}, got ${shown(value)}`];
  if (schema["x-kubernetes-int-or-string"]) return [];
  switch (schema.type) {
    case "string":
      return typeof value === "string" ? [] : expected("string");
    case "boolean":
      return typeof value === "boolean" ? [] : expected("boolean");
    case "integer":
    case "number":
      return typeof value === "number" ? [] : expected("numeric (int or float)");
    case "array":
      return Array.isArray(value) ? listProblems(value, schema, path) : expected("list");
    default:
      return isRecord(value)
        ? mapProblems(value, schema, path)
        : schema.type === "object"
          ? expected("map")
          : [];
  }
}

function mapProblems(value: Record<string, unknown>, schema: JsonSchema, path: readonly string[]): string[] {
  const takesAny =
    schema["x-kubernetes-preserve-unknown-fields"] === true ||
    schema.additionalProperties === true ||
    (schema.properties === undefined && schema.additionalProperties === undefined);
  return Object.entries(value).flatMap(([name, member]) => {
    const below = [...path, `f:${name}`];
    const property = memberOf(schema, name);
    if (property !== undefined) return problems(member, property, below);
    const embedded =
      schema["x-kubernetes-embedded-resource"] && ["apiVersion", "kind", "metadata"].includes(name);
    return takesAny || embedded ? [] : [`${pathText(below)}: field not declared in schema`];
  });
}

function listProblems(value: readonly unknown[], schema: JsonSchema, path: readonly string[]): string[] {
  let structure: ReturnType<typeof structureOf>;
  try {
    structure = structureOf(value, schema);
  } catch (error) {
    if (error instanceof StructureError) return [`${pathText(path)}: ${error.message}`];
    throw error;
  }
  if (structure.kind !== "list") {
    return value.flatMap((item, index) => problems(item, schema.items, [...path, `i:${index}`]));
  }
  const seen = new Set<string>();
  return structure.items.flatMap(({ step, value: item }) => {
    const twice = seen.has(step) ? [`${pathText(path)}: duplicate entries for key ${pathText([step])}`] : [];
    seen.add(step);
    return [...twice, ...problems(item, schema.items, [...path, step])];
  });
}

function shown(value: unknown): string {
  return Array.isArray(value)
    ? "list"
    : isRecord(value)
      ? "map"
      : typeof value === "string"
        ? "string"
        : JSON.stringify(value);
}
