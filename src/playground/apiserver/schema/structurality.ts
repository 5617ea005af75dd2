import { isDeepStrictEqual } from "node:util";
import { type FieldError, valueForbidden, valueInvalid, valueRequired } from "./field-error.ts";
import type { JsonSchema } from "./json-schema.ts";
import { compilePattern, PatternError } from "./pattern.ts";

const INT_OR_STRING = [{ type: "integer" }, { type: "string" }];

/**
 * Returns what keeps a schema from being structural. Every field must have its type and shape outside of `allOf`, `anyOf`,
 * `oneOf` and `not`, which may hold value checks only.
 */
export function structuralityErrors(schema: JsonSchema, path: string): FieldError[] {
  const errors = [
    ...invariantErrors(schema, path, "root"),
    ...completenessErrors(schema, schema, path, path),
  ];
  return errors.sort((a, b) => (`${a.field}: ${a.message}` < `${b.field}: ${b.message}` ? -1 : 1));
}

type Level = "root" | "item" | "field";

const TYPE_REQUIRED: Record<Level, string> = {
  root: "must not be empty at the root",
  item: "must not be empty for specified array items",
  field: "must not be empty for specified object fields",
};

function invariantErrors(schema: JsonSchema, path: string, level: Level): FieldError[] {
  const errors: FieldError[] = [];
  const { type, items, properties = {} } = schema;
  const keepsUnknown = schema["x-kubernetes-preserve-unknown-fields"] === true;
  const isEmbedded = schema["x-kubernetes-embedded-resource"] === true;

  if (type === "array" && items === undefined)
    errors.push(valueRequired(`${path}.items`, "must be specified"));
  if (items !== undefined) errors.push(...invariantErrors(items, `${path}.items`, "item"));
  for (const [name, property] of Object.entries(properties)) {
    errors.push(...invariantErrors(property, `${path}.properties[${name}]`, "field"));
  }
  errors.push(
    ...additionalPropertiesErrors(schema, path, level),
    ...intOrStringErrors(schema, path),
    ...valueCheckErrors(schema, path),
    ...typeErrors(schema, path, level),
  );
  if (level === "root" || isEmbedded) errors.push(...resourceMemberErrors(schema, path, level));
  if (isEmbedded && !keepsUnknown && Object.keys(properties).length === 0) {
    const detail =
      "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields";
    errors.push(valueRequired(`${path}.properties`, detail));
  }
  return errors;
}

function additionalPropertiesErrors(schema: JsonSchema, path: string, level: Level): FieldError[] {
  const { additionalProperties } = schema;
  if (additionalProperties === undefined) return [];
  const errors: FieldError[] = [];
  const at = `${path}.additionalProperties`;
  if (level === "root") errors.push(valueForbidden(at, "must not be used at the root"));
  if (typeof additionalProperties === "object")
    errors.push(...invariantErrors(additionalProperties, at, "field"));
  if (schema["x-kubernetes-embedded-resource"] === true)
    errors.push(valueForbidden(at, "must not be used if x-kubernetes-embedded-resource is set"));
  return errors;
}

function intOrStringErrors(schema: JsonSchema, path: string): FieldError[] {
  if (schema["x-kubernetes-int-or-string"] !== true) return [];
  return (["x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource"] as const)
    .filter((member) => schema[member] === true)
    .map((member) =>
      valueInvalid(`${path}.${member}`, true, "must be false if x-kubernetes-int-or-string is true"),
    );
}

function typeErrors(schema: JsonSchema, path: string, level: Level): FieldError[] {
  const errors: FieldError[] = [];
  const { type = "" } = schema;
  const at = `${path}.type`;
  const mayBeAbsent =
    schema["x-kubernetes-int-or-string"] === true || schema["x-kubernetes-preserve-unknown-fields"] === true;
  if (schema["x-kubernetes-embedded-resource"] === true && type !== "object") {
    const detail = "must be object if x-kubernetes-embedded-resource is true";
    errors.push(type === "" ? valueRequired(at, detail) : valueInvalid(at, type, detail));
  } else if (type === "" && !mayBeAbsent) {
    errors.push(valueRequired(at, TYPE_REQUIRED[level]));
  }
  if (level === "root" && type !== "" && type !== "object") {
    errors.push(valueInvalid(at, type, "must be object at the root"));
  }
  return errors;
}

function resourceMemberErrors({ properties = {} }: JsonSchema, path: string, level: Level): FieldError[] {
  const errors: FieldError[] = [];
  for (const name of ["kind", "apiVersion"]) {
    const type = properties[name]?.type;
    if (properties[name] !== undefined && type !== "string") {
      errors.push(valueInvalid(`${path}.properties[${name}].type`, type ?? "", "must be string"));
    }
  }
  const { metadata } = properties;
  if (metadata === undefined) return errors;
  const at = `${path}.properties[metadata]`;
  if (metadata.type !== "object")
    errors.push(valueInvalid(`${at}.type`, metadata.type ?? "", "must be object"));
  if (level !== "root") return errors;
  const { type: _, description: __, properties: members = {}, default: ___, ...rest } = metadata;
  const nameOnly = Object.keys(members).every((name) => name === "name" || name === "generateName");
  if (!nameOnly || Object.keys(rest).length > 0) {
    const detail =
      "must not specify anything other than name and generateName, but metadata is implicitly specified";
    errors.push(valueForbidden(at, detail));
  }
  return errors;
}

