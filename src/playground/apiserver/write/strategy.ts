import { isDeepStrictEqual } from "node:util";
import { prepareBuiltinCreate } from "../builtin/create.ts";
import type { Path } from "../managed-field/field-set.ts";
import type { ApiObject, JsonObject } from "../object.ts";
import type { ResourceType } from "../resource-type.ts";
import type { WriteRequest } from "./request.ts";

/** Sets what the kind, not the client, decides in a new object. */
export function prepareCreate(object: ApiObject, type: ResourceType): void {
  if (hasGeneration(type)) object.metadata.generation = 1;
  if (type.custom === undefined) prepareBuiltinCreate(object, type);
  else if (type.subresources.has("status")) delete object.status;
}

/** Resets the fields that the endpoint does not write to the stored values. A changed spec gets a new generation. */
export function prepareUpdate(
  next: ApiObject,
  live: ApiObject,
  request: Pick<WriteRequest, "type" | "subresource">,
): void {
  const { type, subresource } = request;
  if (subresource === "status") {
    for (const name of new Set([...Object.keys(next), ...Object.keys(live)])) {
      if (name === "status" || name === "metadata") continue;
      restore(next, live, name);
    }
    const { managedFields } = next.metadata;
    if (type.custom !== undefined) next.metadata = { ...live.metadata };
    else
      restore(
        next.metadata as unknown as JsonObject,
        live.metadata as unknown as JsonObject,
        "ownerReferences",
      );
    if (managedFields !== undefined) next.metadata.managedFields = managedFields;
  } else if (type.subresources.has("status")) restore(next, live, "status");
  // Only the subresource `finalize` changes the finalizers in the spec of a namespace.
  if (type.storage === "/namespaces" && subresource !== "finalize") restore(next, live, "spec");
  if (
    subresource !== "status" &&
    hasGeneration(type) &&
    !isDeepStrictEqual(specOf(next, type), specOf(live, type))
  ) {
    next.metadata.generation = (live.metadata.generation ?? 0) + 1;
  }
}

function restore(next: JsonObject, live: JsonObject, name: string): void {
  if (live[name] === undefined) delete next[name];
  else next[name] = live[name];
}

/**
 * The parts of an object whose change increases the generation: all except the metadata, and except the status if it is
 * a subresource.
 */
function specOf(object: ApiObject, type: ResourceType): JsonObject {
  const { metadata, apiVersion, status, ...rest } = object;
  // A Deployment's annotations count too, because they are copied to its ReplicaSets.
  if (type.storage === "apps/deployments") return { ...rest, annotations: metadata.annotations };
  return type.custom === undefined || type.subresources.has("status") ? rest : { ...rest, status };
}

const WITHOUT_GENERATION = new Set([
  "/configmaps",
  "/endpoints",
  "/events",
  "/limitranges",
  "/namespaces",
  "/nodes",
  "/resourcequotas",
  "/secrets",
  "/serviceaccounts",
  "/services",
  "coordination.k8s.io/leases",
  "apiregistration.k8s.io/apiservices",
]);

function hasGeneration({ custom, group, storage }: ResourceType): boolean {
  return custom !== undefined || (group !== "rbac.authorization.k8s.io" && !WITHOUT_GENERATION.has(storage));
}

/** The fields that a write through this endpoint cannot change, and so cannot own. */
export function untouchedFields({ type, subresource }: Pick<WriteRequest, "type" | "subresource">): Path[] {
  if (subresource === "status") {
    return type.custom === undefined
      ? [["spec"]]
      : [["spec"], ["metadata", "labels"], ["metadata", "annotations"]];
  }
  return type.subresources.has("status") ? [["status"]] : [];
}

const CONDITIONAL_UPDATES = new Set([
  "coordination.k8s.io/leases",
  "apiextensions.k8s.io/customresourcedefinitions",
  "apiregistration.k8s.io/apiservices",
  "admissionregistration.k8s.io/validatingwebhookconfigurations",
  "admissionregistration.k8s.io/mutatingwebhookconfigurations",
  "admissionregistration.k8s.io/validatingadmissionpolicies",
  "admissionregistration.k8s.io/validatingadmissionpolicybindings",
  "policy/poddisruptionbudgets",
]);

/** Whether a PUT must have a resourceVersion. */
export function wantsResourceVersion({ custom, storage }: ResourceType): boolean {
  return custom !== undefined || CONDITIONAL_UPDATES.has(storage);
}
