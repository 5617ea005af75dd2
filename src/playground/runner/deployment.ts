import type { KubeClient } from "../../kube/client.ts";
import { isAlreadyExists } from "../../kube/error.ts";
import type { Informer } from "../../kube/informer.ts";
import { type Outcome, type Watch, watchInformer, watchPrimary } from "../../kube/reconcile.ts";
import { DEPLOYMENTS, REPLICA_SETS } from "../../kube/resource.ts";
import { canonicalJson, sha256Digest } from "../../platform/canonical-json.ts";
import { deploymentReport } from "./deployment-status.ts";
import type { Pod } from "./pod.ts";
import { byRevision, desiredRevision, desiredSetAnnotations, surplusHistory } from "./revision.ts";
import { planRollout } from "./rollout.ts";
import {
  availableInMs,
  controllerOf,
  controllerReference,
  type Deployment,
  isActive,
  isControlledBy,
  isLeaving,
  isSameStatus,
  ownerKeys,
  type ReplicaSet,
} from "./workload.ts";

const HASH_LABEL = "pod-template-hash";
const DEFAULT_HISTORY = 10;

export interface DeploymentDeps {
  client: KubeClient;
  deployments: Informer<Deployment>;
  replicaSets: Informer<ReplicaSet>;
  pods: Informer<Pod>;
  now: () => Date;
}

/** Deployments as far as a rollout tells the truth: one ReplicaSet for each template, whose sizes are moved in steps. */
export function createDeploymentReconciler(deps: DeploymentDeps) {
  const { client, deployments, replicaSets, pods, now } = deps;

  return async function reconcile(key: string): Promise<Outcome> {
    const deployment = deployments.get(key);
    if (deployment === undefined || isLeaving(deployment)) return { kind: "done" };
    const { paused = false, revisionHistoryLimit = DEFAULT_HISTORY } = deployment.spec;
    const hash = sha256Digest(canonicalJson(deployment.spec.template)).slice(7, 17);
    const setName = `${deployment.metadata.name}-${hash}`;
    const current = await findCurrent(deployment, setName, hash, paused);
    const old = replicaSets
      .list()
      .filter((set) => isControlledBy(set, deployment) && !isLeaving(set) && set.metadata.name !== setName)
      .sort(byRevision);
    const sets = [...old, ...(current === undefined ? [] : [current])];
    await resize(deployment, sets, setName);
    for (const { metadata } of surplusHistory(old, revisionHistoryLimit))
      await client.delete(REPLICA_SETS, metadata, { uid: metadata.uid ?? "" });
    if (current !== undefined) await writeRevision(deployment, current);
    return writeStatus(deployment, current, old);
  };

  function podsOf(set: ReplicaSet): Pod[] {
    return pods.list().filter((pod) => isControlledBy(pod, set));
  }

  /** The ReplicaSet of the template as it is now; made when it is missing, unless the Deployment is paused. */
  async function findCurrent(
    deployment: Deployment,
    name: string,
    hash: string,
    paused: boolean,
  ): Promise<ReplicaSet | undefined> {
    const known = replicaSets.get(`${deployment.metadata.namespace}/${name}`);
    const others = replicaSets
      .list()
      .filter((set) => isControlledBy(set, deployment) && set.metadata.name !== name);
    if (known === undefined)
      return paused ? undefined : create(desiredReplicaSet(deployment, name, hash, others));
    // One that another Deployment of this name left behind is taken over.
    const isOrphan = controllerOf(known) === undefined;
    const annotations = desiredSetAnnotations(deployment, known, others);
    const isSaid = Object.entries(annotations).every(
      ([annotation, value]) => known.metadata.annotations?.[annotation] === value,
    );
    if (!isOrphan && (isSaid || paused)) return known;
    return client.mergePatch<ReplicaSet>(REPLICA_SETS, known.metadata, {
      metadata: {
        resourceVersion: known.metadata.resourceVersion,
        annotations,
        ...(isOrphan ? { ownerReferences: [controllerReference(deployment)] } : {}),
      },
    });
  }

  async function create(set: ReplicaSet): Promise<ReplicaSet> {
    try {
      return await client.create(REPLICA_SETS, set);
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      return (await client.get<ReplicaSet>(REPLICA_SETS, set.metadata)) ?? set;
    }
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
      // As it was seen: a plan from a stale look is made again.
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
    const { status, lookAgainMs } = deploymentReport(deployment, observed, now());
    if (!isSameStatus(deployment.status ?? {}, status))
      await client.mergePatch(DEPLOYMENTS, deployment.metadata, { status }, "status");
    return lookAgainMs === undefined ? { kind: "done" } : { kind: "done", requeueAfterMs: lookAgainMs };
  }
}

function desiredReplicaSet(
  deployment: Deployment,
  name: string,
  hash: string,
  others: readonly ReplicaSet[],
): ReplicaSet {
  const { template, selector, minReadySeconds } = deployment.spec;
  const labels = { ...template.metadata?.labels, [HASH_LABEL]: hash };
  return {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: {
      name,
      namespace: deployment.metadata.namespace ?? "",
      labels,
      annotations: desiredSetAnnotations(deployment, undefined, others),
      ownerReferences: [controllerReference(deployment)],
    },
    spec: {
      // The first move of the rollout gives it its size.
      replicas: 0,
      ...(minReadySeconds === undefined ? {} : { minReadySeconds }),
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [HASH_LABEL]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  };
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
