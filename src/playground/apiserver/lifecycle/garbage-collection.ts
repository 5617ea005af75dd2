import type { ApiObject } from "../object.ts";
import type { Registry } from "../registry.ts";
import type { ResourceType } from "../resource-type.ts";
import { isRefusal } from "../status.ts";
import type { Store, StoreEvent } from "../store.ts";
import type { Propagation } from "../write/delete-options.ts";
import { type Deleter, FOREGROUND_FINALIZER, ORPHAN_FINALIZER } from "../write/deletion.ts";
import { ownerUids } from "../write/metadata.ts";
import { controlPlaneRequest } from "./control-plane-request.ts";
import { createOwnerGraph, type Node } from "./owner-graph.ts";
import { createReferences } from "./owner-reference.ts";
import { createWorkList } from "./work-list.ts";

export interface GarbageCollectorDeps {
  store: Store;
  registry: Registry;
  remove: Deleter;
  onError(what: string, error: unknown): void;
  signal: AbortSignal;
}

/**
 * Deletes objects whose owners are all gone. While one owner is left, it only removes the references to the others.
 * `foregroundDeletion` keeps an owner until its blocking dependents are gone; `orphan` keeps the dependents.
 */
export function startGarbageCollector({ store, registry, remove, onError, signal }: GarbageCollectorDeps) {
  const graph = createOwnerGraph();
  const references = createReferences({ store, registry, graph });
  const list = createWorkList({
    work: collect,
    onError: (uid, error) => onError(`collect ${uid}`, error),
    signal,
  });

  function observe({ kind, object, storage }: StoreEvent): void {
    const { uid, deletionTimestamp, finalizers = [] } = object.metadata;
    const owners = kind === "DELETED" ? (graph.node(uid)?.owners ?? []) : ownerUids(object);
    if (kind === "DELETED") {
      graph.unlink(uid);
      for (const dependent of graph.dependentsOf(uid)) list.add(dependent);
    } else {
      graph.link(object, storage);
      if (owners.length > 0) list.add(uid);
      if (deletionTimestamp !== undefined && finalizers.some(isOurs)) list.add(uid);
    }
    // An owner in a foreground deletion may wait for this dependent.
    for (const owner of owners) if (graph.node(owner) !== undefined) list.add(owner);
  }

  async function collect(uid: string): Promise<void> {
    const node = graph.node(uid);
    const object = node && store.get(node.storage, node.namespace, node.name);
    if (node === undefined || object === undefined || object.metadata.uid !== uid) return;
    if (object.metadata.deletionTimestamp !== undefined) return finishDeletion(object, node);
    const owners = object.metadata.ownerReferences ?? [];
    if (owners.length === 0) return;
    const present = owners.filter((reference) => references.isPresent(reference, object));
    const waiting = present.filter(references.waitsForDependents);
    const solid = present.filter((reference) => !waiting.includes(reference));
    if (solid.length === owners.length) return;
    if (solid.length > 0) {
      store.put(node.storage, { ...object, metadata: { ...object.metadata, ownerReferences: solid } });
      return;
    }
    await removeNode(
      node,
      uid,
      waiting.length > 0 && graph.dependentsOf(uid).length > 0 ? "Foreground" : "Background",
    );
  }

  async function finishDeletion(object: ApiObject, node: Node): Promise<void> {
    const { uid, finalizers = [] } = object.metadata;
    const own = graph.dependentsOf(uid);
    if (finalizers.includes(ORPHAN_FINALIZER)) {
      for (const dependent of own) references.disown(dependent, uid);
      return references.release(object, node, ORPHAN_FINALIZER);
    }
    if (!finalizers.includes(FOREGROUND_FINALIZER)) return;
    const blocking = own.filter((dependent) => references.blocks(dependent, uid));
    if (blocking.length === 0) references.release(object, node, FOREGROUND_FINALIZER);
    for (const dependent of own) list.add(dependent);
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
      if (!isRefusal(error, 404)) throw error;
    }
  }

  const typeOf = (storage: string): ResourceType | undefined =>
    registry.storages().find((type) => type.storage === storage);

  for (const storage of store.storages())
    for (const object of store.list(storage)) graph.link(object, storage);
  for (const [uid, { owners }] of graph.nodes()) if (owners.length > 0) list.add(uid);
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
