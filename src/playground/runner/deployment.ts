import type { KubernetesObject } from "../../api/object.ts";
import type { KubeClient } from "../../kube/client.ts";
import { isAlreadyExists, isNotFound } from "../../kube/error.ts";
import type { Informer } from "../../kube/informer.ts";
import { type Outcome, type Watch, watchInformer, watchPrimary } from "../../kube/reconcile.ts";
import { DEPLOYMENTS, PODS, REPLICA_SETS } from "../../kube/resource.ts";
import { canonicalJson, sha256Digest } from "../../platform/canonical-json.ts";
import { NODE_NAME } from "./kubelet.ts";
import type { Pod, PodSpec } from "./pod.ts";
import { type PodGroup, planRollout } from "./rollout.ts";

const HASH_LABEL = "pod-template-hash";

interface PodTemplate {
  metadata?: { labels?: Record<string, string>; annotations?: Record<string, string> };
  spec: PodSpec;
}

interface Deployment extends KubernetesObject {
  spec: {
    replicas?: number;
    selector: { matchLabels: Record<string, string> };
    template: PodTemplate;
    strategy?: { rollingUpdate?: { maxSurge?: number | string; maxUnavailable?: number | string } };
  };
  status?: { conditions?: { type: string; status: string; lastTransitionTime: string }[] };
}

interface ReplicaSet extends KubernetesObject {
  spec: { replicas: number; template: PodTemplate };
}

export interface DeploymentDeps {
  client: KubeClient;
  deployments: Informer<Deployment>;
  replicaSets: Informer<ReplicaSet>;
  pods: Informer<Pod>;
  now: () => Date;
}

