import type { ApiObject, OwnerReference } from "../object.ts";
import type { Registry } from "../registry.ts";
import type { ResourceType } from "../resource-type.ts";
import { StatusError } from "../status.ts";
import type { Store, StoreEvent } from "../store.ts";
import type { Propagation } from "../write/delete-options.ts";
import { type Deleter, FOREGROUND_FINALIZER, ORPHAN_FINALIZER } from "../write/deletion.ts";
import { ownerUids } from "../write/metadata.ts";
import { controlPlaneRequest } from "./control-plane-request.ts";
import { createWorkList } from "./work-list.ts";

export interface GarbageCollectorDeps {
  store: Store;
  registry: Registry;
  remove: Deleter;
  onError(what: string, error: unknown): void;
  signal: AbortSignal;
}

interface Node {
  storage: string;
  namespace: string;
  name: string;
  owners: readonly string[];
}

/**
 * Deletes what its owners have left behind. An object goes when all of its owners are gone; while one is left, only
 * the references to the others go. `foregroundDeletion` holds an owner until its blocking dependents are gone,
 * `orphan` lets them live.
 */
export function startGarbageCollector({ store, registry, remove, onError, signal }: GarbageCollectorDeps) {
  const nodes = new Map<string, Node>();
  const dependents = new Map<string, Set<string>>();
  const list = createWorkList({
    work: collect,
    onError: (uid, error) => onError(`collect ${uid}`, error),
    signal,
  });

  function link(object: ApiObject, storage: string): void {
    const { uid, namespace = "", name } = object.metadata;
    unlink(uid);
    const owners = ownerUids(object);
    nodes.set(uid, { storage, namespace, name, owners });
    for (const owner of owners) {
      const known = dependents.get(owner) ?? new Set();
      dependents.set(owner, known.add(uid));
    }
  }

  function unlink(uid: string): void {
    for (const owner of nodes.get(uid)?.owners ?? []) {
      const known = dependents.get(owner);
      known?.delete(uid);
      if (known?.size === 0) dependents.delete(owner);
    }
    nodes.delete(uid);
  }

  function observe({ kind, object, storage }: StoreEvent): void {
    const { uid, deletionTimestamp, finalizers = [] } = object.metadata;
    const owners = kind === "DELETED" ? (nodes.get(uid)?.owners ?? []) : ownerUids(object);
    if (kind === "DELETED") {
      unlink(uid);
      for (const dependent of dependents.get(uid) ?? []) list.add(dependent);
    } else {
      link(object, storage);
      if (owners.length > 0) list.add(uid);
      if (deletionTimestamp !== undefined && finalizers.some(isOurs)) list.add(uid);
    }
    // An owner that waits for its dependents looks again.
    for (const owner of owners) if (nodes.has(owner)) list.add(owner);
  }

  async function collect(uid: string): Promise<void> {
    const node = nodes.get(uid);
    const object = node && store.get(node.storage, node.namespace, node.name);
    if (node === undefined || object === undefined || object.metadata.uid !== uid) return;
    if (object.metadata.deletionTimestamp !== undefined) return finishDeletion(object, node);
    const references = object.metadata.ownerReferences ?? [];
    if (references.length === 0) return;
    const present = references.filter((reference) => isPresent(reference, object));
    const waiting = present.filter(waitsForDependents);
    const solid = present.filter((reference) => !waiting.includes(reference));
    if (solid.length === references.length) return;
    if (solid.length > 0) {
      store.put(node.storage, { ...object, metadata: { ...object.metadata, ownerReferences: solid } });
      return;
    }
    await removeNode(node, uid, waiting.length > 0 && dependents.has(uid) ? "Foreground" : "Background");
  }

  function ownerObject({ uid }: OwnerReference): ApiObject | undefined {
    const node = nodes.get(uid);
    return node && store.get(node.storage, node.namespace, node.name);
  }

  /** An owner in another namespace owns nothing here; one of a kind that is not served is left alone. */
  function isPresent(reference: OwnerReference, dependent: ApiObject): boolean {
    if (registry.findKind(reference.apiVersion, reference.kind) === undefined) return true;
    const owner = ownerObject(reference);
    if (owner === undefined) return false;
    const { namespace } = owner.metadata;
    return namespace === undefined || namespace === dependent.metadata.namespace;
  }

  function waitsForDependents(reference: OwnerReference): boolean {
    const owner = ownerObject(reference);
    return (
      owner?.metadata.deletionTimestamp !== undefined &&
      (owner.metadata.finalizers ?? []).includes(FOREGROUND_FINALIZER)
    );
  }

  async function finishDeletion(object: ApiObject, node: Node): Promise<void> {
    const { uid, finalizers = [] } = object.metadata;
    const own = [...(dependents.get(uid) ?? [])];
    if (finalizers.includes(ORPHAN_FINALIZER)) {
      for (const dependent of own) disown(dependent, uid);
      return release(object, node, ORPHAN_FINALIZER);
    }
    if (!finalizers.includes(FOREGROUND_FINALIZER)) return;
    const blocking = own.filter((dependent) => blocks(dependent, uid));
    if (blocking.length === 0) release(object, node, FOREGROUND_FINALIZER);
    for (const dependent of own) list.add(dependent);
  }

  function blocks(dependent: string, owner: string): boolean {
    const node = nodes.get(dependent);
    const object = node && store.get(node.storage, node.namespace, node.name);
    return (object?.metadata.ownerReferences ?? []).some(
      (reference) => reference.uid === owner && reference.blockOwnerDeletion === true,
    );
  }

  function disown(dependent: string, owner: string): void {
    const node = nodes.get(dependent);
    const object = node && store.get(node.storage, node.namespace, node.name);
    if (node === undefined || object === undefined) return;
    const { ownerReferences = [], ...metadata } = object.metadata;
    const kept = ownerReferences.filter(({ uid }) => uid !== owner);
    store.put(node.storage, {
      ...object,
      metadata: kept.length === 0 ? metadata : { ...metadata, ownerReferences: kept },
    });
  }

  function release(object: ApiObject, node: Node, finalizer: string): void {
    const { finalizers = [], ...metadata } = object.metadata;
    const kept = finalizers.filter((name) => name !== finalizer);
    if (kept.length === 0) store.remove(node.storage, node.namespace, node.name);
    else store.put(node.storage, { ...object, metadata: { ...metadata, finalizers: kept } });
  }

  async function removeNode(node: Node, uid: string, propagationPolicy: Propagation): Promise<void> {
    const type = typeOf(node.storage);
    if (type === undefined) return;
    const request = controlPlaneRequest("generic-garbage-collector", type, node.namespace, node.name);
    const json = {
      kind: "DeleteOptions",
      apiVersion: "meta.k8s.io/v1",
      propagationPolicy,
      preconditions: { uid },
    };
    try {
      await remove(request, { propagationPolicy, preconditions: { uid }, json });
    } catch (error) {
      if (!(error instanceof StatusError && error.code === 404)) throw error;
    }
  }

  const typeOf = (storage: string): ResourceType | undefined =>
    registry.storages().find((type) => type.storage === storage);

  for (const storage of store.storages()) for (const object of store.list(storage)) link(object, storage);
  for (const [uid, { owners }] of nodes) if (owners.length > 0) list.add(uid);
  for (const storage of store.storages()) {
    for (const { metadata } of store.list(storage))
      if (metadata.deletionTimestamp !== undefined) list.add(metadata.uid);
  }
  const unsubscribe = store.subscribe(observe);
  signal.addEventListener("abort", unsubscribe, { once: true });
  return { idle: list.idle };
}

function isOurs(finalizer: string): boolean {
  return finalizer === FOREGROUND_FINALIZER || finalizer === ORPHAN_FINALIZER;
}
