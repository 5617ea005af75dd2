import type { ApiObject, Json } from "./object.ts";
import type { JsonSchema } from "./schema/json-schema.ts";

export interface CustomColumn {
  name: string;
  type: string;
  format?: string;
  description?: string;
  priority?: number;
  jsonPath: string;
}

/** What a CustomResourceDefinition says of one served version. */
interface CustomVersion {
  columns: readonly CustomColumn[];
  selectableFields: readonly string[];
  scale?: { specReplicasPath: string; statusReplicasPath: string; labelSelectorPath?: string };
  /** The schema compiled: defaults, pruning and validation. */
  structure: ObjectStructure;
}

interface FieldProblem {
  type: string;
  field: string;
  message: string;
}

/** A compiled structural schema. */
interface ObjectStructure {
  /** Fills defaults in, in place. */
  default(object: Json): void;
  /** Removes unknown fields in place; answers their paths. */
  prune(object: Json): string[];
  validate(object: Json, oldObject?: Json): FieldProblem[];
}

/** One kind as one version of one group serves it. */
export interface ResourceType {
  group: string;
  version: string;
  plural: string;
  singular: string;
  kind: string;
  listKind: string;
  namespaced: boolean;
  shortNames: readonly string[];
  categories: readonly string[];
  verbs: readonly string[];
  subresources: ReadonlySet<"status" | "scale">;
  /** Several types may share storage: events of both groups, the versions of a CRD. */
  storage: string;
  /** Objects are stored as this type's kind and version; undefined for the type that is stored itself. */
  storageConversion?: { toStorage(object: ApiObject): ApiObject; fromStorage(object: ApiObject): ApiObject };
  /** For list maps, merge keys and unknown fields; undefined keeps everything as it comes. */
  schema: JsonSchema | undefined;
  /** Present for types that a CRD made. */
  custom?: CustomVersion;
}

export const ALL_VERBS: readonly string[] = [
  "create",
  "delete",
  "deletecollection",
  "get",
  "list",
  "patch",
  "update",
  "watch",
];

/** The key under which a type's objects lie when nothing else is said. */
export function storageKey(group: string, plural: string): string {
  return `${group}/${plural}`;
}

export function stored(type: ResourceType, object: ApiObject): ApiObject {
  return type.storageConversion?.toStorage(object) ?? object;
}

export function served(type: ResourceType, object: ApiObject): ApiObject {
  return type.storageConversion?.fromStorage(object) ?? object;
}
