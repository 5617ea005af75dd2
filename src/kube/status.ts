import { type Condition, findCondition, READY } from "../api/condition.ts";
import type { CatalystObject, KubernetesObject } from "../api/object.ts";
import { canonicalJson } from "../platform/canonical-json.ts";
import type { Logger } from "../platform/log.ts";
import type { KubeClient } from "./client.ts";
import type { EventRecorder } from "./event.ts";
import type { Informer } from "./informer.ts";
import { keyOf, type Resource } from "./resource.ts";
import { isOlder } from "./version.ts";

export type StatusOf<T> = T extends CatalystObject<unknown, infer Status> ? Status : never;

/** Writes statuses of one kind, and keeps the last write until the cache has received it. */
export interface StatusWriter<T> {
  /** The object with the newest status: the cached one, or the last written one. */
  newest(cached: T): T;
  /**
   * Writes the whole status by server-side apply, so that absent fields are removed. Writes nothing when the newest status
   * is equal. The object's Events are written first, because the new status keeps them from being recorded again. `object` is from a cache and is not changed. Logs one line when `Ready` has another status or reason, unless the
   * caller `announces` the transition.
   */
  write(object: T, status: StatusOf<T>, announces?: boolean): Promise<void>;
  /**
   * Drops each write as soon as the cache has it, until the signal fires. Otherwise the last status of each object would
   * stay in memory twice. Only the first call has an effect.
   */
  follow(objects: Pick<Informer<T & KubernetesObject>, "get" | "onChange">, signal: AbortSignal): void;
  /** Drops the state of a deleted object. */
  forget(key: string): void;
}

export function createStatusWriter<
  T extends CatalystObject<unknown, { conditions?: Condition[] | undefined }>,
>(
  deps: {
    client: KubeClient;
    fieldManager: string;
    events: Pick<EventRecorder, "settle">;
    logger: Logger;
  },
  resource: Resource,
): StatusWriter<T> {
  const written = new Map<string, T>();
  let cache: { get(key: string): T | undefined } | undefined;

  function newest(cached: T): T {
    const key = keyOf(cached.metadata);
    const own = written.get(key);
    if (own === undefined) return cached;
    if (!isOlder(cached, own)) {
      written.delete(key);
      return cached;
    }
    const { status, ...rest } = cached;
    return { ...rest, status: own.status } as T;
  }

  return {
    newest,
    async write(object, status, announces = false) {
      const before = newest(object).status;
      // Compared as JSON, because undefined members are not sent.
      if (before !== undefined && canonicalJson(before) === canonicalJson(status)) return;
      await deps.events.settle(object);
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
      const key = keyOf(metadata);
      written.set(key, { ...object, metadata: after, status });
      // The watch may have delivered this write before its answer arrived.
      const cached = cache?.get(key);
      if (cached !== undefined) newest(cached);
      if (!announces)
        logTransition(deps.logger, object, before?.conditions, (status as T["status"])?.conditions);
    },
    follow(objects, signal) {
      if (cache !== undefined) return;
      cache = objects;
      objects.onChange(({ object }) => void newest(object), signal);
    },
    forget: (key) => void written.delete(key),
  };
}

function logTransition(
  logger: Logger,
  { kind, metadata }: KubernetesObject,
  before: readonly Condition[] | undefined,
  after: readonly Condition[] | undefined,
): void {
  const [was, is] = [before, after].map((conditions) => findCondition(conditions, READY));
  if (is === undefined || (was?.status === is.status && was.reason === is.reason)) return;
  const { status: ready, reason, message } = is;
  logger.info({ kind, key: keyOf(metadata), ready, reason, was: was?.reason, message }, "status changed");
}
