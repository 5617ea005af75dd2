import {
  type FieldError,
  valueForbidden,
  valueInvalid,
  valueNotSupported,
  valueRequired,
} from "./field-error.ts";
import type { JsonSchema } from "./json-schema.ts";
import { validationRuleErrors } from "./validation-rule.ts";

const TYPES = ["array", "boolean", "integer", "number", "object", "string"];
const UNSUPPORTED = ["id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref"];
const RESOURCE_MEMBERS = new Set(["metadata", "kind", "apiVersion"]);

/** Returns what Kubernetes forbids in a CRD's schema besides the rules of structural schemas, node by node. */
export function schemaRuleErrors(schema: JsonSchema, path: string, noDefaults?: string): FieldError[] {
  const isRoot = noDefaults === undefined && path.endsWith("openAPIV3Schema");
  const errors = [
    ...keywordErrors(schema, path, noDefaults),
    ...listErrors(schema, path),
    ...validationRuleErrors(schema, path),
  ];
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const insideMetadata = isRoot && RESOURCE_MEMBERS.has(name) ? `in top-level ${name}` : noDefaults;
    errors.push(...schemaRuleErrors(property, `${path}.properties[${name}]`, insideMetadata));
  }
  const { items, additionalProperties, not } = schema;
  if (items !== undefined) errors.push(...schemaRuleErrors(items, `${path}.items`, noDefaults));
  if (typeof additionalProperties === "object") {
    errors.push(...schemaRuleErrors(additionalProperties, `${path}.additionalProperties`, noDefaults));
  }
  if (not !== undefined) errors.push(...schemaRuleErrors(not, `${path}.not`, noDefaults));
  for (const word of ["allOf", "anyOf", "oneOf"] as const) {
    for (const [index, part] of (schema[word] ?? []).entries()) {
      errors.push(...schemaRuleErrors(part, `${path}.${word}[${index}]`, noDefaults));
    }
  }
  return errors;
}

function keywordErrors(schema: JsonSchema, path: string, noDefaults: string | undefined): FieldError[] {
  const errors: FieldError[] = [];
  const { type, properties = {}, additionalProperties, uniqueItems } = schema;
  if (type && type !== "null" && !TYPES.includes(type))
    errors.push(valueNotSupported(`${path}.type`, type, TYPES));
  if (type === "null") {
    errors.push(valueNotSupported(`${path}.type`, type, TYPES));
    errors.push(valueForbidden(`${path}.type`, "type cannot be set to null, use nullable as an alternative"));
  }
  if (schema.default !== undefined && noDefaults !== undefined) {
    errors.push(valueForbidden(`${path}.default`, `must not be set ${noDefaults}`));
  }
  for (const word of UNSUPPORTED) {
    if ((schema as Record<string, unknown>)[word] !== undefined) {
      errors.push(valueForbidden(`${path}.${word}`, `${word} is not supported`));
    }
  }
  if (uniqueItems) {
    const detail = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic";
    errors.push(valueForbidden(`${path}.uniqueItems`, detail));
  }
  if (
    additionalProperties !== undefined &&
    additionalProperties !== true &&
    Object.keys(properties).length > 0
  ) {
    const detail = "additionalProperties and properties are mutual exclusive";
    errors.push(valueForbidden(`${path}.additionalProperties`, detail));
  }
  if (schema["x-kubernetes-preserve-unknown-fields"] === false) {
    errors.push(
      valueInvalid(`${path}.x-kubernetes-preserve-unknown-fields`, false, "must be true or undefined"),
    );
  }
  const mapType = schema["x-kubernetes-map-type"];
  if (mapType !== undefined) {
    const detail = "must be object if x-kubernetes-map-type is specified";
    if (type !== "object") errors.push(typeError(path, type, detail));
    if (mapType !== "atomic" && mapType !== "granular") {
      errors.push(valueNotSupported(`${path}.x-kubernetes-map-type`, mapType, ["atomic", "granular"]));
    }
  }
  return errors;
}

