import { isRecord } from "../object.ts";
import type { JsonSchema } from "../schema/json-schema.ts";

/** The first value that cannot be decoded into the field it stands in, in the words of Go's decoder; undefined: all can. */
export function decodingProblem(
  value: unknown,
  schema: JsonSchema | undefined,
  path = "",
): string | undefined {
  if (schema === undefined || value === null || value === undefined) return undefined;
  const found = kindOf(value);
  const mismatch = (wanted: string) =>
    `json: cannot unmarshal ${found} into Go struct field ${path === "" ? "." : path} of type ${wanted}`;
  if (schema["x-kubernetes-int-or-string"]) {
    return found === "string" || found === "number" ? undefined : mismatch("intstr.IntOrString");
  }
  switch (schema.type) {
    case "string":
      if (typeof value !== "string") return mismatch("string");
      return schema.format === "date-time" && value !== "" && !isTimestamp(value)
        ? `parsing time ${JSON.stringify(value)} as "2006-01-02T15:04:05Z07:00": cannot parse ${JSON.stringify(value)} as a time`
        : undefined;
    case "boolean":
      return typeof value === "boolean" ? undefined : mismatch("bool");
    case "integer":
      return Number.isInteger(value) ? undefined : mismatch(schema.format ?? "int64");
    case "number":
      return typeof value === "number" ? undefined : mismatch("float64");
    case "array":
      if (!Array.isArray(value)) return mismatch("slice");
      return first(value.entries(), (item, index) =>
        decodingProblem(item, schema.items, `${path}[${index}]`),
      );
    case "object":
      if (!isRecord(value)) return mismatch("struct");
      return first(Object.entries(value), (member, name) => {
        const below = path === "" ? name : `${path}.${name}`;
        const property =
          schema.properties !== undefined && Object.hasOwn(schema.properties, name)
            ? schema.properties[name]
            : typeof schema.additionalProperties === "object"
              ? schema.additionalProperties
              : undefined;
        return decodingProblem(member, property, below);
      });
    default:
      return undefined;
  }
}

function first<Key>(
  entries: Iterable<[Key, unknown]>,
  look: (value: unknown, key: Key) => string | undefined,
): string | undefined {
  for (const [key, value] of entries) {
    const problem = look(value, key);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return "array";
  return typeof value === "boolean" ? "bool" : typeof value;
}

function isTimestamp(text: string): boolean {
  return (
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(Date.parse(text))
  );
}
