import type { BillingRelease } from "../../api/billing-release.ts";
import { ANNOTATION, isFromHub } from "../../api/label.ts";

/** Whether the rollout of the release's image is under way. On a cluster of a Sovereign's own, the hub says so. */
export function isRolloutOpen(release: BillingRelease): boolean {
  const { metadata, spec, status } = release;
  if (isFromHub(release)) return metadata.annotations?.[ANNOTATION.rollingOut] === spec.image;
  return status?.rollout?.image !== spec.image || status.phase !== "Complete";
}
