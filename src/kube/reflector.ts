import type { KubernetesObject } from "../api/object.ts";
import { errorMessage } from "../platform/errors.ts";
import type { Logger } from "../platform/log.ts";
import { sleep } from "../platform/shutdown.ts";
import type { KubeClient, ListOptions } from "./client.ts";
import { isGone, KubeError } from "./error.ts";
import { pathOf, type Resource } from "./resource.ts";

/** The server ends a watch after this long, jittered upwards by a tenth so that watches do not end together. */
const WATCH_SECONDS = 290;
/** No event and no bookmark for this long: the connection is dead, whatever TCP thinks. Bookmarks come each minute. */
const SILENCE_MS = 150_000;
const FIRST_BACKOFF_MS = 250;
const MAX_BACKOFF_MS = 30_000;

export interface ReflectorSink<T> {
  /** The whole truth at once: what is absent is gone. */
  replace(objects: T[]): void;
  upsert(object: T): void;
  remove(object: T): void;
}

interface WatchEvent<T> {
  type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  object: T;
}

interface ReflectorDeps<T> {
  client: KubeClient;
  resource: Resource;
  options: ListOptions;
  sink: ReflectorSink<T>;
  logger: Logger;
  signal: AbortSignal;
  random?: () => number;
}

/**
 * Keeps a sink equal to what the server holds: lists, watches from there, and does so for ever. Whatever goes wrong
 * is answered by a jittered back-off and, where the position is lost (410), by a list that says what is gone.
 * Resolves when the signal fires.
 */
export async function runReflector<T extends KubernetesObject>(deps: ReflectorDeps<T>): Promise<void> {
  const { client, resource, options, sink, logger, signal, random = Math.random } = deps;
  let position: string | undefined;
  let backoffMs = FIRST_BACKOFF_MS;
  while (!signal.aborted) {
    try {
      if (position === undefined) {
        const { items, resourceVersion } = await client.list<T>(resource, options);
        sink.replace(items);
        position = resourceVersion;
      }
      position = await watchFrom(position, () => {
        backoffMs = FIRST_BACKOFF_MS;
      });
      backoffMs = FIRST_BACKOFF_MS;
    } catch (error) {
      if (signal.aborted) return;
      if (isGone(error)) {
        position = undefined;
        continue;
      }
      const pauseMs = (error instanceof KubeError && error.retryAfterMs) || backoffMs * (0.5 + random());
      logger.warn(
        { resource: resource.plural, error: errorMessage(error), pauseMs },
        "list or watch broke; trying again",
      );
      await sleep(pauseMs, signal);
      backoffMs = Math.min(backoffMs * 2, MAX_BACKOFF_MS);
    }
  }

  /** Follows one watch to its end; the position to go on from. */
  async function watchFrom(from: string, onEvent: () => void): Promise<string> {
    let last = from;
    const silence = new AbortController();
    const arm = () => setTimeout(() => silence.abort(new Error("the watch fell silent")), SILENCE_MS);
    let timer = arm();
    try {
      const stream = await client.openStream(
        pathOf(resource, options.namespace === undefined ? {} : { namespace: options.namespace }),
        {
          watch: true,
          allowWatchBookmarks: true,
          resourceVersion: from,
          timeoutSeconds: Math.round(WATCH_SECONDS * (1 + random() / 10)),
          labelSelector: options.labelSelector,
          fieldSelector: options.fieldSelector,
        },
        AbortSignal.any([signal, silence.signal]),
      );
      for await (const line of linesOf(stream)) {
        clearTimeout(timer);
        timer = arm();
        const event = JSON.parse(line) as WatchEvent<T>;
        if (event.type === "ERROR") throw errorOfEvent(event.object);
        if (event.type === "DELETED") sink.remove(event.object);
        else if (event.type !== "BOOKMARK") sink.upsert(event.object);
        last = event.object.metadata.resourceVersion ?? last;
        // Kept at once: events that came before a break must not come again from an older position.
        position = last;
        onEvent();
      }
      return last;
    } finally {
      clearTimeout(timer);
    }
  }
}

function errorOfEvent(status: unknown): KubeError {
  const {
    code = 500,
    reason = "Unknown",
    message = "watch error",
  } = status as { code?: number; reason?: string; message?: string };
  return new KubeError(message, { status: code, reason });
}

/** Whole lines of a byte stream; a last line without its end is dropped: the server never finished saying it. */
async function* linesOf(stream: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = parts.pop() ?? "";
    for (const line of parts) if (line !== "") yield line;
  }
}
