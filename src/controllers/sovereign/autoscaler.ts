import { BILLING } from "../../api/name.ts";
import type { KubernetesObject } from "../../api/object.ts";
import { listIfServed } from "../../kube/optional-kind.ts";
import { HORIZONTAL_POD_AUTOSCALERS } from "../../kube/resource.ts";
import { liveObject } from "./cache.ts";
import type { ReconcileContext } from "./context.ts";
import { metadataOf, namespaceOf } from "./desired-metadata.ts";
import { requeueWithin } from "./findings.ts";
import type { DeploymentObject } from "./observed.ts";

interface Autoscaler extends KubernetesObject {
  spec?: { scaleTargetRef?: { kind?: string; name?: string } };
}

/** When to ask again whether an autoscaler is still there. */
const RECHECK_MS = 600_000;

/**
 * Whether an autoscaler set the number of replicas: it differs from the manifest's, and a HorizontalPodAutoscaler targets the
 * Deployment. The operator then leaves the number out of what it applies. It asks only while the numbers differ, because a watch of
 * all autoscalers would bring each of their status writes in every cluster. It asks again after a time, for one that was deleted.
 */
export async function isAutoscaled({ deps, sovereign, findings }: ReconcileContext): Promise<boolean> {
  const live = liveObject(deps.caches, {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: metadataOf(sovereign, BILLING.workload),
  }) as DeploymentObject | undefined;
  const replicas = live?.spec?.replicas;
  if (replicas === undefined || replicas === sovereign.spec.billing.replicas) return false;
  const namespace = namespaceOf(sovereign);
  const autoscalers = await listIfServed<Autoscaler>(deps.client, HORIZONTAL_POD_AUTOSCALERS, { namespace });
  const isSet = (autoscalers ?? []).some(
    ({ metadata, spec }) =>
      metadata.deletionTimestamp === undefined &&
      spec?.scaleTargetRef?.kind === "Deployment" &&
      spec.scaleTargetRef.name === BILLING.workload,
  );
  if (isSet) requeueWithin(findings, RECHECK_MS);
  return isSet;
}
