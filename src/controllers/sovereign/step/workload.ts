import { ANNOTATION } from "../../../api/label.ts";
import { BILLING } from "../../../api/name.ts";
import type { KubernetesObject } from "../../../api/object.ts";
import { SOVEREIGN_CONDITION as CONDITION } from "../../../api/sovereign.ts";
import { stamped } from "../../../kube/apply-memory.ts";
import { keyOf } from "../../../kube/resource.ts";
import { type ReconcileContext, secretRetryMs } from "../context.ts";
import { metadataOf } from "../desired-metadata.ts";
import { desiredWorkload } from "../desired-workload.ts";
import { requeueWithin } from "../findings.ts";
import { applyManaged } from "../managed-object.ts";
import type { DeploymentObject } from "../observed.ts";
import type { SecretFacts } from "../secret-facts.ts";
import { falseCondition, type Stop, waiting } from "../status.ts";

export interface Workload {
  image: string;
  objects: KubernetesObject[];
  deployment: DeploymentObject;
}

/** Applies the workload of an image. While a Secret is missing, the Pods keep the Secrets that they started with. */
export async function applyWorkload(
  context: ReconcileContext,
  image: string,
  secrets: SecretFacts,
): Promise<Workload> {
  const { deps, sovereign } = context;
  const digest = secrets.digest ?? liveSecretsDigest(context);
  const options = { drainSeconds: deps.billingDrainSeconds, isAutoscaled: await isAutoscaled(context) };
  // The applier and the smoke test both need the digest of each object.
  const objects = desiredWorkload(sovereign, image, digest, options).map(stamped);
  let deployment: DeploymentObject | undefined;
  for (const object of objects) {
    const live = await applyManaged(context, object);
    if (object.kind === "Deployment") deployment = live as DeploymentObject;
  }
  if (deployment === undefined) throw new Error("the workload has no Deployment");
  return { image, objects, deployment };
}

/**
 * Whether an autoscaler set the number of replicas: the number differs from the manifest's, and a HorizontalPodAutoscaler
 * targets the Deployment. The operator then does not apply the number. It looks for an autoscaler only while the numbers
 * differ.
 */
async function isAutoscaled(context: ReconcileContext): Promise<boolean> {
  const { deps, sovereign, findings } = context;
  const replicas = liveDeployment(context)?.spec?.replicas;
  if (replicas === undefined || replicas === sovereign.spec.billing.replicas) return false;
  const countsForMs = await deps.autoscalers.find(sovereign);
  if (countsForMs === undefined) return false;
  requeueWithin(findings, countsForMs);
  return true;
}

/** The digest of the Secrets that the live Pods started with. */
const liveSecretsDigest = (context: ReconcileContext): string | undefined =>
  liveDeployment(context)?.spec?.template?.metadata?.annotations?.[ANNOTATION.secrets];

const liveDeployment = ({ deps, sovereign }: ReconcileContext): DeploymentObject | undefined =>
  deps.caches.deployments.get(keyOf(metadataOf(sovereign, BILLING.workload)));

/** Waits while a value that new Pods need is missing or invalid, because they could not start or not verify tokens. */
export function checkSecrets(
  { deps, findings }: ReconcileContext,
  problem: { reason: string; message: string } | undefined,
  isRunning: boolean,
): Stop | undefined {
  if (problem === undefined) return undefined;
  const { reason, message } = problem;
  // Running Pods of this image keep the values that they started with.
  if (!isRunning) findings.conditions.push(falseCondition(CONDITION.rolledOut, reason, message));
  return waiting(reason, message, secretRetryMs(deps));
}
