import { builtinColumns, type ColumnDefinition, type ColumnSet } from "./builtin/column.ts";
import { ageOf } from "./duration.ts";
import { compileJsonPath } from "./json-path.ts";
import type { ApiObject, JsonObject } from "./object.ts";
import { badRequest } from "./refusal.ts";
import type { CustomColumn, ResourceType } from "./resource-type.ts";

export type IncludeObject = "None" | "Metadata" | "Object";

const DEFAULT_COLUMNS: CustomColumn[] = [
  { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
];

/** The columns and cells of a type in a Table. */
export function columnSet(type: ResourceType): ColumnSet {
  if (type.custom === undefined) return builtinColumns(type.storage);
  const { columns } = type.custom;
  const shown = (columns.length === 0 ? DEFAULT_COLUMNS : columns).map((column) => ({
    column,
    find: compileJsonPath(column.jsonPath),
  }));
  return {
    columns: [
      { name: "Name", type: "string", format: "name", description: "", priority: 0 },
      ...shown.map(({ column }) => ({
        name: column.name,
        type: column.type as ColumnDefinition["type"],
        format: column.format ?? "",
        description: column.description ?? "",
        priority: column.priority ?? 0,
      })),
    ],
    cells: (object, now) => [
      object.metadata.name,
      ...shown.map(({ column, find }) => cell(column.type, find?.(object)[0], now)),
    ],
  };
}

function cell(type: string, value: unknown, now: Date): unknown {
  if (value === undefined || value === null) return null;
  switch (type) {
    case "integer":
      return typeof value === "number" ? Math.trunc(value) : null;
    case "number":
      return typeof value === "number" ? value : null;
    case "boolean":
      return typeof value === "boolean" ? value : null;
    case "date":
      return typeof value === "string" ? ageOf(value, now) : null;
    default:
      return typeof value === "object" ? JSON.stringify(value) : String(value);
  }
}

export function parseIncludeObject(text: string | null): IncludeObject {
  if (text === null || text === "") return "Metadata";
  if (text === "None" || text === "Metadata" || text === "Object") return text;
  throw badRequest(
    `includeObject: Unsupported value: ${JSON.stringify(text)}: supported values: "None", "Metadata", "Object"`,
  );
}

/** A `meta.k8s.io/v1 Table`. Cells come from the stored form, and the objects in rows have the served form. */
export function tableOf(
  set: ColumnSet,
  rows: readonly { stored: ApiObject; served: ApiObject }[],
  metadata: JsonObject,
  options: { include: IncludeObject; now: Date },
): JsonObject {
  return {
    kind: "Table",
    apiVersion: "meta.k8s.io/v1",
    metadata,
    columnDefinitions: set.columns,
    rows: rows.map(({ stored, served }) => ({
      cells: set.cells(stored, options.now),
      ...(options.include === "None"
        ? {}
        : { object: options.include === "Object" ? served : partialMetadata(served) }),
    })),
  };
}

/** Only the metadata, as `PartialObjectMetadata`. */
export function partialMetadata({ metadata }: ApiObject): JsonObject {
  return { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata };
}
