import { findCondition } from "../../api/condition.ts";
import { SOVEREIGN_CONDITION, type Sovereign } from "../../api/sovereign.ts";
import { isFailureReason } from "../../kube/failure.ts";

/** Whether nothing has contradicted the last verification: it holds, or a refused request kept the operator from looking. */
export function isShapeUncontradicted({ status }: Sovereign): boolean {
  const shape = findCondition(status?.conditions, SOVEREIGN_CONDITION.voucherShapeVerified);
  return shape?.status === "True" || (shape?.status === "Unknown" && isFailureReason(shape.reason));
}
