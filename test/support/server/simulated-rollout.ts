import type { KubernetesObject } from "../../../src/api/object.ts";
import type { KubeClient } from "../../../src/kube/client.ts";
import { DEPLOYMENTS } from "../../../src/kube/resource.ts";

/**
 * Writes the status at the end of a rollout, as the Deployment controller does. Until then, the status is about the earlier
 * template, with its conditions. Pods of that template stay available when the new ones do not get ready.
 */
export async function endRollout(
  client: KubeClient,
  { metadata, spec }: KubernetesObject & { spec: { replicas?: number } },
  {
    updatedReplicas,
    reason,
  }: { updatedReplicas: number; reason: "NewReplicaSetAvailable" | "ProgressDeadlineExceeded" },
): Promise<void> {
  const { replicas: wanted = 1 } = spec;
  const isComplete = reason === "NewReplicaSetAvailable";
  const progressing = { type: "Progressing", status: isComplete ? "True" : "False", reason, message: reason };
  const status = {
    observedGeneration: metadata.generation,
    replicas: isComplete ? wanted : wanted + updatedReplicas,
    ...{ updatedReplicas, readyReplicas: wanted, availableReplicas: wanted },
    conditions: [progressing],
  };
  await client.mergePatch(DEPLOYMENTS, metadata, { status }, "status");
}
