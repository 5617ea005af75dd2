import { findCondition, isConditionTrue, STALLED } from "../../../src/api/condition.ts";
import type { Sovereign, SovereignStatus } from "../../../src/api/sovereign.ts";
import { condition } from "./catalyst-object.ts";

/** Whether a Sovereign served with another image, updated to this one, and now needs a person. */
export const hasFailed = ({ spec, status }: Sovereign, image: string): boolean =>
  !spec.suspend &&
  status?.pinnedImage === image &&
  status.verified !== undefined &&
  (status.takenWhileFailing !== image || status.verified.image === image) &&
  isStalled(status);

/** Whether a Sovereign went back from this image, is stalled on its previous one, and was not failing before it took this one. */
export const hasFailedBack = ({ spec, status }: Sovereign, image: string): boolean =>
  !spec.suspend &&
  isStalled(status) &&
  status?.pinnedImage !== image &&
  status?.pinnedImage === status?.previousImage &&
  status?.takenWhileFailing !== image;

export const isStalled = (status: SovereignStatus | undefined): boolean =>
  isConditionTrue(status?.conditions, STALLED);
const isServing = (status: SovereignStatus | undefined): boolean =>
  status?.verified !== undefined && !isStalled(status);

/**
 * Whether a Sovereign serves with another image, and needs no person. `seen` is its last status before its cluster could no
 * longer be reached.
 */
export const isLeftBehind = (
  { spec, status }: Sovereign,
  seen: SovereignStatus | undefined,
  image: string,
): boolean => isServing(seen) && !spec.suspend && status?.verified?.image !== image;

/** Like spoke/reconcile.ts: the condition is Unknown, and the status keeps the image on which the Sovereign was stalled. */
export const awayStatus = (status: SovereignStatus | undefined): SovereignStatus => ({
  ...status,
  cluster: {
    uid: "u",
    ...(isStalled(status) && status?.pinnedImage !== undefined ? { stalledOn: status.pinnedImage } : {}),
  },
  conditions: [condition("VoucherShapeVerified", "Unknown"), condition("ClusterReachable", "False")],
});

export const needsRepair = ({ spec, status }: Sovereign): boolean => !spec.suspend && isStalled(status);

export const isUpdating = ({ status }: Sovereign): boolean =>
  status?.pinnedImage !== undefined &&
  status.conditions?.some(
    ({ type, status: value }) => type === "VoucherShapeVerified" && value !== "True",
  ) === true;

const REFUSED = ["ShapeDiffers", "WaitingForReference", "ReferenceMissing"];

/** Says that a Sovereign runs an image whose shape is wrong for the operator, or cannot be compared; otherwise nothing. */
export function refusalOf({ metadata, status }: Sovereign): string[] {
  const { reason = "" } = findCondition(status?.conditions, "VoucherShapeVerified") ?? {};
  return REFUSED.includes(reason) ? [`${metadata.name}: ${reason}`] : [];
}
