import type { KubernetesObject } from "../api/object.ts";
import type { KubeClient } from "./client.ts";
import { isInvalid } from "./error.ts";
import { type FreeFields, foreignAdditions, withFreeFields } from "./foreign-field.ts";
import { isOwnAndFixed } from "./immutable-field.ts";
import { withForeignFields } from "./informer.ts";
import { resourceOfManifest } from "./resource.ts";

/** Writes a desired object over the live one, if there is one. */
export type ObjectWriter = (
  desired: KubernetesObject,
  live: KubernetesObject | undefined,
) => Promise<{ object: KubernetesObject; wasReplaced?: true }>;

/**
 * Writes by server-side apply, and removes fields that other managers added. When an immutable field prevents the write,
 * the operator's own object is deleted by its uid and created again.
 */
export function createObjectWriter(deps: {
  client: KubeClient;
  fieldManager: string;
  freeFields?: FreeFields | undefined;
}): ObjectWriter {
  const { client, fieldManager, freeFields = () => [] } = deps;
  const lean = withForeignFields<KubernetesObject>(fieldManager);

  async function writeInPlace(desired: KubernetesObject): Promise<KubernetesObject> {
    const resource = resourceOfManifest(desired);
    const applied = lean(await client.apply(resource, desired, { fieldManager }));
    const free = freeFields(desired);
    if (foreignAdditions(desired, applied, free).length === 0) return applied;
    // Server-side apply keeps fields that other managers added. Replacing the object removes them.
    const { labels, annotations, resourceVersion } = applied.metadata;
    const replaced = await client.replace(resource, {
      ...withFreeFields(desired, applied, free),
      metadata: {
        ...desired.metadata,
        ...(resourceVersion === undefined ? {} : { resourceVersion }),
        // Labels and annotations of other clients stay.
        labels: { ...labels, ...desired.metadata.labels },
        annotations: { ...annotations, ...desired.metadata.annotations },
      },
    });
    return lean(replaced);
  }

  return async function write(desired, live) {
    try {
      return { object: await writeInPlace(desired) };
    } catch (error) {
      if (!isInvalid(error) || live === undefined || !isOwnAndFixed(desired, live)) throw error;
      const { metadata } = live;
      await client.delete(resourceOfManifest(desired), metadata, { uid: metadata.uid });
      return { object: await writeInPlace(desired), wasReplaced: true };
    }
  };
}
