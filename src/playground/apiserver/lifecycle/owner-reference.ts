import type { ApiObject, OwnerReference } from "../object.ts";
import type { Registry } from "../registry.ts";
import type { Store } from "../store.ts";
import { FOREGROUND_FINALIZER } from "../write/deletion.ts";
import type { createOwnerGraph, Node } from "./owner-graph.ts";

export interface ReferenceDeps {
  store: Store;
  registry: Registry;
  graph: ReturnType<typeof createOwnerGraph>;
}

/** Reads and changes the references from dependents to their owners, and the finalizers of owners. */
export function createReferences({ store, registry, graph }: ReferenceDeps) {
  function ownerObject({ uid }: OwnerReference): ApiObject | undefined {
    const node = graph.node(uid);
    return node && store.get(node.storage, node.namespace, node.name);
  }

  /** An owner in another namespace does not count. An owner of a kind that is not served counts as present. */
  function isPresent(reference: OwnerReference, dependent: ApiObject): boolean {
    if (registry.findKind(reference.apiVersion, reference.kind) === undefined) return true;
    const owner = ownerObject(reference);
    if (owner === undefined) return false;
    const { namespace } = owner.metadata;
    return namespace === undefined || namespace === dependent.metadata.namespace;
  }

  /** Whether the owner is in a foreground deletion. */
  function waitsForDependents(reference: OwnerReference): boolean {
    const owner = ownerObject(reference);
    return (
      owner?.metadata.deletionTimestamp !== undefined &&
      (owner.metadata.finalizers ?? []).includes(FOREGROUND_FINALIZER)
    );
  }

  /** Whether a dependent holds its owner back in a foreground deletion. */
  function blocks(dependent: string, owner: string): boolean {
    const node = graph.node(dependent);
    const object = node && store.get(node.storage, node.namespace, node.name);
    return (object?.metadata.ownerReferences ?? []).some(
      (reference) => reference.uid === owner && reference.blockOwnerDeletion === true,
    );
  }

  /** Removes the reference from a dependent to its owner. */
  function disown(dependent: string, owner: string): void {
    const node = graph.node(dependent);
    const object = node && store.get(node.storage, node.namespace, node.name);
    if (node === undefined || object === undefined) return;
    const { ownerReferences = [], ...metadata } = object.metadata;
    const kept = ownerReferences.filter(({ uid }) => uid !== owner);
    store.put(node.storage, {
      ...object,
      metadata: kept.length === 0 ? metadata : { ...metadata, ownerReferences: kept },
    });
  }

  /** Removes a finalizer, and the object with its last finalizer. */
  function release(object: ApiObject, node: Node, finalizer: string): void {
    const { finalizers = [], ...metadata } = object.metadata;
    const kept = finalizers.filter((name) => name !== finalizer);
    if (kept.length === 0) store.remove(node.storage, node.namespace, node.name);
    else store.put(node.storage, { ...object, metadata: { ...metadata, finalizers: kept } });
  }

  return { isPresent, waitsForDependents, blocks, disown, release };
}