/** Deployments as far as a rollout's status tells the truth: one ReplicaSet for each template, and its Pods. */
export function createDeploymentReconciler(deps: DeploymentDeps) {
  const { client, deployments, replicaSets, pods, now } = deps;

  return async function reconcile(key: string): Promise<Outcome> {
    const deployment = deployments.get(key);
    if (deployment === undefined || deployment.metadata.deletionTimestamp !== undefined)
      return { kind: "done" };
    const hash = sha256Digest(canonicalJson(deployment.spec.template)).slice(7, 17);
    const current = await ensureReplicaSet(deployment, hash);
    const owned = replicaSets.list().filter((set) => isOwnedBy(set, deployment));
    const groups: PodGroup<Pod>[] = [
      ...owned.filter(({ metadata }) => metadata.name !== current.metadata.name),
      current,
    ].map((set) => ({
      name: set.metadata.name,
      isCurrent: set.metadata.name === current.metadata.name,
      pods: pods.list().filter((pod) => isOwnedBy(pod, set)),
    }));
    const plan = planRollout(groups, {
      replicas: deployment.spec.replicas ?? 1,
      maxSurge: deployment.spec.strategy?.rollingUpdate?.maxSurge ?? "25%",
      maxUnavailable: deployment.spec.strategy?.rollingUpdate?.maxUnavailable ?? "25%",
      isAvailable: isReady,
      isFinished: ({ status }) => status?.phase === "Failed" || status?.phase === "Succeeded",
      isLeaving: ({ metadata }) => metadata.deletionTimestamp !== undefined,
    });
    for (const pod of plan.remove) await deletePod(pod);
    for (let created = 0; created < plan.create; created += 1) await createPod(deployment, current, hash);
    await writeStatuses(deployment, groups);
    return { kind: "done" };
  };

  async function ensureReplicaSet(deployment: Deployment, hash: string): Promise<ReplicaSet> {
    const { name, namespace = "" } = deployment.metadata;
    const setName = `${name}-${hash}`;
    const known = replicaSets.get(`${namespace}/${setName}`);
    if (known !== undefined) return known;
    const { template, selector } = deployment.spec;
    const labels = { ...template.metadata?.labels, [HASH_LABEL]: hash };
    const set: ReplicaSet = {
      apiVersion: "apps/v1",
      kind: "ReplicaSet",
      metadata: { name: setName, namespace, labels, ownerReferences: [controllerReference(deployment)] },
      spec: {
        replicas: deployment.spec.replicas ?? 1,
        selector: { matchLabels: { ...selector.matchLabels, [HASH_LABEL]: hash } },
        template: { ...template, metadata: { ...template.metadata, labels } },
      } as ReplicaSet["spec"],
    };
    try {
      return await client.create(REPLICA_SETS, set);
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      return (await client.get<ReplicaSet>(REPLICA_SETS, { name: setName, namespace })) ?? set;
    }
  }

  async function createPod(deployment: Deployment, set: ReplicaSet, hash: string): Promise<void> {
    const { template } = deployment.spec;
    const suffix = sha256Digest(`${set.metadata.name} ${Math.random()}`).slice(7, 12);
    await client.create<Pod>(PODS, {
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        name: `${set.metadata.name}-${suffix}`,
        namespace: deployment.metadata.namespace ?? "",
        labels: { ...template.metadata?.labels, [HASH_LABEL]: hash },
        ...(template.metadata?.annotations === undefined
          ? {}
          : { annotations: template.metadata.annotations }),
        ownerReferences: [controllerReference(set)],
      },
      spec: { ...template.spec, nodeName: NODE_NAME },
    });
  }

  async function deletePod(pod: Pod): Promise<void> {
    await client
      .delete(PODS, pod.metadata, pod.metadata.uid === undefined ? {} : { uid: pod.metadata.uid })
      .catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
  }

  async function writeStatuses(deployment: Deployment, groups: PodGroup<Pod>[]): Promise<void> {
    const alive = groups.flatMap((group) =>
      group.pods.filter(isAlive).map((pod) => ({ pod, isCurrent: group.isCurrent })),
    );
    const wanted = deployment.spec.replicas ?? 1;
    const available = alive.filter(({ pod }) => isReady(pod)).length;
    const updated = alive.filter(({ isCurrent }) => isCurrent).length;
    const isDone = updated === alive.length && available === wanted && updated === wanted;
    const at = now().toISOString();
    const condition = (type: string, holds: boolean, reason: string, message: string) => {
      const status = holds ? "True" : "False";
      const known = deployment.status?.conditions?.find((other) => other.type === type);
      return {
        type,
        status,
        reason,
        message,
        lastUpdateTime: at,
        lastTransitionTime: known?.status === status ? known.lastTransitionTime : at,
      };
    };
    const counts = {
      replicas: alive.length,
      updatedReplicas: updated,
      readyReplicas: available,
      availableReplicas: available,
    };
    const status = {
      observedGeneration: deployment.metadata.generation,
      ...counts,
      unavailableReplicas: Math.max(0, wanted - available),
    };
    const { conditions: _, ...before } = (deployment.status ?? {}) as Record<string, unknown>;
    if (canonicalJson(before) === canonicalJson(status)) return;
    const conditions = [
      condition(
        "Available",
        available >= wanted,
        available >= wanted ? "MinimumReplicasAvailable" : "MinimumReplicasUnavailable",
        `${available} of ${wanted} replicas are available`,
      ),
      condition(
        "Progressing",
        true,
        isDone ? "NewReplicaSetAvailable" : "ReplicaSetUpdated",
        isDone ? "the rollout is complete" : "the rollout goes on",
      ),
    ];
    await client.mergePatch(
      DEPLOYMENTS,
      deployment.metadata,
      { status: { ...status, conditions } },
      "status",
    );
    for (const group of groups) {
      const own = group.pods.filter(isAlive);
      const set = replicaSets.get(`${deployment.metadata.namespace}/${group.name}`);
      if (set === undefined) continue;
      const ready = own.filter(isReady).length;
      await client.mergePatch(
        REPLICA_SETS,
        set.metadata,
        {
          status: {
            replicas: own.length,
            readyReplicas: ready,
            availableReplicas: ready,
            observedGeneration: set.metadata.generation,
          },
        },
        "status",
      );
    }
  }
}

export function deploymentWatches({ deployments, replicaSets, pods }: DeploymentDeps): Watch[] {
  const ownerKey = (object: KubernetesObject, kind: string) =>
    (object.metadata.ownerReferences ?? [])
      .filter((owner) => owner.kind === kind)
      .map(({ name }) => `${object.metadata.namespace}/${name}`);
  return [
    watchPrimary(deployments),
    watchInformer(replicaSets, (set) => ownerKey(set, "Deployment")),
    watchInformer(pods, (pod) =>
      ownerKey(pod, "ReplicaSet").flatMap((key) => {
        const set = replicaSets.get(key);
        return set === undefined ? [] : ownerKey(set, "Deployment");
      }),
    ),
  ];
}

export function controllerReference({ apiVersion, kind, metadata }: KubernetesObject) {
  return {
    apiVersion,
    kind,
    name: metadata.name,
    uid: metadata.uid ?? "",
    controller: true,
    blockOwnerDeletion: true,
  };
}

const isOwnedBy = (object: KubernetesObject, owner: KubernetesObject) =>
  (object.metadata.ownerReferences ?? []).some(({ uid }) => uid === owner.metadata.uid);

const isReady = (pod: Pod) =>
  pod.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") === true;

const isAlive = (pod: Pod) =>
  pod.metadata.deletionTimestamp === undefined &&
  pod.status?.phase !== "Failed" &&
  pod.status?.phase !== "Succeeded";
