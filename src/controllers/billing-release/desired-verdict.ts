import { findCondition, isConditionTrue, STALLED } from "../../api/condition.ts";
import { SOVEREIGN_CONDITION, type Sovereign } from "../../api/sovereign.ts";
import { hasErrorRegression } from "../sovereign/desired-error-rate.ts";

/** Until its migration has ended, `RolledOut` still describes the earlier image. */
export const hasRolledOut = ({ status }: Sovereign): boolean =>
  isConditionTrue(status?.conditions, SOVEREIGN_CONDITION.rolledOut) &&
  findCondition(status?.conditions, SOVEREIGN_CONDITION.migrated)?.status !== "False";

/** A single failed smoke test may have a passing cause. This many in a row count as a failure. */
const MAX_SMOKE_FAILURES = 3;

/** Whether it is broken, too many of its requests fail, or it was stalled on its image when the hub saw its cluster last. */
export function isFailing(sovereign: Sovereign): boolean {
  const { status } = sovereign;
  const image = status?.pinnedImage;
  if (isBroken(sovereign) || hasErrorRegression(status, image)) return true;
  return image !== undefined && status?.cluster?.stalledOn === image;
}

/** Whether it is stalled or no longer verified: its shape differs, or several smoke tests failed in a row. */
export function isBroken(sovereign: Sovereign): boolean {
  const { conditions, lastSmokeTest } = sovereign.status ?? {};
  if (isConditionTrue(conditions, STALLED) || hasOtherShape(sovereign)) return true;
  const shape = findCondition(conditions, SOVEREIGN_CONDITION.voucherShapeVerified);
  return shape?.status === "False" && (lastSmokeTest?.failures ?? 0) >= MAX_SMOKE_FAILURES;
}

export function hasOtherShape({ status }: Sovereign): boolean {
  const shape = findCondition(status?.conditions, SOVEREIGN_CONDITION.voucherShapeVerified);
  return shape?.status === "False" && shape.reason === "ShapeDiffers";
}

/** Whether exactly this image was verified on the Sovereign, and still is. */
export const isVerifiedOn = (sovereign: Sovereign, image: string): boolean =>
  wasVerifiedOn(sovereign, image) &&
  isConditionTrue(sovereign.status?.conditions, SOVEREIGN_CONDITION.voucherShapeVerified);

export const wasVerifiedOn = ({ status }: Sovereign, image: string): boolean =>
  status?.pinnedImage === image && status.verified?.image === image;

/**
 * Whether a person has to act on a Sovereign whose cluster is unreachable: it is stalled, or it was when the hub saw it last.
 */
export const needsPersonThere = ({ status }: Sovereign): boolean =>
  isConditionTrue(status?.conditions, STALLED) || status?.cluster?.stalledOn !== undefined;