/** Checks the pattern, and the members that compositions must not have. */
function valueCheckErrors(schema: JsonSchema, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const { anyOf = [], allOf = [], oneOf = [], not, pattern } = schema;
  if (!isDeepStrictEqual(anyOf, INT_OR_STRING)) {
    for (const [index, part] of anyOf.entries())
      errors.push(...nestedErrors(part, `${path}.anyOf[${index}]`));
  }
  for (const [index, part] of allOf.entries()) {
    const isUnion = index === 0 && isDeepStrictEqual(part.anyOf, INT_OR_STRING);
    const { anyOf: _, ...rest } = part;
    errors.push(...nestedErrors(isUnion ? rest : part, `${path}.allOf[${index}]`));
  }
  for (const [index, part] of oneOf.entries()) errors.push(...nestedErrors(part, `${path}.oneOf[${index}]`));
  if (not !== undefined) errors.push(...nestedErrors(not, `${path}.not`));
  if (pattern) {
    try {
      compilePattern(pattern);
    } catch (error) {
      if (!(error instanceof PatternError)) throw error;
      const detail = `must be a valid regular expression, but isn't: ${error.message}`;
      errors.push(valueInvalid(`${path}.pattern`, pattern, detail));
    }
  }
  return errors;
}

const FORBIDDEN_WHEN_NESTED: readonly (readonly [keyof JsonSchema, string])[] = [
  ["type", "must be empty to be structural"],
  ["additionalProperties", "must be undefined to be structural"],
  ["default", "must be undefined to be structural"],
  ["title", "must be empty to be structural"],
  ["description", "must be empty to be structural"],
  ["nullable", "must be false to be structural"],
  ["x-kubernetes-preserve-unknown-fields", "must be false to be structural"],
  ["x-kubernetes-embedded-resource", "must be false to be structural"],
  ["x-kubernetes-int-or-string", "must be false to be structural"],
  ["x-kubernetes-list-map-keys", "must be empty to be structural"],
  ["x-kubernetes-list-type", "must be undefined to be structural"],
  ["x-kubernetes-map-type", "must be undefined to be structural"],
  ["x-kubernetes-validations", "must be empty to be structural"],
];

function nestedErrors(schema: JsonSchema, path: string): FieldError[] {
  const errors = valueCheckErrors(schema, path);
  if (schema.items !== undefined) errors.push(...nestedErrors(schema.items, `${path}.items`));
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    errors.push(...nestedErrors(property, `${path}.properties[${name}]`));
    if (name === "metadata") {
      errors.push(
        valueForbidden(`${path}.properties[metadata]`, "must not be specified in a nested context"),
      );
    }
  }
  for (const [member, detail] of FORBIDDEN_WHEN_NESTED) {
    const value = schema[member];
    const isSet = value !== undefined && value !== "" && value !== false;
    if (isSet) errors.push(valueForbidden(`${path}.${member}`, detail));
  }
  return errors;
}

/** A field that a composition names must exist in the schema itself. */
function completenessErrors(
  part: JsonSchema,
  schema: JsonSchema,
  schemaPath: string,
  partPath: string,
): FieldError[] {
  const compositions = [
    ...(part.not === undefined ? [] : [["not", part.not] as const]),
    ...(["allOf", "anyOf", "oneOf"] as const).flatMap((word) =>
      (part[word] ?? []).map((item, index) => [`${word}[${index}]`, item] as const),
    ),
  ];
  return compositions.flatMap(([step, nested]) =>
    nestedCompletenessErrors(nested, schema, schemaPath, `${partPath}.${step}`),
  );
}

function nestedCompletenessErrors(
  nested: JsonSchema,
  schema: JsonSchema | undefined,
  schemaPath: string,
  partPath: string,
): FieldError[] {
  if (schema === undefined) return [valueRequired(schemaPath, `because it is defined in ${partPath}`)];
  const errors = completenessErrors(nested, schema, schemaPath, partPath);
  if (nested.items !== undefined) {
    errors.push(
      ...nestedCompletenessErrors(nested.items, schema.items, `${schemaPath}.items`, `${partPath}.items`),
    );
  }
  for (const [name, property] of Object.entries(nested.properties ?? {})) {
    const step = `.properties[${name}]`;
    errors.push(
      ...nestedCompletenessErrors(
        property,
        schema.properties?.[name],
        `${schemaPath}${step}`,
        `${partPath}${step}`,
      ),
    );
  }
  return errors;
}
