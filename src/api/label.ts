import { GROUP } from "./kind.ts";
import type { KubernetesObject } from "./object.ts";

/** Labels that only the platform may write. Admission refuses other writers. */
export const LABEL = {
  organization: `${GROUP}/organization`,
  environment: `${GROUP}/environment`,
  sovereign: `${GROUP}/sovereign`,
  managedBy: `${GROUP}/managed-by`,
} as const;

/** Values of `LABEL.managedBy`. */
export const MANAGED_BY = { operator: "operator", hub: "hub" } as const;

/** Whether this object comes from the hub, on a Sovereign's own cluster. */
export const isFromHub = ({ metadata }: KubernetesObject): boolean =>
  metadata.labels?.[LABEL.managedBy] === MANAGED_BY.hub;

/** Annotations that only the platform or its pipeline may write. */
export const ANNOTATION = {
  approvedBy: `${GROUP}/approved-by`,
  score: `${GROUP}/score`,
  /** Digest of the object that the operator last applied. It distinguishes an edit from a new desired state. */
  applied: `${GROUP}/applied`,
  /** On a Pod template: keyed digest of the values that its Pods take from Secrets when they start. */
  secrets: `${GROUP}/secrets`,
  /** On an object from the hub: the UID of the hub's cluster. Another hub leaves the object alone. */
  hub: `${GROUP}/hub`,
  /** On a Sovereign from the hub: the image that the hub's rollout gives it. */
  image: `${GROUP}/image`,
  /** On a BillingRelease from the hub: its references, as JSON. They become those of its status. */
  references: `${GROUP}/references`,
  /** On a Sovereign from the hub: the image that it has, while the rollout of that image is under way. */
  rollingOut: `${GROUP}/rolling-out`,
} as const;

/** Keeps a deleted Sovereign in the API until its workload is deleted. Its database stays. */
export const SOVEREIGN_FINALIZER = `${GROUP}/sovereign`;

/** Keeps a deleted Franchise in the API while a Sovereign names it: without its grants, the Sovereign could issue no voucher. */
export const FRANCHISE_FINALIZER = `${GROUP}/franchise`;
