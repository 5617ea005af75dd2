import { GROUP } from "./kind.ts";

/** Labels that the platform alone writes; admission guards them. */
export const LABEL = {
  organization: `${GROUP}/organization`,
  environment: `${GROUP}/environment`,
  sovereign: `${GROUP}/sovereign`,
  managedBy: `${GROUP}/managed-by`,
} as const;

/** Values of `LABEL.managedBy`. */
export const MANAGED_BY = { operator: "operator", hub: "hub" } as const;

/** Evidence annotations: the pipeline's alone. */
export const ANNOTATION = {
  approvedBy: `${GROUP}/approved-by`,
  score: `${GROUP}/score`,
  /** Digest of what the operator last applied: tells a hand edit from a change of mind. */
  applied: `${GROUP}/applied`,
  /** On a Pod template: which versions of its Secrets it was started with. */
  secrets: `${GROUP}/secrets`,
} as const;

/** Keeps a Sovereign until its workload is gone; its database stays. */
export const SOVEREIGN_FINALIZER = `${GROUP}/sovereign`;
