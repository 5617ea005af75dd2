import { readFileSync } from "node:fs";
import type { JsonSchema } from "../schema/json-schema.ts";

interface Document {
  /** `group/Kind` → the name of its definition. */
  kinds: Record<string, string>;
  definitions: Record<string, RawSchema>;
}

interface RawSchema extends JsonSchema {
  $ref?: string;
}

// The OpenAPI v3 definitions that kube-apiserver 1.36 publishes of the kinds served here, without descriptions.
const document = JSON.parse(readFileSync(new URL("./schema.json", import.meta.url), "utf8")) as Document;

const linked = new Map<string, JsonSchema>();

/** Replaces every `$ref` by an object that inherits from the definition, because schemas may contain themselves. */
function definition(name: string): JsonSchema {
  const known = linked.get(name);
  if (known !== undefined) return known;
  const raw = document.definitions[name];
  if (raw === undefined) throw new Error(`builtin/schema.json has no definition ${name}`);
  const schema: JsonSchema = {};
  linked.set(name, schema);
  Object.assign(schema, link(raw));
  if (isOpaque(schema)) schema["x-kubernetes-preserve-unknown-fields"] = true;
  return schema;
}

/** Whether a schema allows JSON of any shape, such as `fieldsV1` and the defaults in a CRD's schema. */
function isOpaque({ type, properties, additionalProperties, ...schema }: JsonSchema): boolean {
  const shaped = properties !== undefined || additionalProperties !== undefined;
  return !shaped && (type === undefined || type === "object") && !schema["x-kubernetes-int-or-string"];
}

function link({ $ref, ...raw }: RawSchema): JsonSchema {
  const own: JsonSchema = { ...raw };
  if (raw.properties !== undefined) {
    own.properties = Object.fromEntries(
      Object.entries(raw.properties).map(([name, property]) => [name, link(property)]),
    );
  }
  if (raw.items !== undefined) own.items = link(raw.items);
  if (typeof raw.additionalProperties === "object") own.additionalProperties = link(raw.additionalProperties);
  return $ref === undefined ? own : Object.assign(Object.create(definition($ref)) as JsonSchema, own);
}

/** The schema of a built-in kind. */
export function builtinSchema(group: string, kind: string): JsonSchema {
  const name = document.kinds[`${group}/${kind}`];
  if (name === undefined) throw new Error(`builtin/schema.json has no kind ${group}/${kind}`);
  return definition(name);
}

/** The schema of `metadata`, the same in every kind. */
export const objectMetaSchema: JsonSchema = definition("meta.v1.ObjectMeta");

/** As published, with `$ref`s between definitions, for OpenAPI documents. */
export const builtinDefinitions: Readonly<Record<string, JsonSchema>> = document.definitions;
export const builtinDefinitionNames: Readonly<Record<string, string>> = document.kinds;
