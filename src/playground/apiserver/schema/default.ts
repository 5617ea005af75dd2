import { copyJson, isRecord, ownMember, setMember } from "../object.ts";
import { type JsonSchema, memberSchema } from "./json-schema.ts";

/** Sets the defaults of `schema` in place, outer members first. A null that the schema does not allow counts as absent. */
export function applyDefaults(value: unknown, schema: JsonSchema | undefined): void {
  if (schema === undefined) return;
  if (Array.isArray(value)) {
    const { items } = schema;
    for (let index = 0; index < value.length; index++) {
      if (wantsDefault(value[index], items)) value[index] = copyJson(items?.default);
      applyDefaults(value[index], items);
    }
    return;
  }
  if (!isRecord(value)) return;
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if (property.default === undefined) continue;
    if (!Object.hasOwn(value, name) || wantsDefault(value[name], property)) {
      setMember(value, name, copyJson(property.default));
    }
  }
  for (const name of Object.keys(value)) {
    const member = memberSchema(schema, name);
    if (ownMember(schema.properties, name) === undefined && wantsDefault(value[name], member)) {
      setMember(value, name, copyJson(member?.default));
    }
    applyDefaults(ownMember(value, name), member);
  }
}

function wantsDefault(value: unknown, schema: JsonSchema | undefined): boolean {
  return value === null && schema !== undefined && !schema.nullable && schema.default !== undefined;
}
