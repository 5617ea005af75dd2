import { GROUP } from "./kind.ts";

/**
 * The annotations by which a person controls the rollout of a BillingRelease. A value is
 * `<user>@<digest of the image>#<generation of the BillingRelease>`, so it applies neither to a later image nor to a later
 * rollout of the same image. `paused` has no generation, and applies to every image. `resumed` has the number of the last
 * halt that it ends in place of the generation.
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
