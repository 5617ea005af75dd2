import type { ApiObject } from "./object.ts";
import { badRequest } from "./refusal.ts";
import type { ResourceType } from "./resource-type.ts";

export interface FieldRequirement {
  path: readonly string[];
  field: string;
  equal: boolean;
  value: string;
}

// By storage: the fields that a client may select by, besides metadata.name and metadata.namespace.
const SELECTABLE: Record<string, readonly string[]> = {
  "/pods": [
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "spec.hostNetwork",
    "status.phase",
    "status.podIP",
    "status.nominatedNodeName",
  ],
  "/events": [
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "reason",
    "reportingComponent",
    "source",
    "type",
  ],
  "/namespaces": ["status.phase"],
  "/nodes": ["spec.unschedulable"],
  "/secrets": ["type"],
  "/services": ["spec.clusterIP", "spec.type"],
  "apps/replicasets": ["status.replicas"],
  "batch/jobs": ["status.successful"],
};

// Members whose names differ between selector and object.
const ALIAS: Record<string, Record<string, string>> = {
  "/events": { source: "source.component" },
  "batch/jobs": { "status.successful": "status.succeeded" },
};

// events.k8s.io selects by its own names.
const REGARDING = /^regarding\./;

/** Parses `metadata.name=a,status.phase!=Running`. Throws 400 for fields that the type does not support. */
export function parseFieldSelector(text: string, type: ResourceType): FieldRequirement[] {
  return splitTerms(text)
    .filter((term) => term !== "")
    .map((term) => {
      const match = /^([^!=]+?)\s*(!=|==|=)(.*)$/s.exec(term);
      if (match === null) throw badRequest(`invalid selector: '${term}'; can't understand '${term}'`);
      const field = (match[1] ?? "").trim();
      const known = type.storageConversion ? field.replace(REGARDING, "involvedObject.") : field;
      if (!isSelectable(known, type)) {
        throw badRequest(
          type.custom === undefined && SELECTABLE[type.storage] === undefined
            ? `${JSON.stringify(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`
            : `field label not supported: ${field}`,
        );
      }
      const path = (ALIAS[type.storage]?.[known] ?? known).split(".");
      return { path, field, equal: match[2] !== "!=", value: unescaped(match[3] ?? "") };
    });
}

function isSelectable(field: string, type: ResourceType): boolean {
  if (field === "metadata.name") return true;
  if (field === "metadata.namespace") return type.namespaced;
  return type.custom === undefined
    ? (SELECTABLE[type.storage]?.includes(field) ?? false)
    : type.custom.selectableFields.includes(field);
}

/** Whether an object in its stored form matches. */
export function matchesFields(requirements: readonly FieldRequirement[], object: ApiObject): boolean {
  return requirements.every(({ path, equal, value }) => (fieldText(object, path) === value) === equal);
}

function fieldText(object: ApiObject, path: readonly string[]): string {
  let value: unknown = object;
  for (const step of path) value = (value as Record<string, unknown> | undefined)?.[step];
  return value === undefined || value === null ? "" : String(value);
}

/** Commas and equal signs in values are escaped with a backslash. */
function splitTerms(text: string): string[] {
  return text.match(/(?:\\.|[^,\\])+/gs) ?? [];
}

function unescaped(value: string): string {
  return value.replaceAll(/\\([\\,=])/g, "$1");
}
