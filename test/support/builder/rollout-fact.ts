import { isConditionTrue, STALLED } from "../../../src/api/condition.ts";
import type { Sovereign, SovereignStatus } from "../../../src/api/sovereign.ts";
import { condition } from "./catalyst-object.ts";

/** Whether a Sovereign served with another image, updated to this one, and now needs a person. */
export const hasFailed = ({ spec, status }: Sovereign, image: string): boolean =>
  !spec.suspend &&
  status?.pinnedImage === image &&
  status.verified !== undefined &&
  (status.takenWhileFailing !== image || status.verified.image === image) &&
  isStalled(status);

export const isStalled = (status: SovereignStatus | undefined): boolean =>
  isConditionTrue(status?.conditions, STALLED);
export const isServing = (status: SovereignStatus | undefined): boolean =>
  status?.verified !== undefined && !isStalled(status);

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
