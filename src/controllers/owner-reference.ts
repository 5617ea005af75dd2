import type { KubernetesObject } from "../api/object.ts";

/** The name of a cache's index by owner; its values are those of `ownerKeys`. */
export const OWNER_INDEX = "owner";

/** `Franchise/omantel` for each owner of an object. */
export const ownerKeys = ({ metadata }: KubernetesObject): string[] =>
  (metadata.ownerReferences ?? []).map(({ kind, name }) => `${kind}/${name}`);

/** The names of an object's owners of one kind. */
export const ownerNames = (kind: string, object: KubernetesObject): string[] =>
  (object.metadata.ownerReferences ?? []).filter((owner) => owner.kind === kind).map(({ name }) => name);

/** Makes the garbage collector delete an object together with `owner`. */
export function ownedBy({
  apiVersion,
  kind,
  metadata: { name, uid },
}: KubernetesObject): Pick<KubernetesObject["metadata"], "ownerReferences"> {
  return uid === undefined ? {} : { ownerReferences: [{ apiVersion, kind, name, uid }] };
}
