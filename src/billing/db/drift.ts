import { readFile } from "node:fs/promises";
import { canonicalJson, sha256Digest } from "../../platform/canonical-json.ts";
import type { SchemaObject } from "./fingerprint.ts";

/** The schema as this program's migrations make it: `npm run generate` measures it, and shape.json keeps it. */
export interface Shape {
  version: string;
  fingerprint: string;
  /** Bodies of functions by their digest: their text is in the migrations. */
  objects: SchemaObject[];
}

const SHAPE_FILE = new URL("./shape.json", import.meta.url);
const MAX_VALUE_LENGTH = 120;

/** Read anew each time: it is wanted twice a minute at most, and would lie in memory for ever. */
export async function readShape(): Promise<Shape> {
  return JSON.parse(await readFile(SHAPE_FILE, "utf8"));
}

/** The file's text, a line for each object. */
export function formatShape(version: string, fingerprint: string, objects: readonly SchemaObject[]): string {
  const lines = objects.map((object) => canonicalJson(abridged(object)));
  return `{"version":${JSON.stringify(version)},"fingerprint":${JSON.stringify(fingerprint)},"objects":[\n${lines.join(",\n")}\n]}\n`;
}

/** A sentence for each object that is missing, differs, or is not ours. */
export function describeDrift(shape: Shape, objects: readonly SchemaObject[]): string[] {
  const found = new Map(objects.map((object) => [labelOf(object), abridged(object)]));
  const expected = new Map(shape.objects.map((object) => [labelOf(object), object]));
  const missingTables = shape.objects
    .filter((object) => object.kind === "table" && !found.has(labelOf(object)))
    .map(({ name }) => name);
  const isOfMissingTable = ({ kind, name }: SchemaObject) =>
    kind !== "table" && missingTables.some((table) => name.startsWith(`${table}.`));
  return [
    ...[...expected].flatMap(([label, should]) => {
      const is = found.get(label);
      if (is === undefined) return isOfMissingTable(should) ? [] : [`${label} is missing`];
      const changes = describeChanges(is.description, should.description);
      return changes.length === 0 ? [] : [`${label} differs: ${changes.join(", ")}`];
    }),
    ...[...found.keys()].filter((label) => !expected.has(label)).map((label) => `${label} is not ours`),
  ];
}

const labelOf = ({ kind, name }: SchemaObject) => `${kind} ${name}`;

function abridged(object: SchemaObject): SchemaObject {
  const { body } = object.description;
  if (typeof body !== "string") return object;
  return { ...object, description: { ...object.description, body: sha256Digest(body) } };
}

function describeChanges(is: Record<string, unknown>, should: Record<string, unknown>): string[] {
  return Object.keys({ ...should, ...is })
    .filter((member) => canonicalJson(is[member] ?? null) !== canonicalJson(should[member] ?? null))
    .map((member) =>
      member === "body"
        ? "body is another one"
        : `${member} is ${wordOf(is[member])}, should be ${wordOf(should[member])}`,
    );
}

function wordOf(value: unknown): string {
  const text = typeof value === "string" ? value : canonicalJson(value ?? null);
  return text.length > MAX_VALUE_LENGTH ? `${text.slice(0, MAX_VALUE_LENGTH)}…` : text;
}
