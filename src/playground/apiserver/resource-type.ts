import type { ApiObject, JsonObject } from "./object.ts";
import type { JsonSchema } from "./schema/json-schema.ts";

export interface CustomColumn {
  name: string;
  type: string;
  format?: string;
  description?: string;
  priority?: number;
  jsonPath: string;
}

/** The part of a CustomResourceDefinition that describes one served version. */
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
  default(object: JsonObject): void;
  /** Removes unknown fields in place, and returns their paths. */
  prune(object: JsonObject): string[];
  validate(object: JsonObject, oldObject?: JsonObject): FieldProblem[];
}

/** One kind in one version of one group. */
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
  /** The type whose kind and version stored objects have. Undefined when it is this type. */
  storageConversion?: { toStorage(object: ApiObject): ApiObject; fromStorage(object: ApiObject): ApiObject };
  /** Defines list maps, merge keys and unknown fields. Without it, objects are stored unchanged. */
  schema: JsonSchema | undefined;
  /** Becomes a `Warning` header of every answer. */
  deprecationWarning?: string;
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

/** The default storage key of a type. */
export function storageKey(group: string, plural: string): string {
  return `${group}/${plural}`;
}

export function stored(type: ResourceType, object: ApiObject): ApiObject {
  return type.storageConversion?.toStorage(object) ?? object;
}

export function served(type: ResourceType, object: ApiObject): ApiObject {
  return type.storageConversion?.fromStorage(object) ?? object;
}
