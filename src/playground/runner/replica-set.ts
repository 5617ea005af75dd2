import type { KubeClient } from "../../kube/client.ts";
import type { Informer } from "../../kube/informer.ts";
import { type Outcome, type Watch, watchInformer, watchPrimary } from "../../kube/reconcile.ts";
import { PODS, REPLICA_SETS } from "../../kube/resource.ts";
import { sha256Digest } from "../../platform/canonical-json.ts";
import { NODE_NAME } from "./node.ts";
import type { Pod } from "./pod.ts";
import {
  availableInMs,
  controllerReference,
  isActive,
  isControlledBy,
  isFinished,
  isReady,
  isSameStatus,
  isTerminating,
  ownerKeys,
  type ReplicaSet,
} from "./workload.ts";

export interface ReplicaSetDeps {
  client: KubeClient;
  replicaSets: Informer<ReplicaSet>;
  pods: Informer<Pod>;
  now: () => Date;
}

/** Keeps `spec.replicas` Pods of each ReplicaSet's template. */
export function createReplicaSetReconciler({ client, replicaSets, pods, now }: ReplicaSetDeps) {
  /** Pods that we created and that the cache does not have yet. Without this list, a stale cache would create them again. */
  const uncached = new Map<string, Pod>();
  const hidden = (pod: Pod) => uncached.has(pod.metadata.uid ?? "");
  pods.onChange(({ object }) => void uncached.delete(object.metadata.uid ?? ""));

  return async function reconcile(key: string): Promise<Outcome> {
    const set = replicaSets.get(key);
    if (set === undefined || isTerminating(set)) return { kind: "done" };
    const own = [...pods.list().filter((pod) => !hidden(pod)), ...uncached.values()].filter((pod) =>
      isControlledBy(pod, set),
    );
    const active = own.filter(isActive);
    const wanted = set.spec.replicas ?? 1;
    for (const pod of own.filter((it) => isFinished(it) && !isTerminating(it))) await remove(pod);
    const surplus = Math.max(0, active.length - wanted);
    for (const pod of [...active].sort(byDeletionOrder).slice(0, surplus)) await remove(pod);
    for (let missing = wanted - active.length; missing > 0; missing -= 1) await create(set);
    return writeStatus(set, own.filter(isActive));
  };

  async function create(set: ReplicaSet): Promise<void> {
    const { labels, annotations } = set.spec.template.metadata ?? {};
    const suffix = sha256Digest(`${set.metadata.uid} ${Math.random()}`).slice(7, 12);
    const pod = await client.create<Pod>(PODS, {
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        name: `${set.metadata.name}-${suffix}`,
        namespace: set.metadata.namespace ?? "",
        ...(labels === undefined ? {} : { labels }),
        ...(annotations === undefined ? {} : { annotations }),
        ownerReferences: [controllerReference(set)],
      },
      spec: { ...set.spec.template.spec, nodeName: NODE_NAME },
    });
    const { name, namespace, uid = "" } = pod.metadata;
    if (pods.get(`${namespace}/${name}`)?.metadata.uid !== uid) uncached.set(uid, pod);
  }

  async function remove({ metadata }: Pod): Promise<void> {
    uncached.delete(metadata.uid ?? "");
    await client.delete(PODS, metadata, metadata.uid === undefined ? {} : { uid: metadata.uid });
  }

  async function writeStatus(set: ReplicaSet, active: Pod[]): Promise<Outcome> {
    const { minReadySeconds = 0 } = set.spec;
    const waits = active.map((pod) => availableInMs(pod, minReadySeconds, now().getTime()));
    const { conditions: _, ...before } = (set.status ?? {}) as Record<string, unknown>;
    const status = {
      observedGeneration: set.metadata.generation,
      replicas: active.length,
      fullyLabeledReplicas: active.length,
      readyReplicas: active.filter(isReady).length,
      availableReplicas: waits.filter((wait) => wait === 0).length,
    };
    if (!isSameStatus(before, status))
      await client.mergePatch(REPLICA_SETS, set.metadata, { status }, "status");
    const pending = waits.filter((wait): wait is number => wait !== undefined && wait > 0);
    return pending.length === 0 ? { kind: "done" } : { kind: "done", requeueAfterMs: Math.min(...pending) };
  }
}

/** Pods that are not ready come first, then the youngest. */
function byDeletionOrder(a: Pod, b: Pod): number {
  const age = (pod: Pod) => pod.metadata.creationTimestamp ?? "";
  return Number(isReady(a)) - Number(isReady(b)) || age(b).localeCompare(age(a));
}

export function replicaSetWatches({ replicaSets, pods }: ReplicaSetDeps): Watch[] {
  return [watchPrimary(replicaSets), watchInformer(pods, (pod) => ownerKeys(pod, "ReplicaSet"))];
}
