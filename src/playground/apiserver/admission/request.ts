import type { UserInfo } from "../access/user.ts";
import type { JsonObject } from "../object.ts";

interface GroupVersionKind {
  group: string;
  version: string;
  kind: string;
}

export interface GroupVersionResource {
  group: string;
  version: string;
  resource: string;
}

/** A client's request as admission receives it: after defaulting, before the write. */
export interface AdmissionRequest {
  operation: "CREATE" | "UPDATE" | "DELETE" | "CONNECT";
  kind: GroupVersionKind;
  resource: GroupVersionResource;
  /** `status`, `scale`, …; empty for the object itself. */
  subresource: string;
  /** Empty on a create with `generateName`. */
  name: string;
  /** Empty for cluster-scoped objects; a Namespace's own name for Namespaces, whether given here or not. */
  namespace: string;
  user: UserInfo;
  /** Null on DELETE. */
  object: JsonObject | null;
  /** Null on CREATE. */
  oldObject: JsonObject | null;
  /** CreateOptions, UpdateOptions, … with their apiVersion and kind. */
  options: JsonObject | null;
  dryRun: boolean;
}

/** What admission adds to an allowed request. Refusals are thrown as `StatusError`. */
export interface AdmissionNotes {
  /** For `Warning: 299 - "…"` headers, in order. */
  warnings: string[];
  /** For an audit log. */
  auditAnnotations: Record<string, string>;
}

export function createNotes(): AdmissionNotes {
  return { warnings: [], auditAnnotations: {} };
}

/** The request with the namespace of a Namespace object filled in, as Kubernetes' handlers do. */
export function normalizedRequest(request: AdmissionRequest): AdmissionRequest {
  if (!isNamespaceResource(request.resource) || request.namespace !== "") return request;
  return { ...request, namespace: request.name || metadataOf(request.object).name || "" };
}

export function isNamespaceResource({ group, version, resource }: GroupVersionResource): boolean {
  return group === "" && version === "v1" && resource === "namespaces";
}

interface Metadata {
  name?: string;
  generateName?: string;
  labels?: Record<string, string>;
}

export function metadataOf(object: JsonObject | null): Metadata {
  const metadata = object?.metadata;
  return metadata !== null && typeof metadata === "object" ? (metadata as Metadata) : {};
}
