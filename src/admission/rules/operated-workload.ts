import type { Identity } from "./identity.ts";
import { hasCustomController, writesOwnObjects } from "./permission.ts";
import type { AdmissionInput } from "./request.ts";

/**
 * The kinds that a listed operator creates itself. CloudNativePG creates the Pods of its instances, and a Job for a replica
 * that joins with a new volume. Deployments and StatefulSets are left out: they change when a member changes their owner,
 * and their Pods fail over without an operator.
 */
const OPERATED_KINDS = ["pods.", "jobs.batch"];

/**
 * Whether a listed controller creates a Pod or Job for a custom object that controls it. A database that fails over must
 * not wait for a change window.
 */
export const isOperatedWorkload = (
  { operation, group, resource, subresource, object }: AdmissionInput,
  identity: Identity,
): boolean =>
  writesOwnObjects(identity) &&
  operation === "CREATE" &&
  subresource === "" &&
  OPERATED_KINDS.includes(`${resource}.${group}`) &&
  hasCustomController(object);
