import type { BillingRelease } from "../../api/billing-release.ts";

/**
 * Whether the rollout of the release's image was complete once. The record lasts until the release has another image, or until its
 * Sovereigns go back: a Sovereign that fails later must neither halt the release nor return the others.
 */
export const isRolloutComplete = ({ spec, status }: BillingRelease): boolean =>
  status?.rollout?.image === spec.image && status.rollout.completedAt !== undefined;
