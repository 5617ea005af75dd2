import { type BillingRelease, IMAGE_FOUND, type ImageCheck } from "../../api/billing-release.ts";
import { type NewCondition, setCondition } from "../../api/condition.ts";

/** Reasons of Ready while the check of the image lets no Sovereign take it. */
export const CHECKING_IMAGE = "CheckingImage";
export const IMAGE_NOT_FOUND = "ImageNotFound";
/**
 * Reason of an unknown `ImageFound`. It does not block the rollout, because the nodes may have access to a registry that
 * the operator cannot reach.
 */
export const REGISTRY_UNAVAILABLE = "RegistryUnavailable";

type Result = ImageCheck["result"];

/** The registry's answer that the status records for the present image. */
export function imageCheckOf({ spec, status }: BillingRelease): Result | undefined {
  return status?.imageCheck?.image === spec.image ? status.imageCheck.result : undefined;
}

/**
 * Why no Sovereign may take the image: the registry does not have it, or was not asked yet. This follows from the recorded
 * answer, not from the condition, which becomes `Unknown` when a reconcile fails.
 */
export function imageObstacle(release: BillingRelease): { reason: string; message: string } | undefined {
  const result = imageCheckOf(release);
  if (result === "Found" || result === "Unknown") return undefined;
  const { reason, message } = imageCondition(release.spec.image, result);
  return { reason, message };
}

/**
 * The release with the registry's answer in its status. `result` is undefined until the first answer for this image
 * arrives. An earlier answer for the same image counts until there is a newer one. `now` is RFC 3339.
 */
export function withImageCheck(
  release: BillingRelease,
  result: Result | undefined,
  now: string,
): BillingRelease {
  const { metadata, spec, status } = release;
  const known = result ?? imageCheckOf(release);
  const { imageCheck: _, ...others } = status ?? {};
  const conditions = setCondition(
    status?.conditions ?? [],
    imageCondition(spec.image, known),
    metadata.generation,
    now,
  );
  const check = known === undefined ? {} : { imageCheck: { image: spec.image, result: known } };
  return { ...release, status: { ...others, ...check, conditions } };
}

function imageCondition(image: string, result: Result | undefined): NewCondition {
  const type = IMAGE_FOUND;
  if (result === "Found")
    return { type, status: "True", reason: "Found", message: `the registry has ${image}` };
  if (result === "NotFound")
    return {
      ...{ type, status: "False", reason: IMAGE_NOT_FOUND },
      message: `spec.image: the registry does not have ${image}: push it, or set spec.image to a digest that the registry has; if the registry is private, give the operator a pull secret for it`,
    };
  if (result === "Unknown")
    return {
      ...{ type, status: "Unknown", reason: REGISTRY_UNAVAILABLE },
      message: `the registry did not say whether it has ${image}, so the rollout goes on without this check: the operator's log says why, and it asks again`,
    };
  return {
    ...{ type, status: "Unknown", reason: CHECKING_IMAGE },
    message: `the operator asks the registry for ${image}: the rollout goes on within seconds`,
  };
}
