import { GROUP } from "./kind.ts";

/**
 * Annotations on a BillingRelease by which a person acts on its rollout. A value is `<user>@<digest of the image>`, so
 * that none of them applies to a later image. `paused` applies to every image. `resumed` ends with `#` and the number of
 * the last halt that is over.
 */
export const ROLLOUT_ANNOTATION = {
  paused: `${GROUP}/rollout-paused`,
  aborted: `${GROUP}/rollout-aborted`,
  resumed: `${GROUP}/rollout-resumed`,
} as const;

/** With the name of a stage or of a Sovereign behind it. */
export const ROLLOUT_ANNOTATION_PREFIX = {
  approve: `approve.${GROUP}/`,
  skip: `skip.${GROUP}/`,
  skipBake: `skip-bake.${GROUP}/`,
} as const;
