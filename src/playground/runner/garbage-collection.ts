import type { KubernetesObject } from "../../api/object.ts";
import type { KubeClient } from "../../kube/client.ts";
import type { Informer } from "../../kube/informer.ts";
import { type Outcome, type Watch, watchInformer, watchPrimary } from "../../kube/reconcile.ts";
import { controllerOf } from "./workload.ts";

export interface GarbageCollectionDeps {
  client: KubeClient;
  /** Of one kind: what is deleted once its controller is gone. */
  dependents: Informer<KubernetesObject>;
  /** Of every kind that controls them. */
  owners: Informer<KubernetesObject>[];
}

/** Deletes what a deleted controller left behind: a kube-apiserver alone collects no garbage. */
export function createGarbageCollector({ client, dependents, owners }: GarbageCollectionDeps) {
  /** The owner's informer, when the cache knows no owner with the uid of the reference. */
  function missingOwner(dependent: KubernetesObject) {
    const reference = controllerOf(dependent);
    const informer = owners.find(({ resource }) => resource.kind === reference?.kind);
    if (reference === undefined || informer === undefined) return undefined;
    const key = { name: reference.name, namespace: dependent.metadata.namespace ?? "" };
    const isThere = informer.get(`${key.namespace}/${key.name}`)?.metadata.uid === reference.uid;
    return isThere ? undefined : { informer, key, uid: reference.uid };
  }

  return async function reconcile(key: string): Promise<Outcome> {
    const cached = dependents.get(key);
    if (cached === undefined || cached.metadata.deletionTimestamp !== undefined) return { kind: "done" };
    const missing = missingOwner(cached);
    if (missing === undefined) return { kind: "done" };
    // The caches may be behind each other: only the API server's own word makes an orphan. First of the owner, then of the
    // dependent: who lets its dependents live takes their references away before it goes.
    const owner = await client.get<KubernetesObject>(missing.informer.resource, missing.key);
    if (owner?.metadata.uid === missing.uid) return { kind: "done" };
    const live = await client.get<KubernetesObject>(dependents.resource, cached.metadata);
    if (live === undefined || controllerOf(live)?.uid !== missing.uid) return { kind: "done" };
    const { uid = "", resourceVersion = "" } = live.metadata;
    await client.delete(dependents.resource, live.metadata, { uid, resourceVersion });
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
