import type { Journal } from "./journal.ts";
import type { ApiObject } from "./object.ts";
import { createObjectIndex, type ObjectIndex } from "./object-index.ts";

/** One change of one object. `object` has the resourceVersion of the change, also of a deletion. */
export interface StoreEvent {
  kind: "ADDED" | "MODIFIED" | "DELETED";
  storage: string;
  object: ApiObject;
  /** The object before the change. Undefined for ADDED. */
  previous: ApiObject | undefined;
  resourceVersion: number;
}

export interface StoreDeps {
  journal: Journal;
  /** The number of events that each storage keeps for watches that reconnect. */
  historyLimit?: number;
}

export type Store = ReturnType<typeof createStore>;

const HISTORY_LIMIT = 4_000;
const COMPACT_ABOVE_BYTES = 64 * 1024 * 1024;

interface Shelf {
  objects: ObjectIndex;
  history: StoreEvent[];
  /** Events up to this resourceVersion are no longer kept. */
  forgottenUpTo: number;
}

/**
 * All objects in memory under one counter of resourceVersions. Each change is written to the journal first. Every method
 * is synchronous, so no other code runs during one and no locks are needed.
 */
export function createStore({ journal, historyLimit = HISTORY_LIMIT }: StoreDeps) {
  const shelves = new Map<string, Shelf>();
  const listeners = new Set<(event: StoreEvent) => void>();
  let resourceVersion = 0;

  function shelfOf(storage: string): Shelf {
    let shelf = shelves.get(storage);
    if (shelf === undefined) {
      shelf = { objects: createObjectIndex(), history: [], forgottenUpTo: startedAt };
      shelves.set(storage, shelf);
    }
    return shelf;
  }

  let startedAt = 0;
  for (const entry of journal.read()) {
    const { objects } = shelfOf(entry.storage);
    if (entry.op === "put") {
      objects.put(entry.object);
      resourceVersion = Math.max(resourceVersion, Number(entry.object.metadata.resourceVersion));
    } else {
      objects.delete(entry.namespace, entry.name);
      resourceVersion = Math.max(resourceVersion, entry.resourceVersion);
    }
  }
  startedAt = resourceVersion;
  for (const shelf of shelves.values()) shelf.forgottenUpTo = startedAt;
  compact();

  function compact(): void {
    journal.compact(
      (function* () {
        for (const [storage, { objects }] of shelves) {
          for (const object of objects.list("")) yield { op: "put" as const, storage, object };
        }
        // Keeps the counter when the newest change was a deletion.
        yield { op: "delete" as const, storage: "/", namespace: "", name: "", resourceVersion };
      })(),
    );
  }

  function publish(event: StoreEvent): void {
    const shelf = shelfOf(event.storage);
    shelf.history.push(event);
    if (shelf.history.length > historyLimit) {
      const dropped = shelf.history.splice(0, Math.ceil(historyLimit / 4));
      shelf.forgottenUpTo = dropped.at(-1)?.resourceVersion ?? shelf.forgottenUpTo;
    }
    for (const listener of listeners) listener(event);
    if (journal.isLong(COMPACT_ABOVE_BYTES)) compact();
  }

  return {
    resourceVersion: () => resourceVersion,

    get: (storage: string, namespace: string, name: string): ApiObject | undefined =>
      shelves.get(storage)?.objects.get(namespace, name),

    /** In no particular order. An empty namespace means all namespaces. */
    list: (storage: string, namespace = ""): Iterable<ApiObject> =>
      shelves.get(storage)?.objects.list(namespace) ?? [],

    /** The storages that are not empty. */
    storages: (): string[] => [...shelves.keys()],

    /** Writes an object with the next resourceVersion, and returns the stored object. */
    put(storage: string, object: ApiObject): ApiObject {
      const { objects } = shelfOf(storage);
      const previous = objects.get(object.metadata.namespace ?? "", object.metadata.name);
      const next = resourceVersion + 1;
      const written = { ...object, metadata: { ...object.metadata, resourceVersion: String(next) } };
      journal.append({ op: "put", storage, object: written });
      resourceVersion = next;
      objects.put(written);
      const kind = previous === undefined ? "ADDED" : "MODIFIED";
      publish({ kind, storage, object: written, previous, resourceVersion });
      return written;
    },

    /** Deletes an object, and returns its last state with the resourceVersion of the deletion. */
    remove(storage: string, namespace: string, name: string): ApiObject | undefined {
      const { objects } = shelfOf(storage);
      const previous = objects.get(namespace, name);
      if (previous === undefined) return undefined;
      const next = resourceVersion + 1;
      journal.append({ op: "delete", storage, namespace, name, resourceVersion: next });
      resourceVersion = next;
      objects.delete(namespace, name);
      const object = { ...previous, metadata: { ...previous.metadata, resourceVersion: String(next) } };
      publish({ kind: "DELETED", storage, object, previous, resourceVersion });
      return object;
    },

    /**
     * Replaces the stored form of objects after a change of their schema, without a new version or an event. `revised`
     * returns the object itself when it stays the same.
     */
    revise(storage: string, revised: (object: ApiObject) => ApiObject): void {
      const { objects } = shelfOf(storage);
      for (const object of [...objects.list("")]) objects.put(revised(object));
    },

    /** The events after `since`, or the oldest available version when `since` is older. */
    eventsSince(
      storage: string,
      since: number,
    ): { kind: "events"; events: StoreEvent[] } | { kind: "forgotten"; oldest: number } {
      const { history, forgottenUpTo } = shelfOf(storage);
      if (since < forgottenUpTo) return { kind: "forgotten", oldest: forgottenUpTo };
      return { kind: "events", events: history.filter((event) => event.resourceVersion > since) };
    },

    /** Calls the listener after each change, in order. Returns a function that stops this. */
    subscribe(listener: (event: StoreEvent) => void): () => void {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },

    close: () => journal.close(),
  };
}
