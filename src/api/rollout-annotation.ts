import { GROUP } from "./kind.ts";

/**
 * The annotations by which a person controls the rollout of a BillingRelease. A value is `<user>@<digest of the image>`, so
 * it does not apply to a later image. Only `paused` applies to every image. `resumed` ends with `#` and the number of the
 * last halt that it ends.
 */
export const ROLLOUT_ANNOTATION = {
  paused: `${GROUP}/rollout-paused`,
  aborted: `${GROUP}/rollout-aborted`,
  resumed: `${GROUP}/rollout-resumed`,
} as const;

/** The name of a stage or of a Sovereign follows the prefix. */
export const ROLLOUT_ANNOTATION_PREFIX = {
  approve: `approve.${GROUP}/`,
  skip: `skip.${GROUP}/`,
  skipBake: `skip-bake.${GROUP}/`,
} as const;
