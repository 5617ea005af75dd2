import { isRecord, type Json } from "../object.ts";
import type { JsonSchema } from "../schema/json-schema.ts";

/**
 * The form in which a typed server answers a built-in object, in place: nulls and empty optional lists and maps
 * are gone, structures that are never absent (`strategy`, `resources`, `status.loadBalancer`) are there. With
 * `nullLists`, required lists that are absent are null, as a server has them before anything is written.
 */
export function toNormalForm(
  value: Json,
  schema: JsonSchema | undefined,
  options = { nullLists: false },
): void {
  const { properties, additionalProperties, required = [] } = schema ?? {};
  for (const name of Object.keys(value)) {
    const member = value[name];
    const property =
      properties !== undefined && Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (property !== undefined) {
      const optional = !required.includes(name);
      if (member === null) delete value[name];
      else if (optional && isEmptyCollection(member, property)) delete value[name];
      else descend(member, property);
    } else if (typeof additionalProperties === "object") {
      if (member === null && additionalProperties.type === "string") value[name] = "";
      else descend(member, additionalProperties);
    }
  }
  for (const [name, property] of Object.entries(properties ?? {})) {
    if (Object.hasOwn(value, name)) continue;
    if (options.nullLists && property.type === "array" && required.includes(name)) value[name] = null;
    if (!isStructure(property)) continue;
    const structure: Json = {};
    toNormalForm(structure, property, options);
    value[name] = structure;
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

/** A member that is a struct, not a pointer to one, in Kubernetes: its published default is `{}`. */
function isStructure(schema: JsonSchema): boolean {
  return (
    isRecord(schema.default) && Object.keys(schema.default).length === 0 && schema.properties !== undefined
  );
}
