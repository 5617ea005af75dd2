import { ANNOTATION } from "../../../api/label.ts";
import type { KubernetesObject } from "../../../api/object.ts";
import { SOVEREIGN_CONDITION as CONDITION } from "../../../api/sovereign.ts";
import { liveObject } from "../cache.ts";
import { desiredWorkload } from "../desired-workload.ts";
import { type DeploymentObject, rolloutFailure, rolloutPending } from "../observed.ts";
import { type Secrets, secretsDigest } from "../secret.ts";
import { fails, holds, type Stop, stalled, waiting } from "../status.ts";
import { applyManaged } from "./drift.ts";
import type { Step } from "./step.ts";

export interface Workload {
  objects: KubernetesObject[];
  deployment: DeploymentObject;
}

/** Makes the workload of an image be there. While a Secret is missing, the Pods stay with what they were started with. */
export async function keepWorkload(step: Step, image: string, secrets: Secrets): Promise<Workload> {
  const { deps, sovereign } = step;
  const digest = secretsDigest(secrets) ?? startedWith(step, image);
  const objects = desiredWorkload(sovereign, image, digest, deps.billingDrainSeconds);
  let deployment: DeploymentObject | undefined;
  for (const object of objects) {
    const live = await applyManaged(step, object);
    if (object.kind === "Deployment") deployment = live as DeploymentObject;
  }
  if (deployment === undefined) throw new Error("the workload has no Deployment");
  return { objects, deployment };
}

function startedWith({ deps, sovereign }: Step, image: string): string | undefined {
  const [deployment] = desiredWorkload(sovereign, image, undefined);
  const live = deployment && (liveObject(deps.caches, deployment) as DeploymentObject | undefined);
  return live?.spec?.template?.metadata?.annotations?.[ANNOTATION.secrets];
}

export function judgeRollout({ findings }: Step, deployment: DeploymentObject): Stop | undefined {
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
