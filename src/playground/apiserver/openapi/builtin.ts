import type { JsonSchema } from "../schema/json-schema.ts";
import { MERGING, type Merging } from "./merge-key.ts";
import { modelFields, modelOf } from "./model.ts";

const schemas = new Map<string, JsonSchema>();

/**
 * The shape of a built-in kind: its fields, and how its lists and maps merge. Undefined: no such kind. Types that
 * contain themselves make the graph cyclic: walk it along a value, never print it.
 */
export function builtinSchema(group: string, version: string, kind: string): JsonSchema | undefined {
  if (!isBuiltinGroup(group)) return undefined;
  const model = modelOf(group, version, kind);
  return model === undefined ? undefined : modelSchema(model);
}

const BUILTIN_GROUPS = new Set(["", "apps", "autoscaling", "batch", "policy"]);

/** Built-in groups have no dot or end in `.k8s.io`, which CRDs may use only with an approval. */
export function isBuiltinGroup(group: string): boolean {
  return BUILTIN_GROUPS.has(group) || group.endsWith(".k8s.io");
}

/** One schema per model, made when first asked for and shared from then on. */
export function modelSchema(model: string): JsonSchema {
  const known = schemas.get(model);
  if (known !== undefined) return known;
  const properties: Record<string, JsonSchema> = {};
  const schema: JsonSchema = { type: "object", properties };
  schemas.set(model, schema);
  const merging = MERGING[model] ?? {};
  Object.assign(schema, mergeExtensions(merging[""]));
  for (const { name, type, format } of modelFields(model) ?? []) {
    properties[name] = fieldSchema(type, format, merging[name]);
  }
  return schema;
}

function fieldSchema(type: string, format: string, merging: Merging | undefined): JsonSchema {
  const schema = typeSchema(type, format);
  const extensions = mergeExtensions(merging);
  // A shared model schema is not to be written into: a field's own way of merging wraps it.
  return Object.keys(extensions).length === 0 ? schema : { ...schema, ...extensions };
}

export function mergeExtensions(merging: Merging | undefined): Partial<JsonSchema> {
  switch (merging?.kind) {
    case undefined:
      return {};
    case "map":
      return {
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": [...merging.keys],
        ...(merging.patch === undefined
          ? {}
          : {
              "x-kubernetes-patch-merge-key": merging.keys[0],
              "x-kubernetes-patch-strategy": merging.patch,
            }),
      };
    case "set":
      return {
        "x-kubernetes-list-type": "set",
        ...(merging.patch === undefined ? {} : { "x-kubernetes-patch-strategy": merging.patch }),
      };
    case "atomic":
    case "granular":
      return { "x-kubernetes-map-type": merging.kind };
    case "patch":
      return {
        "x-kubernetes-patch-strategy": merging.strategy,
        ...(merging.key === undefined ? {} : { "x-kubernetes-patch-merge-key": merging.key }),
      };
  }
}

const OPEN: JsonSchema = { "x-kubernetes-preserve-unknown-fields": true };

/** The schema of a type as the client library writes it. */
function typeSchema(type: string, format: string): JsonSchema {
  const list = /^Array<(.+)>$/.exec(type);
  if (list !== null) return { type: "array", items: typeSchema(list[1] ?? "any", format) };
  const map = /^\{ \[key: string\]: (.+); \}$/.exec(type);
  if (map !== null) return { type: "object", additionalProperties: typeSchema(map[1] ?? "any", format) };
  switch (type) {
    case "string":
      return format === "" ? { type: "string" } : { type: "string", format };
    case "Date":
    case "V1MicroTime":
      return { type: "string", format: "date-time" };
    case "boolean":
      return { type: "boolean" };
    case "number":
      if (format === "double") return { type: "number", format };
      return format === "" ? { type: "integer" } : { type: "integer", format };
    case "IntOrString":
      return { "x-kubernetes-int-or-string": true };
    case "any":
      return OPEN;
    default:
      return modelFields(type) === undefined ? OPEN : modelSchema(type);
  }
}
