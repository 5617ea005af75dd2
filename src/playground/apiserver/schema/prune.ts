import { isRecord, type JsonObject, ownMember } from "../object.ts";
import { childPath, indexPath } from "./field-error.ts";
import { type JsonSchema, memberSchema } from "./json-schema.ts";

const METADATA: JsonSchema = {
  type: "object",
  properties: Object.fromEntries(
    [
      "annotations",
      "creationTimestamp",
      "deletionGracePeriodSeconds",
      "deletionTimestamp",
      "finalizers",
      "generateName",
      "generation",
      "labels",
      "managedFields",
      "name",
      "namespace",
      "ownerReferences",
      "resourceVersion",
      "selfLink",
      "uid",
    ].map((name) => [name, { "x-kubernetes-preserve-unknown-fields": true }]),
  ),
};
const TYPE_AND_METADATA = new Set(["apiVersion", "kind", "metadata"]);

/**
 * Removes fields that `schema` does not have, in place, and returns their paths, sorted. It also removes nulls that the
 * schema neither allows nor replaces by a default; their paths are not returned.
 */
export function pruneUnknown(object: unknown, schema: JsonSchema): string[] {
  const removed: string[] = [];
  prune(object, { ...schema, "x-kubernetes-embedded-resource": true }, "", removed);
  dropForbiddenNulls(object, schema);
  return removed.sort();
}

function dropForbiddenNulls(value: unknown, schema: JsonSchema): void {
  if (Array.isArray(value)) {
    for (const item of value) if (schema.items !== undefined) dropForbiddenNulls(item, schema.items);
    return;
  }
  if (!isRecord(value)) return;
  for (const name of Object.keys(value)) {
    const member = memberSchema(schema, name);
    if (member === undefined) continue;
    if (value[name] !== null) dropForbiddenNulls(ownMember(value, name), member);
    else if (!member.nullable && member.default === undefined) delete value[name];
  }
}

function prune(value: unknown, schema: JsonSchema | undefined, path: string, removed: string[]): void {
  if (Array.isArray(value)) {
    // A list of unknown shape keeps all that is in it when it may hold unknown fields.
    if (schema?.items === undefined && keepsUnknown(schema)) return;
    for (const [index, item] of value.entries()) prune(item, schema?.items, indexPath(path, index), removed);
  } else if (isRecord(value)) {
    for (const name of Object.keys(value)) pruneMember(value, name, schema, childPath(path, name), removed);
  }
}

function pruneMember(
  object: JsonObject,
  name: string,
  schema: JsonSchema | undefined,
  path: string,
  removed: string[],
): void {
  if (schema?.["x-kubernetes-embedded-resource"] && TYPE_AND_METADATA.has(name)) {
    if (name === "metadata") prune(object[name], METADATA, path, removed);
    return;
  }
  const member = declaredMember(schema, name);
  if (member !== undefined && member !== "undeclared") prune(object[name], member, path, removed);
  else if (keepsUnknown(schema)) return;
  else if (member === undefined) prune(object[name], undefined, path, removed);
  else {
    removed.push(path);
    delete object[name];
  }
}

function keepsUnknown(schema: JsonSchema | undefined): boolean {
  return schema?.["x-kubernetes-preserve-unknown-fields"] === true;
}

/** The schema of a member; undefined when `additionalProperties: true` allows the member without a schema. */
function declaredMember(schema: JsonSchema | undefined, name: string): JsonSchema | undefined | "undeclared" {
  const property = ownMember(schema?.properties, name);
  if (property !== undefined) return property;
  const { additionalProperties = false } = schema ?? {};
  if (additionalProperties === false) return "undeclared";
  return additionalProperties === true ? undefined : additionalProperties;
}
