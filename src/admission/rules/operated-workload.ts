import { listOf, mapOf } from "../../api/object.ts";
import type { Identity } from "./identity.ts";
import { isCustomOwner } from "./permission.ts";
import type { AdmissionInput } from "./request.ts";

/**
 * What an operator makes itself. CloudNativePG makes the Pods of its instances, and a Job for a replica that joins with a new
 * volume. Deployments and StatefulSets change when a member changes their owner, and their Pods need no operator to fail over.
 */
const OPERATED_KINDS = ["pods.", "jobs.batch"];

/**
 * Controllers that write any object with any owner, as a policy, a template or a backup says: Kyverno and Gatekeeper,
 * External Secrets with generic targets, and Velero.
 */
const WRITERS_OF_ANYTHING = ["kyverno", "gatekeeper-system", "external-secrets", "velero"];

/**
 * Whether a listed controller makes a Pod or Job for an object of a custom kind that controls it. A database that fails over
 * must not wait for a window.
 */
export const isOperatedWorkload = (
  { operation, group, resource, subresource, object }: AdmissionInput,
  identity: Identity,
): boolean =>
  identity.kind === "controller" &&
  !WRITERS_OF_ANYTHING.includes(identity.namespace) &&
  operation === "CREATE" &&
  subresource === "" &&
  OPERATED_KINDS.includes(`${resource}.${group}`) &&
  listOf(object?.metadata?.ownerReferences).some(
    (owner) => mapOf(owner).controller === true && isCustomOwner(owner),
  );
