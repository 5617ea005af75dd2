import type { ServerResponse } from "node:http";
import { createEventStream } from "./event-stream.ts";
import { parseResourceVersion, tooLargeVersion } from "./list.ts";
import type { ApiObject, JsonObject } from "./object.ts";
import { badRequest, expired, invalidMatch } from "./refusal.ts";
import type { ResourceType } from "./resource-type.ts";
import { isSelected, type Selection } from "./selection.ts";
import type { Store, StoreEvent } from "./store.ts";

const BOOKMARK_INTERVAL_MS = 60_000;
/** Kubernetes ends a watch without `timeoutSeconds` after 30 to 60 minutes. */
const DEFAULT_LIFE_MS = 30 * 60_000;

export interface WatchOptions {
  store: Store;
  type: ResourceType;
  selection: Selection;
  query: URLSearchParams;
  response: ServerResponse;
  /** An object (or a bookmark) in the form that the client requested. */
  present(object: ApiObject): JsonObject;
  bookmark(resourceVersion: number, initialEventsEnd: boolean): JsonObject;
  /** Ends all watches when the server closes. */
  signal: AbortSignal;
}

/**
 * Streams the changes of the selected objects, one JSON event per line. Ends when the client disconnects, the time is
 * over or the client is too slow. If a change makes an object match the selector or stop matching it, the event is
 * ADDED or DELETED.
 */
export function startWatch(options: WatchOptions): void {
  const { store, type, selection, query, response, present, bookmark, signal } = options;
  const current = store.resourceVersion();
  const bookmarks = isTrue(query.get("allowWatchBookmarks"));
  const sendInitialEvents = initialEvents(query);
  const text = query.get("resourceVersion") ?? "";
  const since = text === "" ? 0 : parseResourceVersion(text);
  if (since > current) throw tooLargeVersion(since, current);

  // An old version is refused by an ERROR event. The client then lists again.
  const fromNow = sendInitialEvents || since === 0;
  const past = fromNow ? { kind: "events" as const, events: [] } : store.eventsSince(type.storage, since);
  const initial =
    fromNow && sendInitialEvents !== false
      ? [...store.list(type.storage, selection.namespace)].filter((object) => isSelected(selection, object))
      : [];

  response.writeHead(200, { "Content-Type": "application/json", "Cache-Control": "no-cache, private" });
  const stream = createEventStream(
    response,
    initial.length + (past.kind === "events" ? past.events.length : 0),
  );
  if (past.kind === "forgotten") {
    stream.push("ERROR", () => expired(since, past.oldest).toStatus());
    stream.end();
    return;
  }

  const deliver = (event: StoreEvent) => {
    if (event.storage !== type.storage) return;
    const now = event.kind !== "DELETED" && isSelected(selection, event.object);
    const before = event.previous !== undefined && isSelected(selection, event.previous);
    if (now) stream.push(before ? "MODIFIED" : "ADDED", () => present(event.object));
    // The object as the watcher last received it, with the resourceVersion of the change that took it out of the selection.
    else if (before) stream.push("DELETED", () => present(lost(event)));
  };
  for (const object of initial) stream.push("ADDED", () => present(object));
  if (sendInitialEvents === true && bookmarks) stream.push("BOOKMARK", () => bookmark(current, true));
  for (const event of past.events) deliver(event);
  response.flushHeaders();
  const unsubscribe = store.subscribe(deliver);

  const mark = () => {
    const reached = store.resourceVersion();
    if (bookmarks) stream.push("BOOKMARK", () => bookmark(reached, false));
  };
  const bookmarkTimer = setInterval(mark, BOOKMARK_INTERVAL_MS);
  const finish = () => {
    mark();
    stream.end();
  };
  const endTimer = setTimeout(finish, lifeMs(query.get("timeoutSeconds")));
  const stop = () => {
    unsubscribe();
    clearInterval(bookmarkTimer);
    clearTimeout(endTimer);
    signal.removeEventListener("abort", finish);
  };
  response.once("close", stop);
  signal.addEventListener("abort", finish, { once: true });
}

function lost({ object, previous }: StoreEvent): ApiObject {
  if (previous === undefined) return object;
  return {
    ...previous,
    metadata: { ...previous.metadata, resourceVersion: object.metadata.resourceVersion },
  };
}

function initialEvents(query: URLSearchParams): boolean | undefined {
  const text = query.get("sendInitialEvents");
  const match = query.get("resourceVersionMatch") ?? "";
  if (text === null) {
    if (match !== "") {
      throw invalidMatch(
        "Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
      );
    }
    return undefined;
  }
  if (match !== "NotOlderThan") {
    throw invalidMatch("Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
  }
  return isTrue(text);
}

function lifeMs(timeoutSeconds: string | null): number {
  const seconds = Number(timeoutSeconds ?? 0);
  if (!Number.isFinite(seconds) || seconds < 0) throw badRequest("timeoutSeconds must be a whole number");
  return seconds === 0 ? DEFAULT_LIFE_MS : Math.min(seconds * 1000, 2 * DEFAULT_LIFE_MS);
}

function isTrue(text: string | null): boolean {
  return text === "true" || text === "1";
}
