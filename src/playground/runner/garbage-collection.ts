import type { KubernetesObject } from "../../api/object.ts";
import type { KubeClient } from "../../kube/client.ts";
import type { Informer } from "../../kube/informer.ts";
import { type Outcome, type Watch, watchInformer, watchPrimary } from "../../kube/reconcile.ts";
import { controllerOf } from "./workload.ts";

export interface GarbageCollectionDeps {
  client: KubeClient;
  /** The objects of one kind, which are deleted once their controller is gone. */
  dependents: Informer<KubernetesObject>;
  /** One for each kind that can control them. */
  owners: Informer<KubernetesObject>[];
}

/** Deletes objects whose controller was deleted. A kube-apiserver without a controller manager collects no garbage. */
export function createGarbageCollector({ client, dependents, owners }: GarbageCollectionDeps) {
  /** The controlling owner of an object when the cache does not have it; undefined when it does. */
  function missingOwner(dependent: KubernetesObject) {
    const reference = controllerOf(dependent);
    const informer = owners.find(({ resource }) => resource.kind === reference?.kind);
    if (reference === undefined || informer === undefined) return undefined;
    const key = { name: reference.name, namespace: dependent.metadata.namespace ?? "" };
    const isCached = informer.get(`${key.namespace}/${key.name}`)?.metadata.uid === reference.uid;
    return isCached ? undefined : { informer, key, uid: reference.uid };
  }

  return async function reconcile(key: string): Promise<Outcome> {
    const cached = dependents.get(key);
    if (cached === undefined || cached.metadata.deletionTimestamp !== undefined) return { kind: "done" };
    const missing = missingOwner(cached);
    if (missing === undefined) return { kind: "done" };
    // The caches can be stale, so read both objects from the API server. Read the owner first: an owner that is deleted with
    // propagation policy Orphan removes the references of its dependents before it goes.
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
