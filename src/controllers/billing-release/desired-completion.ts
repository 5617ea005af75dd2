import type { BillingRelease } from "../../api/billing-release.ts";
import type { Halt, RolloutStatus } from "../../api/rollout-status.ts";

/** The record of the rollout of the release's image; undefined while the status has that of an earlier image. */
export const rolloutOf = ({ spec, status }: BillingRelease): RolloutStatus | undefined =>
  status?.rollout?.image === spec.image ? status.rollout : undefined;

/**
 * Whether the rollout of the release's image was complete at some time. The record lasts until the release has another
 * image, or until its Sovereigns go back. A Sovereign that fails later must neither halt the release nor send the others
 * back.
 */
export const isRolloutComplete = (release: BillingRelease): boolean =>
  rolloutOf(release)?.completedAt !== undefined;

/**
 * Whether Sovereigns went back, or go back, because of this halt. It lasts until a person resumes, also when
 * `spec.rollout.backwardCompatible` becomes false. Otherwise the Sovereigns that went back would take the image again.
 */
export const isReturnHalt = (halt: Halt | undefined, resumedThrough: number): halt is Halt =>
  halt?.returns === true && halt.number > resumedThrough;

/** Whether the release rolls out this image now. */
export const isRollingOut = (release: BillingRelease, image: string): boolean =>
  release.spec.image === image && !isRolloutComplete(release);
