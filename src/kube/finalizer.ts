import type { KubernetesObject } from "../api/object.ts";
import type { KubeClient } from "./client.ts";
import type { Resource } from "./resource.ts";

/** Adds a finalizer, unless the object has it or is being deleted: then the API server accepts no new one. */
export async function addFinalizer(
  client: KubeClient,
  resource: Resource,
  { metadata }: KubernetesObject,
  finalizer: string,
): Promise<void> {
  const { finalizers = [], deletionTimestamp } = metadata;
  if (finalizers.includes(finalizer) || deletionTimestamp !== undefined) return;
  await setFinalizers(client, resource, metadata, [...finalizers, finalizer]);
}

/** Removes a finalizer. Without its last one, an object that is being deleted is gone. */
export async function removeFinalizer(
  client: KubeClient,
  resource: Resource,
  { metadata }: KubernetesObject,
  finalizer: string,
): Promise<void> {
  const { finalizers = [] } = metadata;
  if (!finalizers.includes(finalizer)) return;
  const kept = finalizers.filter((name) => name !== finalizer);
  await setFinalizers(client, resource, metadata, kept);
}

/** With the version that was read: another writer's finalizer must not be lost. */
function setFinalizers(
  client: KubeClient,
  resource: Resource,
  metadata: KubernetesObject["metadata"],
  finalizers: string[],
): Promise<unknown> {
  const { resourceVersion } = metadata;
  return client.mergePatch(resource, metadata, { metadata: { finalizers, resourceVersion } });
}
