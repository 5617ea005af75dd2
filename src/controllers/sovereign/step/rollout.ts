import type { KubernetesObject } from "../../../api/object.ts";
import { SOVEREIGN_CONDITION as CONDITION } from "../../../api/sovereign.ts";
import { type DeploymentObject, rolloutFailure, rolloutPending } from "../observed.ts";
import { fails, holds, type Stop, stalled, waiting } from "../status.ts";
import { applyManaged } from "./drift.ts";
import type { Step } from "./step.ts";

export async function rollOut(step: Step, workload: KubernetesObject[]): Promise<Stop | undefined> {
  const { findings } = step;
  let deployment: DeploymentObject | undefined;
  for (const object of workload) {
    const live = await applyManaged(step, object);
    if (object.kind === "Deployment") deployment = live as DeploymentObject;
  }
  if (deployment === undefined) throw new Error("the workload has no Deployment");
  const failure = rolloutFailure(deployment);
  if (failure !== undefined) {
    findings.conditions.push(fails(CONDITION.rolledOut, "ProgressDeadlineExceeded", failure));
    return stalled("ProgressDeadlineExceeded", failure);
  }
  const pending = rolloutPending(deployment);
  if (pending !== undefined) {
    findings.conditions.push(fails(CONDITION.rolledOut, "RollingOut", pending));
    return waiting("RollingOut", pending);
  }
  findings.conditions.push(
    holds(CONDITION.rolledOut, "RolledOut", `${deployment.spec?.replicas} replicas run the pinned image`),
  );
  return undefined;
}
