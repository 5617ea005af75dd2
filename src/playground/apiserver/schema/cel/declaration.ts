import type { Environment } from "@marcbachmann/cel-js";
import { isRecord } from "../../object.ts";
import type { JsonSchema } from "../json-schema.ts";
import { celEquals, dynamicValue, formattedString } from "./value.ts";

const RESERVED = new Set([
  "true",
  "false",
  "null",
  "in",
  "as",
  "break",
  "const",
  "continue",
  "else",
  "for",
  "function",
  "if",
  "import",
  "let",
  "loop",
  "package",
  "namespace",
  "return",
  "var",
  "void",
  "while",
]);
const ESCAPES: Record<string, string> = {
  __: "__underscores__",
  ".": "__dot__",
  "-": "__dash__",
  "/": "__slash__",
};

/** A property's name as CEL sees it (`a-b` → `a__dash__b`); undefined when it cannot be named there. */
function escapeName(name: string): string | undefined {
  if (RESERVED.has(name)) return `__${name}__`;
  if (!/^[a-zA-Z_.\-/][a-zA-Z0-9_.\-/]*$/.test(name)) return undefined;
  return name.replaceAll(/__|[-./]/g, (part) => ESCAPES[part] ?? part);
}

/** A reserved word may be selected as it is too: `self.namespace`. */
function namesOf(name: string, escaped: string): string[] {
  return RESERVED.has(name) ? [escaped, name] : [escaped];
}

/** How CEL sees the values of a schema. */
export interface Declaration {
  /** `string`, `list<Object.spec.tiers>`, `Object.spec`, `dyn`, … as registered in the environment. */
  type: string;
  convert(json: unknown): unknown;
  /** For objects, maps and lists: their members. Members that CEL does not see are absent. */
  members: ReadonlyMap<string, Declaration>;
  element?: Declaration;
}

const NO_MEMBERS: ReadonlyMap<string, Declaration> = new Map();
const TEXT: JsonSchema = { type: "string" };
const RESOURCE_MEMBERS: Record<string, JsonSchema> = {
  apiVersion: TEXT,
  kind: TEXT,
  metadata: { type: "object", properties: { name: TEXT, generateName: TEXT } },
};

/**
 * Registers the object types of `schema` in `environment`. Undefined if CEL does not see the values, for example those
 * with unknown fields and no type. Nullable values are `dyn`, because the library's typed fields do not allow null.
 */
export function declareSchema(
  environment: Environment,
  schema: JsonSchema,
  typeName: string,
  isResource: boolean,
): Declaration | undefined {
  const declared = declareType(environment, schema, typeName, isResource);
  if (declared === undefined || !schema.nullable) return declared;
  return {
    ...declared,
    type: "dyn",
    convert: (json) => (json === null ? null : declared.convert(json)),
  };
}

function declareType(
  environment: Environment,
  schema: JsonSchema,
  typeName: string,
  isResource: boolean,
): Declaration | undefined {
  const simple = (type: string, convert: (json: unknown) => unknown): Declaration => ({
    type,
    convert,
    members: NO_MEMBERS,
  });
  if (schema["x-kubernetes-int-or-string"]) return simple("dyn", dynamicValue);
  switch (isResource ? "object" : schema.type) {
    case "boolean":
      return simple("bool", dynamicValue);
    case "number":
      return simple("double", (json) => json);
    case "integer":
      return simple("int", dynamicValue);
    case "string":
      return simple(stringType(schema), (json) =>
        typeof json === "string" ? formattedString(json, schema) : dynamicValue(json),
      );
    case "array": {
      const element =
        schema.items &&
        declareSchema(environment, schema.items, `${typeName}.items_`, embedded(schema.items));
      if (element === undefined) return undefined;
      return {
        type: `list<${element.type}>`,
        convert: (json) => (Array.isArray(json) ? json.map(element.convert) : dynamicValue(json)),
        members: NO_MEMBERS,
        element,
      };
    }
    case "object":
      return typeof schema.additionalProperties === "object"
        ? declareMap(environment, schema.additionalProperties, typeName)
        : declareObject(environment, schema, typeName, isResource);
    default:
      return undefined;
  }
}

function embedded(schema: JsonSchema): boolean {
  return schema["x-kubernetes-embedded-resource"] === true;
}

function stringType({ format }: JsonSchema): string {
  switch (format) {
    case "byte":
      return "bytes";
    case "duration":
      return "google.protobuf.Duration";
    case "date":
    case "date-time":
      return "google.protobuf.Timestamp";
    default:
      return "string";
  }
}

function declareMap(environment: Environment, values: JsonSchema, typeName: string): Declaration | undefined {
  const element = declareSchema(environment, values, `${typeName}.values_`, embedded(values));
  if (element === undefined) return undefined;
  return {
    type: `map<string, ${element.type}>`,
    convert: (json) =>
      isRecord(json)
        ? new Map(Object.entries(json).map(([key, value]) => [key, element.convert(value)]))
        : dynamicValue(json),
    members: NO_MEMBERS,
    element,
  };
}

function declareObject(
  environment: Environment,
  schema: JsonSchema,
  typeName: string,
  isResource: boolean,
): Declaration {
  const properties = isResource ? withResourceMembers(schema.properties) : (schema.properties ?? {});
  const members = new Map<string, Declaration>();
  const seenNames = new Map<string, string[]>();
  const fields: Record<string, string> = {};
  for (const [name, property] of Object.entries(properties)) {
    const escaped = escapeName(name);
    // The library splits type names at angle brackets and commas; escaped names have none.
    const member =
      escaped === undefined
        ? undefined
        : declareSchema(environment, property, `${typeName}.${escaped}`, embedded(property));
    if (escaped === undefined || member === undefined) continue;
    members.set(name, member);
    seenNames.set(name, namesOf(name, escaped));
    for (const seen of namesOf(name, escaped)) fields[seen] = member.type;
  }
  // Each type has its own class, because the library finds a value's type by its constructor. The class is a Map, so that only
  // entries are found as fields.
  class ObjectValue extends Map<string, unknown> {}
  environment.registerType(typeName, { ctor: ObjectValue, fields });
  environment.registerOperator(`${typeName} == ${typeName}`, celEquals);
  environment.registerOperator(`${typeName} == null`, () => false);
  return {
    type: typeName,
    members,
    convert(json) {
      if (!isRecord(json)) return dynamicValue(json);
      const value = new ObjectValue();
      for (const [name, member] of members) {
        if (!Object.hasOwn(json, name)) continue;
        const converted = member.convert(json[name]);
        for (const seen of seenNames.get(name) ?? []) value.set(seen, converted);
      }
      return value;
    },
  };
}

/** Every resource has these, whether its schema says so or not. */
function withResourceMembers(properties: Record<string, JsonSchema> = {}): Record<string, JsonSchema> {
  const metadata = properties.metadata?.properties ?? {};
  return {
    ...properties,
    apiVersion: TEXT,
    kind: TEXT,
    metadata: { type: "object", properties: { ...metadata, ...RESOURCE_MEMBERS.metadata?.properties } },
  };
}
