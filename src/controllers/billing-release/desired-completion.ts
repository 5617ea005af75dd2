import type { BillingRelease } from "../../api/billing-release.ts";

/**
 * Whether the rollout of the release's image was complete at some time. The record lasts until the release has another
 * image, or until its Sovereigns go back. A Sovereign that fails later must neither halt the release nor send the others
 * back.
 */
export const isRolloutComplete = ({ spec, status }: BillingRelease): boolean =>
  status?.rollout?.image === spec.image && status.rollout.completedAt !== undefined;

/** Whether the release rolls out this image now. */
export const isRollingOut = (release: BillingRelease, image: string): boolean =>
  release.spec.image === image && !isRolloutComplete(release);
