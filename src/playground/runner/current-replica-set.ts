import type { KubeClient } from "../../kube/client.ts";
import { isAlreadyExists } from "../../kube/error.ts";
import type { Informer } from "../../kube/informer.ts";
import { REPLICA_SETS } from "../../kube/resource.ts";
import { canonicalJson, sha256Digest } from "../../platform/canonical-json.ts";
import { desiredSetAnnotations } from "./revision.ts";
import {
  controllerOf,
  controllerReference,
  type Deployment,
  isControlledBy,
  type ReplicaSet,
} from "./workload.ts";

const HASH_LABEL = "pod-template-hash";

const templateHash = ({ spec }: Deployment): string =>
  sha256Digest(canonicalJson(spec.template)).slice(7, 17);

/** The name of the ReplicaSet that carries the Deployment's template as it is now. */
export const currentReplicaSetName = (deployment: Deployment): string =>
  `${deployment.metadata.name}-${templateHash(deployment)}`;

/**
 * Returns the ReplicaSet of the Deployment's current template with its annotations up to date. Creates a missing one,
 * unless the Deployment is paused, and adopts one that an earlier Deployment of this name left behind.
 */
export async function ensureCurrentReplicaSet(
  deps: { client: KubeClient; replicaSets: Informer<ReplicaSet> },
  deployment: Deployment,
): Promise<ReplicaSet | undefined> {
  const { client, replicaSets } = deps;
  const { paused = false } = deployment.spec;
  const name = currentReplicaSetName(deployment);
  const known = replicaSets.get(`${deployment.metadata.namespace}/${name}`);
  const others = replicaSets
    .list()
    .filter((set) => isControlledBy(set, deployment) && set.metadata.name !== name);
  if (known === undefined) return paused ? undefined : create(client, desiredReplicaSet(deployment, others));
  const isOrphan = controllerOf(known) === undefined;
  const annotations = desiredSetAnnotations(deployment, known, others);
  const isAnnotated = Object.entries(annotations).every(
    ([annotation, value]) => known.metadata.annotations?.[annotation] === value,
  );
  if (!isOrphan && (isAnnotated || paused)) return known;
  return client.mergePatch<ReplicaSet>(REPLICA_SETS, known.metadata, {
    metadata: {
      resourceVersion: known.metadata.resourceVersion,
      annotations,
      ...(isOrphan ? { ownerReferences: [controllerReference(deployment)] } : {}),
    },
  });
}

async function create(client: KubeClient, set: ReplicaSet): Promise<ReplicaSet> {
  try {
    return await client.create(REPLICA_SETS, set);
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    return (await client.get<ReplicaSet>(REPLICA_SETS, set.metadata)) ?? set;
  }
}

function desiredReplicaSet(deployment: Deployment, others: readonly ReplicaSet[]): ReplicaSet {
  const { template, selector, minReadySeconds } = deployment.spec;
  const hash = templateHash(deployment);
  const labels = { ...template.metadata?.labels, [HASH_LABEL]: hash };
  return {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: {
      name: currentReplicaSetName(deployment),
      namespace: deployment.metadata.namespace ?? "",
      labels,
      annotations: desiredSetAnnotations(deployment, undefined, others),
      ownerReferences: [controllerReference(deployment)],
    },
    spec: {
      // The first step of the rollout sets its size.
      replicas: 0,
      ...(minReadySeconds === undefined ? {} : { minReadySeconds }),
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [HASH_LABEL]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  };
}
