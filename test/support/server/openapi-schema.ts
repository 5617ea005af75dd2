import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

type Schema = Record<string, unknown>;

interface Definitions {
  definitions: Record<string, Schema>;
}

/** The API server also accepts a number, although its OpenAPI allows only a string. */
const QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity";

/**
 * Writes the OpenAPI of an API server as one JSON schema for each kind, by the names that kubeconform looks for. Each object
 * allows no other members than its own. Returns the number of kinds.
 */
export function writeKindSchemas({ definitions }: Definitions, folder: string): number {
  mkdirSync(folder, { recursive: true });
  const closed = Object.fromEntries(
    Object.entries(definitions).map(([name, schema]) => [
      name,
      name === QUANTITY ? {} : closedSchema(schema),
    ]),
  );
  let count = 0;
  for (const [name, schema] of Object.entries(definitions)) {
    const kinds = (schema["x-kubernetes-group-version-kind"] ?? []) as Record<string, string>[];
    // Options of requests, such as DeleteOptions, belong to every group.
    const [only] = kinds;
    if (only === undefined || kinds.length > 1) continue;
    const { group = "", version = "", kind = "" } = only;
    const file = `${kind}-${group === "" ? version : group}-${version}.json`.toLowerCase();
    const used = Object.fromEntries([...reachable(name, closed)].map((each) => [each, closed[each]]));
    writeFileSync(join(folder, file), JSON.stringify({ $ref: `#/definitions/${name}`, definitions: used }));
    count += 1;
  }
  return count;
}

/** A copy without the types that have several meanings, and without unlisted members. */
function closedSchema(node: Schema): Schema {
  if (node.format === "int-or-string" || node["x-kubernetes-int-or-string"] === true) return {};
  const copy = Object.fromEntries(
    Object.entries(node).map(([key, value]) => [key, key === "enum" ? value : closedValue(value)]),
  );
  const isClosed =
    node.properties !== undefined &&
    node.additionalProperties === undefined &&
    node["x-kubernetes-preserve-unknown-fields"] !== true;
  return isClosed ? { ...copy, additionalProperties: false } : copy;
}

const closedValue = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(closedValue);
  return typeof value === "object" && value !== null ? closedSchema(value as Schema) : value;
};

/** Names of all definitions to which this one leads, itself included. */
function reachable(
  name: string,
  definitions: Record<string, Schema>,
  found = new Set<string>(),
): Set<string> {
  if (found.has(name)) return found;
  found.add(name);
  for (const [, next = ""] of JSON.stringify(definitions[name]).matchAll(/"#\/definitions\/([^"]+)"/g))
    reachable(next, definitions, found);
  return found;
}
