import type { ApiObject } from "../object.ts";
import { conflict, forbiddenBecause, notFound, type Subject } from "../refusal.ts";
import type { Store } from "../store.ts";
import type { WriteRequest } from "./request.ts";

const NAMESPACES: Subject = { group: "", plural: "namespaces" };

/** Refuses new objects in a namespace that does not exist (404) or is being deleted (403). */
export function checkNamespace(
  store: Store,
  { type, namespace, name }: WriteRequest,
  objectName: string,
): void {
  if (!type.namespaced) return;
  const found = store.get("/namespaces", "", namespace);
  if (found === undefined) throw notFound(NAMESPACES, namespace);
  if (found.metadata.deletionTimestamp === undefined) return;
  throw forbiddenBecause(
    type,
    objectName || name,
    `unable to create new content in namespace ${namespace} because it is being terminated`,
    [
      {
        reason: "NamespaceTerminating",
        message: `namespace ${namespace} is being terminated`,
        field: "metadata.namespace",
      },
    ],
  );
}

export interface Preconditions {
  uid?: string;
  resourceVersion?: string;
}

/** Throws 409 when the live object has another uid or resourceVersion than the precondition names. */
export function checkPreconditions(
  type: Subject,
  live: ApiObject,
  { uid, resourceVersion }: Preconditions,
): void {
  const { metadata } = live;
  if (uid !== undefined && uid !== metadata.uid) {
    throw conflict(
      type,
      metadata.name,
      `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`,
    );
  }
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion) {
    throw conflict(
      type,
      metadata.name,
      `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${metadata.resourceVersion}). The object might have been modified`,
    );
  }
}
