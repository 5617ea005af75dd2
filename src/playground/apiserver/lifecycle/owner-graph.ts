import type { ApiObject } from "../object.ts";
import { ownerUids } from "../write/metadata.ts";

/** The place of an object, and the uids of its owners. */
export interface Node {
  storage: string;
  namespace: string;
  name: string;
  owners: readonly string[];
}

/** The owners and dependents of each object, by uid. */
export function createOwnerGraph() {
  const nodes = new Map<string, Node>();
  const dependents = new Map<string, Set<string>>();

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

  return {
    link,
    unlink,
    node: (uid: string): Node | undefined => nodes.get(uid),
    nodes: (): Iterable<[string, Node]> => nodes,
    /** The uids of the objects that name `uid` as an owner. */
    dependentsOf: (uid: string): readonly string[] => [...(dependents.get(uid) ?? [])],
  };
}
