import { type FieldRequirement, matchesFields, parseFieldSelector } from "./field-selector.ts";
import { matchesLabels, type Requirement } from "./label-selector.ts";
import { parseLabelSelector } from "./label-selector-parser.ts";
import type { ApiObject } from "./object.ts";
import type { ResourceType } from "./resource-type.ts";

/** The objects of a type that a list, a watch or a deletecollection selects. */
export interface Selection {
  /** Empty means all namespaces. */
  namespace: string;
  labels: readonly Requirement[];
  fields: readonly FieldRequirement[];
}

export function parseSelection(type: ResourceType, namespace: string, query: URLSearchParams): Selection {
  return {
    namespace,
    labels: parseLabelSelector(query.get("labelSelector") ?? ""),
    fields: parseFieldSelector(query.get("fieldSelector") ?? "", type),
  };
}

export function isSelected({ namespace, labels, fields }: Selection, object: ApiObject): boolean {
  if (namespace !== "" && object.metadata.namespace !== namespace) return false;
  return matchesLabels(labels, object.metadata.labels) && matchesFields(fields, object);
}

export function selectsAll({ labels, fields }: Selection): boolean {
  return labels.length === 0 && fields.length === 0;
}
