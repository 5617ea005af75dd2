import type { BillingRelease, ImageCheck } from "../../api/billing-release.ts";
import type { Logger } from "../../platform/log.ts";
import { createMeasurements, type MeasurementPace, type Measurements } from "../measurement.ts";
import { imageCheckOf } from "./desired-image-check.ts";

type Result = ImageCheck["result"];

/** Whether the registry has an image. Throws when the registry does not say. */
export type FindImage = (image: string, signal: AbortSignal) => Promise<boolean>;

/**
 * The rollout waits for the first answer, but at most until the deadline. Then the answer is `Unknown`, and the rollout
 * continues.
 */
const PACE: MeasurementPace = {
  deadlineMs: 10_000,
  graceMs: 500,
  firstRetryMs: 5_000,
  maxRetryMs: 300_000,
  concurrency: 4,
  retryConcurrency: 2,
};

/** Answers of registries by BillingRelease. One for each term of leadership. */
export type ImageChecks = Measurements<Result>;

export const createImageChecks = ({ now }: { now: () => Date }): ImageChecks =>
  createMeasurements({ pace: PACE, describe: (result) => result, now });

/**
 * Asks the registry in the background whether it has the image of a release, and again with back-off until it has. An image
 * that was found is not looked up again. Undefined until the first answer for this image.
 */
export async function checkImage(
  { images, findImage, logger }: { images: ImageChecks; findImage: FindImage; logger: Logger },
  release: BillingRelease,
): Promise<Result | undefined> {
  if (imageCheckOf(release) === "Found") return "Found";
  const { name } = release.metadata;
  const { image } = release.spec;
  return images.read(name, image, async (signal, failures) => {
    try {
      const isFound = await findImage(image, signal);
      return { value: isFound ? "Found" : "NotFound", isGood: isFound };
    } catch (error) {
      if (failures === 0)
        logger.warn(
          { release: name, image, err: error },
          "the registry does not say whether it has the image",
        );
      return { value: "Unknown", isGood: false };
    }
  });
}
