import { canonicalJson } from "../canonical-json.ts";
import { isRecord, type JsonObject, ownMember } from "../object.ts";
import {
  childPath,
  type FieldError,
  indexPath,
  keyPath,
  valueDuplicate,
  valueInvalid,
} from "./field-error.ts";
import type { JsonSchema } from "./json-schema.ts";

/** The errors of lists of type set or map whose members are not unique. */
export function listTypeErrors(value: unknown, schema: JsonSchema | undefined, path = ""): FieldError[] {
  if (schema === undefined) return [];
  if (Array.isArray(value)) {
    return [
      ...uniquenessErrors(value, schema, path),
      ...value.flatMap((item, index) => listTypeErrors(item, schema.items, indexPath(path, index))),
    ];
  }
  if (!isRecord(value)) return [];
  return Object.keys(value).flatMap((name) => {
    const property = ownMember(schema.properties, name);
    if (property !== undefined) return listTypeErrors(value[name], property, childPath(path, name));
    return typeof schema.additionalProperties === "object"
      ? listTypeErrors(value[name], schema.additionalProperties, keyPath(path, name))
      : [];
  });
}

function uniquenessErrors(list: unknown[], schema: JsonSchema, path: string): FieldError[] {
  switch (schema["x-kubernetes-list-type"]) {
    case "set":
      return secondAppearances(list).map((index) => valueDuplicate(indexPath(path, index), list[index]));
    case "map": {
      const stray = list.findIndex((item) => item !== null && !isRecord(item));
      if (stray >= 0) {
        return [
          valueInvalid(
            indexPath(path, stray),
            list[stray],
            "must be an object for an array of list-type map",
          ),
        ];
      }
      const names = schema["x-kubernetes-list-map-keys"] ?? [];
      const keys = list.map((item) => mapKeyOf(item, names));
      return secondAppearances(keys).map((index) => valueDuplicate(indexPath(path, index), keys[index]));
    }
    default:
      return [];
  }
}

/** The members of a list-map entry that identify it. */
export function mapKeyOf(item: unknown, names: readonly string[]): JsonObject {
  const key: JsonObject = {};
  for (const name of names) {
    const member = isRecord(item) ? ownMember(item, name) : undefined;
    if (member !== undefined) key[name] = member;
  }
  return key;
}

/** The index of the second occurrence of each value that appears more than once. */
function secondAppearances(values: readonly unknown[]): number[] {
  const times = new Map<string, number>();
  return values.flatMap((value, index) => {
    const text = canonicalJson(value);
    const seen = times.get(text) ?? 0;
    times.set(text, seen + 1);
    return seen === 1 ? [index] : [];
  });
}
