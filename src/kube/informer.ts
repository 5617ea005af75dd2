import type { KubernetesObject } from "../api/object.ts";
import { errorMessage } from "../platform/errors.ts";
import type { Logger } from "../platform/log.ts";
import type { KubeClient, ListOptions } from "./client.ts";
import { foreignEntries } from "./foreign-field.ts";
import { createIndex } from "./object-index.ts";
import { createCompactStore, type ObjectStore } from "./object-store.ts";
import { type ReflectorPace, runReflector } from "./reflector.ts";
import { apiVersionOf, keyOf, type Resource } from "./resource.ts";
import { createStringSharing } from "./shared-string.ts";

export type InformerEvent<T> =
  | { kind: "added"; object: T }
  | { kind: "updated"; object: T; previous: T }
  | { kind: "deleted"; object: T };

export type InformerHandler<T> = (event: InformerEvent<T>) => void;

/** A cache of one kind that follows the server. Its objects are shared, so callers must not change them. */
export interface Informer<T extends KubernetesObject> {
  resource: Resource;
  get(key: string): T | undefined;
  list(): T[];
  /** The objects that a named index lists under a value. */
  byIndex(index: string, value: string): T[];
  /** Calls the handler with `added` for each present object, and then for every change until the signal fires. */
  onChange(handler: InformerHandler<T>, signal?: AbortSignal): void;
  /** Calls the handler for every change from now on. A compact cache builds no object for this. */
  onLaterChange(handler: InformerHandler<T>, signal?: AbortSignal): void;
  /**
   * Adds an object that the cache left out earlier because it was not wanted then. An object that the cache already has
   * stays unchanged.
   */
  offer(object: T): void;
  /** Whether the first list is loaded. */
  isSynced(): boolean;
  /** The time since the server last sent a list, an event or a bookmark; undefined before the first list. */
  silentForMs(): number | undefined;
  /** Resolves when the first list is loaded. */
  synced: Promise<void>;
  /** Follows the server until the signal fires. */
  run(signal: AbortSignal): Promise<void>;
}

export interface InformerOptions<T> extends Omit<ListOptions, "signal"> {
  /** Named indexes: each returns the values under which an object is found. */
  indexes?: Record<string, (object: T) => string[]>;
  /** Returns the object to keep. Default: without managedFields (10,000 objects took 122 MB with them and 22 MB without). */
  transform?: (object: T) => T;
  /**
   * Whether to keep an object. An object that is not wanted is not cached and causes no event. The answer may change over
   * time: it is computed at each change, and the deletion of an object that is wanted by then is reported even if the
   * object was not kept.
   */
  isWanted?: (object: T) => boolean;
  /**
   * Keeps the objects as compressed text. Use it for large fleets of objects that are read only in their own reconcile:
   * each read of an object that was not used recently takes up to 50 µs.
   */
  isCompact?: boolean;
  /** Called when the list or the watch fails. The informer tries again by itself. */
  onFailure?: (error: unknown) => void;
  pace?: Partial<ReflectorPace>;
}

