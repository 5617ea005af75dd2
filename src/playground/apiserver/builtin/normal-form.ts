import { isRecord, type JsonObject, ownMember } from "../object.ts";
import type { JsonSchema } from "../schema/json-schema.ts";

/**
 * Brings a built-in object into the form in which a typed server returns it, in place. Nulls, and empty optional lists and
 * maps, are removed. Structures that are never absent (`strategy`, `resources`, `status.loadBalancer`) are added. With
 * `nullLists`, required lists that are absent become null, as they are in a server before the first write.
 */
export function toNormalForm(
  value: JsonObject,
  schema: JsonSchema | undefined,
  options = { nullLists: false },
): void {
  const { properties, required = [] } = schema ?? {};
  for (const name of Object.keys(value)) normalizeMember(value, name, schema ?? {});
  for (const [name, property] of Object.entries(properties ?? {})) {
    if (Object.hasOwn(value, name)) continue;
    if (options.nullLists && property.type === "array" && required.includes(name)) value[name] = null;
    if (!isStructure(property)) continue;
    const structure: JsonObject = {};
    toNormalForm(structure, property, options);
    value[name] = structure;
  }
}

function normalizeMember(
  value: JsonObject,
  name: string,
  { properties, additionalProperties, required = [] }: JsonSchema,
): void {
  const member = value[name];
  const property = ownMember(properties, name);
  if (property !== undefined) {
    const dropsEmpty = !required.includes(name);
    if (member === null || (dropsEmpty && isEmptyCollection(member, property))) delete value[name];
    else descend(member, property);
  } else if (typeof additionalProperties === "object") {
    if (member === null && additionalProperties.type === "string") value[name] = "";
    else descend(member, additionalProperties);
  }
}

function descend(value: unknown, schema: JsonSchema): void {
  if (isRecord(value)) toNormalForm(value, schema);
  else if (Array.isArray(value) && schema.items !== undefined) {
    for (const item of value) descend(item, schema.items);
  }
}

function isEmptyCollection(value: unknown, schema: JsonSchema): boolean {
  if (Array.isArray(value)) return value.length === 0;
  return isRecord(value) && schema.additionalProperties !== undefined && Object.keys(value).length === 0;
}

/** Whether Kubernetes has a struct here and not a pointer. The published default of such a member is `{}`. */
function isStructure(schema: JsonSchema): boolean {
  return (
    isRecord(schema.default) && Object.keys(schema.default).length === 0 && schema.properties !== undefined
  );
}
