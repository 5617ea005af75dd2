import type { BillingRelease } from "../../api/billing-release.ts";
import type { Sovereign, SovereignStatus } from "../../api/sovereign.ts";
import { rolloutOf } from "./desired-completion.ts";

/**
 * The generation of the release with which the rollout of its image began. Until the status describes this rollout, it is
 * the one after the last generation with another image, but not one that does not exist yet: a failed reconcile records a
 * generation without its image. Undefined if an older operator, which did not record it, wrote the status.
 */
export function rolloutStart(release: BillingRelease): number | undefined {
  const rollout = rolloutOf(release);
  if (rollout !== undefined) return rollout.sinceGeneration;
  const { metadata, status } = release;
  return Math.min((status?.observedGeneration ?? 0) + 1, metadata.generation ?? 1);
}

/** What the status of a Sovereign records when it takes `image`: the image that it leaves, and in which rollout. */
export function departureOf(
  { pinnedImage, verified }: SovereignStatus,
  { metadata: { uid = "", generation = 1 } }: BillingRelease,
  image: string,
): Pick<SovereignStatus, "previousImage" | "imageChange"> {
  if (pinnedImage === image || verified === undefined || verified.image === image) return {};
  return { previousImage: verified.image, imageChange: { releaseUid: uid, generation } };
}

/**
 * The image to which a Sovereign goes back from the release's image; undefined without one. An image that it left in an
 * earlier rollout, or for another release, does not count: a failure of this rollout says nothing about a Sovereign that it
 * did not change.
 */
export function returnImageOf(
  { status }: Sovereign,
  {
    image,
    releaseUid,
    startGeneration,
  }: { image: string; releaseUid: string; startGeneration: number | undefined },
): string | undefined {
  const { previousImage, imageChange } = status ?? {};
  if (previousImage === image) return undefined;
  if (startGeneration === undefined) return previousImage;
  const isOfThisRollout = imageChange?.releaseUid === releaseUid && imageChange.generation >= startGeneration;
  return isOfThisRollout ? previousImage : undefined;
}
