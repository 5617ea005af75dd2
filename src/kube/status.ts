import type { CatalystObject } from "../api/object.ts";
import { canonicalJson } from "../platform/canonical-json.ts";
import type { KubeClient } from "./client.ts";
import { keyOf, type Resource } from "./resource.ts";
import { isOlder } from "./version.ts";

export type StatusOf<T> = T extends CatalystObject<unknown, infer Status> ? Status : never;

/** Writes statuses of one kind, and knows what it wrote last while the cache has not heard of it. */
export interface StatusWriter<T> {
  /** The object with the newest status: the cache's, or what our own last write said. */
  newest(cached: T): T;
  /**
   * Writes the whole status by server-side apply, so that what is left out goes away; writes nothing when the newest
   * status says it already. `object` is from a cache and is not changed.
   */
  write(object: T, status: StatusOf<T>): Promise<void>;
  /** For an object that is no more. */
  forget(key: string): void;
}

export function createStatusWriter<T extends CatalystObject<unknown, object>>(
  deps: { client: KubeClient; fieldManager: string },
  resource: Resource,
): StatusWriter<T> {
  const written = new Map<string, T>();

  function newest(cached: T): T {
    const key = keyOf(cached.metadata);
    const own = written.get(key);
    if (own === undefined) return cached;
    if (!isOlder(cached, own)) {
      written.delete(key);
      return cached;
    }
    const { status, ...rest } = cached;
    return { ...rest, ...(own.status === undefined ? {} : { status: own.status }) } as T;
  }

  return {
    newest,
    async write(object, status) {
      const before = newest(object).status;
      // As JSON: a member that is undefined never reaches the server.
      if (before !== undefined && canonicalJson(before) === canonicalJson(status)) return;
      const { apiVersion, kind, metadata } = object;
      const { name, namespace } = metadata;
      const patch = {
        apiVersion,
        kind,
        metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
        status,
      };
      const { fieldManager } = deps;
      const options = { fieldManager, subresource: "status" };
      const { metadata: after } = await deps.client.apply(resource, patch, options);
      written.set(keyOf(metadata), { ...object, metadata: after, status });
    },
    forget: (key) => void written.delete(key),
  };
}