function typeError(path: string, type: string | undefined, detail: string): FieldError {
  return type ? valueInvalid(`${path}.type`, type, detail) : valueRequired(`${path}.type`, detail);
}

function listErrors(schema: JsonSchema, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const { type, items } = schema;
  const listType = schema["x-kubernetes-list-type"];
  const keys = schema["x-kubernetes-list-map-keys"] ?? [];
  if (listType !== undefined && type !== "array") {
    errors.push(typeError(path, type, "must be array if x-kubernetes-list-type is specified"));
  } else if (listType === "set" && items !== undefined) errors.push(...setItemErrors(items, path));
  if (listType !== undefined && !["atomic", "set", "map"].includes(listType)) {
    errors.push(valueNotSupported(`${path}.x-kubernetes-list-type`, listType, ["atomic", "set", "map"]));
  }
  if (keys.length > 0 && listType !== "map") {
    const detail = "must be map if x-kubernetes-list-map-keys is non-empty";
    const at = `${path}.x-kubernetes-list-type`;
    errors.push(listType === undefined ? valueRequired(at, detail) : valueInvalid(at, listType, detail));
  }
  if ((listType === "set" || listType === "map") && items?.nullable) {
    const detail = `cannot be nullable when x-kubernetes-list-type is ${listType}`;
    errors.push(valueForbidden(`${path}.items.nullable`, detail));
  }
  if (listType === "map") errors.push(...listMapErrors(items, keys, path));
  return errors;
}

function setItemErrors(items: JsonSchema, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const detail = "must be atomic as item of a list with x-kubernetes-list-type=set";
  const itemList = items["x-kubernetes-list-type"];
  if (items.type === "array" && itemList !== undefined && itemList !== "atomic") {
    errors.push(valueInvalid(`${path}.items.x-kubernetes-list-type`, itemList, detail));
  }
  if (items.type === "object" && items["x-kubernetes-map-type"] !== "atomic") {
    errors.push(valueInvalid(`${path}.items.x-kubernetes-map-type`, null, detail));
  }
  return errors;
}

function listMapErrors(items: JsonSchema | undefined, keys: readonly string[], path: string): FieldError[] {
  const errors: FieldError[] = [];
  const at = `${path}.x-kubernetes-list-map-keys`;
  if (keys.length === 0) {
    errors.push(valueRequired(at, "must not be empty if x-kubernetes-list-type is map"));
  }
  if (items === undefined) {
    return [...errors, valueRequired(`${path}.items`, "must have a schema if x-kubernetes-list-type is map")];
  }
  if (items.type !== "object") {
    const detail = "must be object if parent array's x-kubernetes-list-type is map";
    return [...errors, valueInvalid(`${path}.items.type`, items.type ?? "", detail)];
  }
  for (const [index, key] of keys.entries()) {
    const property = items.properties?.[key];
    if (property === undefined) {
      errors.push(valueInvalid(at, keys, "entries must all be names of item properties"));
    } else errors.push(...keyPropertyErrors(items, key, property, `${path}.items.properties[${key}]`));
    if (keys.indexOf(key) < index) errors.push(valueInvalid(at, keys, "must not contain duplicate entries"));
  }
  return errors;
}

function keyPropertyErrors(items: JsonSchema, key: string, property: JsonSchema, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (property.type === "array" || property.type === "object") {
    const detail = "must be a scalar type if parent array's x-kubernetes-list-type is map";
    errors.push(valueInvalid(`${path}.type`, items.type, detail));
  }
  if (!items.required?.includes(key) && property.default === undefined) {
    const detail =
      "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property";
    errors.push(valueRequired(`${path}.default`, detail));
  }
  if (property.nullable) {
    const detail = "this property is in x-kubernetes-list-map-keys, so it cannot be nullable";
    errors.push(valueForbidden(`${path}.nullable`, detail));
  }
  return errors;
}
