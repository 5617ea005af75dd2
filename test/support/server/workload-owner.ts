import type { KubernetesObject, OwnerReference } from "../../../src/api/object.ts";
import type { KubeClient } from "../../../src/kube/client.ts";
import { PODS } from "../../../src/kube/resource.ts";

/** Deletes the Pods of an owner, as the garbage collector does. */
export async function collect(client: KubeClient, owner: KubernetesObject): Promise<void> {
  const { namespace = "", uid } = owner.metadata;
  for (const { metadata } of (await client.list(PODS, { namespace })).items)
    if (metadata.ownerReferences?.some((reference) => reference.uid === uid))
      await client.delete(PODS, metadata);
}

export function controllerOf({ apiVersion, kind, metadata }: KubernetesObject): OwnerReference {
  return { apiVersion, kind, name: metadata.name, uid: metadata.uid ?? "", controller: true };
}
