import type { NewCondition } from "../../../api/condition.ts";
import { SOVEREIGN_CONDITION as CONDITION } from "../../../api/sovereign.ts";
import { unknownCondition } from "../../readiness.ts";
import { podsOf } from "../cache.ts";
import type { ReconcileContext } from "../context.ts";
import { namespaceOf } from "../desired-metadata.ts";
import { type DeploymentObject, rolloutFailure, rolloutPending } from "../observed.ts";
import { findPodFailure, findRefusal } from "../pod-failure.ts";
import { recordNewReason } from "../report.ts";
import { isShapeUncontradicted } from "../shape.ts";
import { falseCondition, type Stop, stalled, trueCondition, waiting } from "../status.ts";
import type { Workload } from "./workload.ts";

/** Waits until every replica runs the pinned image and is available. */
export function checkRollout(context: ReconcileContext, deployment: DeploymentObject): Stop | undefined {
  const stop = observeRollout(context, deployment);
  if (stop === undefined) context.findings.conditions.push(rolledOut(deployment));
  return stop;
}

const rolledOut = ({ spec }: DeploymentObject): NewCondition =>
  trueCondition(CONDITION.rolledOut, "RolledOut", `${spec?.replicas} replicas run the pinned image`);

/**
 * Sets `RolledOut` for the image that runs already, before any step waits. A rollout that ends while another step waits, or
 * while the API server refuses another object, must not stay False or Unknown.
 */
export function observeRunning(
  context: ReconcileContext,
  { image, deployment }: Pick<Workload, "image" | "deployment">,
): void {
  const stop = observeRollout(context, deployment);
  if (stop === undefined && context.sovereign.status?.pinnedImage === image)
    context.findings.conditions.push(rolledOut(deployment));
}

/**
 * Sets `RolledOut` to the reason why the Pods of a Deployment are not all available, and returns it as a stop. It also runs
 * for a reconcile that stops before the rollout, because running Pods must not look healthy only because a Secret is
 * missing.
 */
function observeRollout(
  context: ReconcileContext,
  deployment: DeploymentObject,
): Exclude<Stop, { kind: "unknown" }> | undefined {
  const { sovereign, findings } = context;
  const stop = rolloutStop(context, deployment);
  if (stop === undefined) return undefined;
  const { reason, message } = stop;
  if (reason !== "RollingOut") recordNewReason(context, CONDITION.rolledOut, stop);
  findings.conditions.push(falseCondition(CONDITION.rolledOut, reason, message));
  // Without an available Pod, the shape is no longer proven.
  const hasNoPod = (deployment.status?.availableReplicas ?? 0) === 0;
  if (hasNoPod && isShapeUncontradicted(sovereign))
    findings.conditions.push(unknownCondition(CONDITION.voucherShapeVerified, reason));
  return stop;
}

function rolloutStop({ deps, sovereign }: ReconcileContext, deployment: DeploymentObject) {
  const pending = rolloutPending(deployment);
  const overdue = rolloutFailure(deployment);
  if (pending === undefined && overdue === undefined) return undefined;
  const pods = podsOf(deps.caches, namespaceOf(sovereign), "billing");
  const failure = findRefusal(deployment) ?? findPodFailure(pods);
  if (overdue !== undefined) {
    const why = failure?.message ?? "look at the billing Pods' events and logs";
    const message = `${overdue}: ${why}; the rollout continues when the Pods become ready`;
    return stalled("ProgressDeadlineExceeded", message);
  }
  return failure === undefined
    ? waiting("RollingOut", pending ?? "")
    : waiting(failure.reason, `${pending}: ${failure.message}`);
}
