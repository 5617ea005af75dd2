import { SOVEREIGN_CONDITION as CONDITION } from "../../../api/sovereign.ts";
import type { ReconcileContext } from "../context.ts";
import { type DeploymentObject, rolloutFailure, rolloutPending } from "../observed.ts";
import { falseCondition, type Stop, stalled, trueCondition, waiting } from "../status.ts";

/** Waits until every replica runs the pinned image and is available. */
export function checkRollout({ findings }: ReconcileContext, deployment: DeploymentObject): Stop | undefined {
  const failure = rolloutFailure(deployment);
  if (failure !== undefined) {
    const message = `${failure}: look at the billing Pods' events and logs; the rollout continues when they become ready`;
    findings.conditions.push(falseCondition(CONDITION.rolledOut, "ProgressDeadlineExceeded", message));
    return stalled("ProgressDeadlineExceeded", message);
  }
  const pending = rolloutPending(deployment);
  if (pending !== undefined) {
    findings.conditions.push(falseCondition(CONDITION.rolledOut, "RollingOut", pending));
    return waiting("RollingOut", pending);
  }
  findings.conditions.push(
    trueCondition(
      CONDITION.rolledOut,
      "RolledOut",
      `${deployment.spec?.replicas} replicas run the pinned image`,
    ),
  );
  return undefined;
}
