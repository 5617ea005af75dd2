import { findCondition } from "../../api/condition.ts";
import { SOVEREIGN_CONDITION, type Sovereign } from "../../api/sovereign.ts";
import { isFailureReason } from "../../kube/failure.ts";

/** Whether no observation contradicts the last verification: it is still valid, or a failed request prevented the check. */
export function isShapeUncontradicted({ status }: Sovereign): boolean {
  const shape = findCondition(status?.conditions, SOVEREIGN_CONDITION.voucherShapeVerified);
  return shape?.status === "True" || (shape?.status === "Unknown" && isFailureReason(shape.reason));
}
