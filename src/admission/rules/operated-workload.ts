import type { Identity } from "./identity.ts";
import { hasCustomController, writesOwnObjects } from "./permission.ts";
import type { AdmissionInput } from "./request.ts";

/**
 * What an operator makes itself. CloudNativePG makes the Pods of its instances, and a Job for a replica that joins with a new
 * volume. Deployments and StatefulSets change when a member changes their owner, and their Pods need no operator to fail over.
 */
const OPERATED_KINDS = ["pods.", "jobs.batch"];

/**
 * Whether a listed controller makes a Pod or Job for an object of a custom kind that controls it. A database that fails over
 * must not wait for a window.
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