export function createInformer<T extends KubernetesObject>(
  deps: { client: KubeClient; logger: Logger },
  resource: Resource,
  options: InformerOptions<T> = {},
): Informer<T> {
  const {
    indexes = {},
    transform = withoutManagedFields<T>,
    isWanted,
    isCompact = false,
    onFailure,
    pace,
    ...listOptions
  } = options;
  const objects: ObjectStore<T> = isCompact ? createCompactStore<T>() : new Map<string, T>();
  // One text for all objects. A text for each would take 32 bytes.
  const type = { kind: resource.kind, apiVersion: apiVersionOf(resource) };
  const share = isCompact ? <V>(value: V) => value : createStringSharing();
  const index = createIndex(indexes);
  const handlers = createHandlers<T>(deps.logger, resource);
  const firstList = Promise.withResolvers<void>();
  const contact = createContact();

  function upsert(incoming: T): void {
    if (isWanted?.(incoming) === false) {
      drop(keyOf(incoming.metadata));
      return;
    }
    const object = share(transform(typedAs(type, incoming)));
    const key = keyOf(object.metadata);
    const { uid, resourceVersion } = object.metadata;
    let previous = objects.get(key);
    if (previous !== undefined && previous.metadata.uid !== uid) {
      // The object was deleted and created again between two lists. Report both events.
      remove(previous);
      previous = undefined;
    }
    if (previous !== undefined && previous.metadata.resourceVersion === resourceVersion) return;
    objects.set(key, object);
    index.change(key, previous, object);
    handlers.notifyAll(
      previous === undefined ? { kind: "added", object } : { kind: "updated", object, previous },
    );
  }

  /** Drops the object without an event. */
  function drop(key: string): T | undefined {
    const previous = objects.get(key);
    if (previous === undefined) return undefined;
    objects.delete(key);
    index.change(key, previous, undefined);
    return previous;
  }

  function remove(object: T): void {
    const wanted = isWanted?.(object) ? transform(typedAs(type, object)) : undefined;
    const gone = drop(keyOf(object.metadata)) ?? wanted;
    if (gone !== undefined) handlers.notifyAll({ kind: "deleted", object: gone });
  }

  function retain(listed: ReadonlySet<string>): void {
    for (const key of [...objects.keys()]) {
      const gone = listed.has(key) ? undefined : objects.get(key);
      if (gone !== undefined) remove(gone);
    }
    firstList.resolve();
  }

  function onLaterChange(handler: InformerHandler<T>, signal?: AbortSignal): void {
    if (signal?.aborted) return;
    handlers.add(handler);
    signal?.addEventListener("abort", () => handlers.delete(handler), { once: true });
  }

  return {
    resource,
    get: (key) => objects.get(key),
    list: () => [...objects.values()],
    byIndex: (name, value) => index.keys(name, value).flatMap((key) => objects.get(key) ?? []),
    onLaterChange,
    onChange(handler, signal) {
      if (signal?.aborted) return;
      onLaterChange(handler, signal);
      for (const object of objects.values()) handlers.notify(handler, { kind: "added", object });
    },
    offer: (object) => (objects.has(keyOf(object.metadata)) ? undefined : upsert(object)),
    isSynced: () => contact.silentForMs() !== undefined,
    silentForMs: contact.silentForMs,
    synced: firstList.promise,
    run: (signal) =>
      runReflector<T>({
        ...deps,
        resource,
        options: listOptions,
        sink: { retain, upsert, remove, contact: contact.mark },
        signal,
        pace,
        onFailure,
      }),
  };
}

/** A handler that throws must not keep the event from other handlers, nor end the watch. */
function createHandlers<T>(logger: Logger, { plural }: Resource) {
  const handlers = new Set<InformerHandler<T>>();

  function notify(handler: InformerHandler<T>, event: InformerEvent<T>): void {
    try {
      handler(event);
    } catch (error) {
      logger.error(
        { resource: plural, error: errorMessage(error), stack: error instanceof Error && error.stack },
        "a change handler of an informer failed",
      );
    }
  }

  return {
    add: (handler: InformerHandler<T>) => handlers.add(handler),
    delete: (handler: InformerHandler<T>) => handlers.delete(handler),
    notify,
    notifyAll(event: InformerEvent<T>): void {
      for (const handler of handlers) notify(handler, event);
    },
  };
}

/** An API server sends at least a bookmark each minute. A watch that is silent for longer may have missed a change. */
const MAX_SILENCE_MS = 150_000;

/**
 * Whether the cache follows its server now. False where the right to watch was never given, or was withdrawn later: then the
 * cache keeps its last state.
 */
export const isWatched = ({ silentForMs }: Pick<Informer<KubernetesObject>, "silentForMs">): boolean =>
  (silentForMs() ?? MAX_SILENCE_MS) < MAX_SILENCE_MS;

/** Measures the time since the server last sent something. */
function createContact() {
  let at: number | undefined;
  return {
    mark: () => {
      at = performance.now();
    },
    silentForMs: () => (at === undefined ? undefined : performance.now() - at),
  };
}

/**
 * Sets the resource's own kind. The server sends `PartialObjectMetadata` for metadata alone, and list items without a kind.
 */
const typedAs = <T extends KubernetesObject>(
  { kind, apiVersion }: Pick<KubernetesObject, "apiVersion" | "kind">,
  object: T,
): T => ({ ...object, apiVersion, kind });

function withoutManagedFields<T extends KubernetesObject>(object: T): T {
  const { managedFields: _, ...metadata } = object.metadata as T["metadata"] & { managedFields?: unknown };
  return { ...object, metadata };
}

/** Keeps the managedFields of other managers. Use it for applied objects, to find additions by other clients. */
export function withForeignFields<T extends KubernetesObject>(fieldManager: string): (object: T) => T {
  return (object) => {
    const managedFields = foreignEntries(object, fieldManager);
    const lean = withoutManagedFields(object);
    return managedFields.length === 0 ? lean : { ...lean, metadata: { ...lean.metadata, managedFields } };
  };
}
