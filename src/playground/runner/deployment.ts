import type { KubeClient } from "../../kube/client.ts";
import type { Informer } from "../../kube/informer.ts";
import { type Outcome, type Watch, watchInformer, watchPrimary } from "../../kube/reconcile.ts";
import { DEPLOYMENTS, REPLICA_SETS } from "../../kube/resource.ts";
import { currentReplicaSetName, ensureCurrentReplicaSet } from "./current-replica-set.ts";
import { deploymentReport } from "./deployment-status.ts";
import type { Pod } from "./pod.ts";
import { byRevision, desiredRevision, surplusHistory } from "./revision.ts";
import { planRollout } from "./rollout.ts";
import {
  availableInMs,
  type Deployment,
  isActive,
  isControlledBy,
  isSameStatus,
  isTerminating,
  ownerKeys,
  type ReplicaSet,
} from "./workload.ts";

const DEFAULT_HISTORY_LIMIT = 10;

export interface DeploymentDeps {
  client: KubeClient;
  deployments: Informer<Deployment>;
  replicaSets: Informer<ReplicaSet>;
  pods: Informer<Pod>;
  now: () => Date;
}

/** Rolls Deployments out: one ReplicaSet for each template, resized step by step. */
export function createDeploymentReconciler(deps: DeploymentDeps) {
  const { client, deployments, replicaSets, pods, now } = deps;

  return async function reconcile(key: string): Promise<Outcome> {
    const deployment = deployments.get(key);
    if (deployment === undefined || isTerminating(deployment)) return { kind: "done" };
    const { revisionHistoryLimit = DEFAULT_HISTORY_LIMIT } = deployment.spec;
    const currentName = currentReplicaSetName(deployment);
    const current = await ensureCurrentReplicaSet(deps, deployment);
    const old = replicaSets
      .list()
      .filter(
        (set) => isControlledBy(set, deployment) && !isTerminating(set) && set.metadata.name !== currentName,
      )
      .sort(byRevision);
    await resize(deployment, [...old, ...(current === undefined ? [] : [current])], currentName);
    for (const { metadata } of surplusHistory(old, revisionHistoryLimit))
      await client.delete(REPLICA_SETS, metadata, { uid: metadata.uid ?? "" });
    if (current !== undefined) await writeRevision(deployment, current);
    return writeStatus(deployment, current, old);
  };

  function podsOf(set: ReplicaSet): Pod[] {
    return pods.list().filter((pod) => isControlledBy(pod, set));
  }

  async function resize(deployment: Deployment, sets: ReplicaSet[], currentName: string): Promise<void> {
    const { replicas = 1, strategy, paused = false, minReadySeconds = 0 } = deployment.spec;
    const sizes = planRollout(
      sets.map((set) => ({
        name: set.metadata.name,
        isCurrent: set.metadata.name === currentName,
        size: set.spec.replicas ?? 1,
        available: podsOf(set).filter(
          (pod) => isActive(pod) && availableInMs(pod, minReadySeconds, now().getTime()) === 0,
        ).length,
        present: podsOf(set).length,
      })),
      {
        replicas,
        strategy: strategy?.type ?? "RollingUpdate",
        maxSurge: strategy?.rollingUpdate?.maxSurge ?? "25%",
        maxUnavailable: strategy?.rollingUpdate?.maxUnavailable ?? "25%",
        paused,
      },
    );
    for (const { metadata, spec } of sets) {
      const size = sizes.get(metadata.name);
      if (size === undefined || size === spec.replicas) continue;
      // The resourceVersion makes the API server refuse a plan that was made from a stale cache. The next reconcile plans again.
      const patch = { metadata: { resourceVersion: metadata.resourceVersion }, spec: { replicas: size } };
      await client.mergePatch(REPLICA_SETS, metadata, patch);
    }
  }

  async function writeRevision(deployment: Deployment, current: ReplicaSet): Promise<void> {
    const annotations = desiredRevision(deployment, current);
    if (annotations !== undefined)
      await client.mergePatch(DEPLOYMENTS, deployment.metadata, { metadata: { annotations } });
  }

  async function writeStatus(
    deployment: Deployment,
    current: ReplicaSet | undefined,
    old: ReplicaSet[],
  ): Promise<Outcome> {
    const observed = { current: current === undefined ? [] : podsOf(current), old: old.flatMap(podsOf) };
    const { status, requeueAfterMs } = deploymentReport(deployment, observed, now());
    if (!isSameStatus(deployment.status ?? {}, status))
      await client.mergePatch(DEPLOYMENTS, deployment.metadata, { status }, "status");
    return requeueAfterMs === undefined ? { kind: "done" } : { kind: "done", requeueAfterMs };
  }
}

export function deploymentWatches({ deployments, replicaSets, pods }: DeploymentDeps): Watch[] {
  return [
    watchPrimary(deployments),
    watchInformer(replicaSets, (set) => ownerKeys(set, "Deployment")),
    watchInformer(pods, (pod) =>
      ownerKeys(pod, "ReplicaSet").flatMap((key) => {
        const set = replicaSets.get(key);
        return set === undefined ? [] : ownerKeys(set, "Deployment");
      }),
    ),
  ];
}
