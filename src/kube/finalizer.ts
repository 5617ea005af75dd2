import type { KubernetesObject } from "../api/object.ts";
import type { KubeClient } from "./client.ts";
import { isNotFound } from "./error.ts";
import type { Resource } from "./resource.ts";

/**
 * Adds a finalizer, unless the object has it already or is being deleted. The API server accepts no new finalizer during a
 * deletion.
 */
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

/**
 * Removes a finalizer. The API server removes an object that is being deleted with its last finalizer. A cache may still
 * show an object that is gone: then there is nothing to do.
 */
export async function removeFinalizer(
  client: KubeClient,
  resource: Resource,
  { metadata }: KubernetesObject,
  finalizer: string,
): Promise<void> {
  const { finalizers = [] } = metadata;
  if (!finalizers.includes(finalizer)) return;
  const kept = finalizers.filter((name) => name !== finalizer);
  await setFinalizers(client, resource, metadata, kept).catch((error: unknown) => {
    if (!isNotFound(error)) throw error;
  });
}

/** Sends the version that was read, so that another writer's finalizer is not lost. */
function setFinalizers(
  client: KubeClient,
  resource: Resource,
  metadata: KubernetesObject["metadata"],
  finalizers: string[],
): Promise<unknown> {
  const { resourceVersion } = metadata;
  return client.mergePatch(resource, metadata, { metadata: { finalizers, resourceVersion } });
}
