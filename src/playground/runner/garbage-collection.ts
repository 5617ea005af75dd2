import type { KubernetesObject } from "../../api/object.ts";
import type { KubeClient } from "../../kube/client.ts";
import type { Informer } from "../../kube/informer.ts";
import { type Outcome, type Watch, watchInformer, watchPrimary } from "../../kube/reconcile.ts";

export interface GarbageCollectionDeps {
  client: KubeClient;
  /** Of one kind: what is deleted once its controller is gone. */
  dependents: Informer<KubernetesObject>;
  /** Of every kind that controls them. */
  owners: Informer<KubernetesObject>[];
}

/** Deletes what a deleted controller left behind: a kube-apiserver alone collects no garbage. */
export function createGarbageCollector({ client, dependents, owners }: GarbageCollectionDeps) {
  return async function reconcile(key: string): Promise<Outcome> {
    const dependent = dependents.get(key);
    if (dependent === undefined || dependent.metadata.deletionTimestamp !== undefined)
      return { kind: "done" };
    const reference = dependent.metadata.ownerReferences?.find(({ controller }) => controller === true);
    const informer = owners.find(({ resource }) => resource.kind === reference?.kind);
    if (reference === undefined || informer === undefined) return { kind: "done" };
    const ownerKey = { name: reference.name, namespace: dependent.metadata.namespace ?? "" };
    if (informer.get(`${ownerKey.namespace}/${ownerKey.name}`)?.metadata.uid === reference.uid)
      return { kind: "done" };
    // The cache may be behind: only the API server's own word makes an orphan.
    const live = await client.get<KubernetesObject>(informer.resource, ownerKey);
    if (live?.metadata.uid !== reference.uid)
      await client.delete(dependents.resource, dependent.metadata, { uid: dependent.metadata.uid ?? "" });
    return { kind: "done" };
  };
}

export function garbageWatches({ dependents, owners }: GarbageCollectionDeps): Watch[] {
  const keysOwnedBy = (owner: KubernetesObject) =>
    dependents
      .list()
      .filter(({ metadata }) => metadata.ownerReferences?.some(({ uid }) => uid === owner.metadata.uid))
      .map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
  return [watchPrimary(dependents), ...owners.map((informer) => watchInformer(informer, keysOwnedBy))];
}
