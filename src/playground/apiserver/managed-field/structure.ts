import { isRecord, type JsonObject, ownMember } from "../object.ts";
import { type JsonSchema, memberSchema } from "../schema/json-schema.ts";
import { fieldStep, keyStep, valueStep } from "./field-set.ts";

/** How a value merges, and who can own its parts. */
export type Structure =
  | { kind: "leaf" }
  | { kind: "map"; value: JsonObject }
  | { kind: "list"; items: readonly ListItem[] };

interface ListItem {
  step: string;
  value: unknown;
}

/** A list that its schema declares as a map or a set, but whose items are not unique or have no keys. */
export class StructureError extends Error {
  override readonly name = "StructureError";
}

/**
 * Scalars, atomic maps and atomic lists are leaves: owned and replaced as one. A list is atomic unless its schema
 * says otherwise; a map is granular unless it does.
 */
export function structureOf(value: unknown, schema: JsonSchema | undefined): Structure {
  if (isRecord(value)) {
    return schema?.["x-kubernetes-map-type"] === "atomic" ? { kind: "leaf" } : { kind: "map", value };
  }
  if (!Array.isArray(value)) return { kind: "leaf" };
  switch (schema?.["x-kubernetes-list-type"]) {
    case "map":
      return { kind: "list", items: value.map((item) => ({ step: entryStep(item, schema), value: item })) };
    case "set":
      return { kind: "list", items: value.map((item) => ({ step: valueStep(item), value: item })) };
    default:
      return { kind: "leaf" };
  }
}

function entryStep(item: unknown, schema: JsonSchema): string {
  const names = schema["x-kubernetes-list-map-keys"] ?? [];
  if (!isRecord(item)) throw new StructureError("associative list with keys may not have non-map elements");
  const keys: JsonObject = {};
  for (const name of names) {
    const value = item[name] ?? ownMember(schema.items?.properties, name)?.default;
    if (value !== undefined) keys[name] = value;
  }
  if (Object.keys(keys).length === 0) {
    throw new StructureError(
      `associative list with keys has an element that omits all key fields ${JSON.stringify(names)}`,
    );
  }
  return keyStep(keys);
}

export function memberOf(schema: JsonSchema | undefined, name: string): JsonSchema | undefined {
  return schema && memberSchema(schema, name);
}

export function itemOf(schema: JsonSchema | undefined): JsonSchema | undefined {
  return schema?.items;
}

/** The steps below a map or a list, with their values and schemas. */
export function* childrenOf(
  structure: Exclude<Structure, { kind: "leaf" }>,
  schema: JsonSchema | undefined,
): Iterable<{ step: string; value: unknown; schema: JsonSchema | undefined }> {
  if (structure.kind === "map") {
    for (const [name, value] of Object.entries(structure.value)) {
      yield { step: fieldStep(name), value, schema: memberOf(schema, name) };
    }
  } else {
    for (const { step, value } of structure.items) yield { step, value, schema: itemOf(schema) };
  }
}

/** Whether the schema declares this member by name, not by `additionalProperties`. */
export function isNamedField(schema: JsonSchema | undefined, step: string): boolean {
  return step.startsWith("f:") && ownMember(schema?.properties, step.slice(2)) !== undefined;
}

export function schemaBelow(schema: JsonSchema | undefined, step: string): JsonSchema | undefined {
  return step.startsWith("f:") ? memberOf(schema, step.slice(2)) : itemOf(schema);
}
