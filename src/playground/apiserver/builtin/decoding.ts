import { isRecord } from "../object.ts";
import { type JsonSchema, memberSchema } from "../schema/json-schema.ts";

/** The error of Go's decoder for the first value that does not fit its field; undefined when all values fit. */
export function decodingProblem(
  value: unknown,
  schema: JsonSchema | undefined,
  path = "",
): string | undefined {
  if (schema === undefined || value === null || value === undefined) return undefined;
  const wanted = mismatchedType(value, schema);
  if (wanted !== undefined) {
    return `json: cannot unmarshal ${kindOf(value)} into Go struct field ${path === "" ? "." : path} of type ${wanted}`;
  }
  if (schema["x-kubernetes-int-or-string"]) return undefined;
  switch (schema.type) {
    case "string":
      return schema.format === "date-time" ? timeProblem(String(value)) : undefined;
    case "array":
      return first((value as unknown[]).entries(), (item, index) =>
        decodingProblem(item, schema.items, `${path}[${index}]`),
      );
    case "object":
      return first(Object.entries(value), (member, name) =>
        decodingProblem(member, memberSchema(schema, name), path === "" ? name : `${path}.${name}`),
      );
    default:
      return undefined;
  }
}

/** The Go type that the schema requires, when the value has another type. */
function mismatchedType(value: unknown, schema: JsonSchema): string | undefined {
  const unless = (fits: boolean, type: string) => (fits ? undefined : type);
  if (schema["x-kubernetes-int-or-string"]) {
    return unless(typeof value === "string" || typeof value === "number", "intstr.IntOrString");
  }
  switch (schema.type) {
    case "string":
      return unless(typeof value === "string", "string");
    case "boolean":
      return unless(typeof value === "boolean", "bool");
    case "integer":
      return unless(Number.isInteger(value), schema.format ?? "int64");
    case "number":
      return unless(typeof value === "number", "float64");
    case "array":
      return unless(Array.isArray(value), "slice");
    case "object":
      return unless(isRecord(value), "struct");
    default:
      return undefined;
  }
}

function timeProblem(text: string): string | undefined {
  if (text === "" || isTimestamp(text)) return undefined;
  const quoted = JSON.stringify(text);
  return `parsing time ${quoted} as "2006-01-02T15:04:05Z07:00": cannot parse ${quoted} as a time`;
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
