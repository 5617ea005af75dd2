import { childPath, indexPath } from "./field-error.ts";
import { isJsonObject, type JsonSchema, memberSchema, ownMember } from "./json-schema.ts";

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
 * Removes what `schema` does not know, in place, and answers the sorted paths of what was removed. Nulls that
 * are neither allowed nor to be defaulted go too, silently.
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
  if (!isJsonObject(value)) return;
  for (const name of Object.keys(value)) {
    const member = memberSchema(schema, name);
    if (member === undefined) continue;
    if (value[name] !== null) dropForbiddenNulls(ownMember(value, name), member);
    else if (!member.nullable && member.default === undefined) delete value[name];
  }
}

function prune(value: unknown, schema: JsonSchema | undefined, path: string, removed: string[]): void {
  const keepsUnknown = schema?.["x-kubernetes-preserve-unknown-fields"] === true;
  if (Array.isArray(value)) {
    // What lies below a list of unknown shape is kept when the list itself may hold unknown fields.
    if (keepsUnknown && schema.items === undefined) return;
    for (const [index, item] of value.entries()) prune(item, schema?.items, indexPath(path, index), removed);
    return;
  }
  if (!isJsonObject(value)) return;
  for (const name of Object.keys(value)) {
    const memberPath = childPath(path, name);
    if (schema?.["x-kubernetes-embedded-resource"] && TYPE_AND_METADATA.has(name)) {
      if (name === "metadata") prune(value[name], METADATA, memberPath, removed);
      continue;
    }
    const property = ownMember(schema?.properties, name);
    if (property !== undefined) prune(value[name], property, memberPath, removed);
    else if (schema?.additionalProperties !== undefined && schema.additionalProperties !== false) {
      const { additionalProperties } = schema;
      if (additionalProperties !== true) prune(value[name], additionalProperties, memberPath, removed);
      else if (!keepsUnknown) prune(value[name], undefined, memberPath, removed);
    } else if (!keepsUnknown) {
      removed.push(memberPath);
      delete value[name];
    }
  }
}
