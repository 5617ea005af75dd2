import type { KubernetesObject } from "../api/object.ts";
import { errorMessage } from "../platform/errors.ts";
import type { Logger } from "../platform/log.ts";
import { sleep } from "../platform/shutdown.ts";
import type { KubeClient, ListOptions } from "./client.ts";
import { isGone, KubeError, watchErrorOf } from "./error.ts";
import { keyOf, pathOf, type Resource } from "./resource.ts";

export interface ReflectorPace {
  /** The server ends a watch after this time and up to a tenth more, so that watches do not end together. */
  watchSeconds: number;
  /** Without an event or bookmark for this time, the connection counts as dead, even if TCP keeps it open. */
  silenceMs: number;
  firstBackoffMs: number;
  maxBackoffMs: number;
}

/**
 * An API server sends a bookmark each minute, so 75 s of silence is too long. With a back-off of up to 30 s, the operator
 * saw no changes for up to a minute after an outage.
 */
const REFLECTOR_PACE: ReflectorPace = {
  watchSeconds: 290,
  silenceMs: 75_000,
  firstBackoffMs: 250,
  maxBackoffMs: 5_000,
};

/** A watch that ends within this time and without an event counts as failed. */
const SHORT_WATCH_MS = 1_000;
const MAX_RETRY_AFTER_MS = 60_000;
/**
 * An API server stores no object of more than 3 MiB. Without a limit, a server that others run could send a line without
 * end.
 */
const MAX_LINE_LENGTH = 8 * 1_024 * 1_024;

interface ReflectorSink<T> {
  upsert(object: T): void;
  /** Call it after every object of a list was upserted. Objects whose keys are missing were deleted. */
  retain(listed: ReadonlySet<string>): void;
  remove(object: T): void;
  /** The server answered or sent something. */
  contact?(): void;
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
  pace?: Partial<ReflectorPace> | undefined;
  onFailure?: ((error: unknown) => void) | undefined;
  random?: () => number;
}

/**
 * Keeps a sink equal to the objects on the server: it lists, and then watches from the list's version. Any error causes a
 * jittered back-off. After a 410 (the version is compacted), it lists again at once, unless the watch before also ended
 * with a 410. A stream that sent an event, or that was open for a second, resets the back-off. Resolves when the signal
 * fires.
 */
export async function runReflector<T extends KubernetesObject>(deps: ReflectorDeps<T>): Promise<void> {
  const { client, resource, options, sink, logger, signal, random = Math.random } = deps;
  const pace = { ...REFLECTOR_PACE, ...deps.pace };
  const path = pathOf(resource, options.namespace === undefined ? {} : { namespace: options.namespace });
  let position: string | undefined;
  let backoffMs = pace.firstBackoffMs;
  let isRelisted = false;

  while (!signal.aborted) {
    try {
      if (position === undefined) {
        position = await listInto(deps);
        sink.contact?.();
      }
      await follow(position);
      backoffMs = pace.firstBackoffMs;
    } catch (error) {
      if (signal.aborted) return;
      if (isGone(error)) {
        position = undefined;
        if (!isRelisted) {
          isRelisted = true;
          logger.info(
            { resource: resource.plural },
            "the server has compacted the watch's position: listing again",
          );
          continue;
        }
      }
      const askedMs = error instanceof KubeError ? Math.min(error.retryAfterMs ?? 0, MAX_RETRY_AFTER_MS) : 0;
      const pauseMs = Math.max(askedMs, backoffMs) * (0.75 + random() / 2);
      backoffMs = Math.min(backoffMs * 2, pace.maxBackoffMs);
      logger.warn(
        { resource: resource.plural, error: errorMessage(error), pauseMs: Math.round(pauseMs) },
        "the list or watch failed; it is tried again",
      );
      deps.onFailure?.(error);
      await sleep(pauseMs, signal);
    }
  }

  function reset(): void {
    backoffMs = pace.firstBackoffMs;
    isRelisted = false;
  }

  /** Follows one watch to its end. Moves `position` with each event, so that no event is received twice. */
  async function follow(from: string): Promise<void> {
    const startedAt = performance.now();
    const wasShort = () => performance.now() - startedAt < SHORT_WATCH_MS;
    const silence = new AbortController();
    const arm = () =>
      setTimeout(
        () => silence.abort(new Error(`no event and no bookmark within ${pace.silenceMs} ms`)),
        pace.silenceMs,
      );
    let timer = arm();
    let received = 0;
    let isOpen = false;
    try {
      const query = {
        watch: true,
        allowWatchBookmarks: true,
        resourceVersion: from,
        timeoutSeconds: Math.round(pace.watchSeconds * (1 + random() / 10)),
        labelSelector: options.labelSelector,
        fieldSelector: options.fieldSelector,
      };
      const stream = await client.openWatch(path, query, {
        metadataOnly: options.metadataOnly,
        signal: AbortSignal.any([signal, silence.signal]),
      });
      isOpen = true;
      sink.contact?.();
      for await (const line of linesOf(stream)) {
        clearTimeout(timer);
        timer = arm();
        const event = JSON.parse(line) as WatchEvent<T>;
        if (event.type === "ERROR") throw watchErrorOf(event.object);
        if (event.type === "DELETED") sink.remove(event.object);
        else if (event.type !== "BOOKMARK") sink.upsert(event.object);
        position = event.object.metadata.resourceVersion ?? position;
        sink.contact?.();
        received += 1;
        reset();
      }
    } finally {
      clearTimeout(timer);
      if (isOpen && !wasShort()) reset();
    }
    if (received === 0 && wasShort()) throw new Error("the watch ended at once and without an event");
  }
}

/**
 * Hands on each page as it comes, and returns the list's version. All objects of 10,000 Sovereigns at once take more than
 * the heap of the operator, before the cache has reduced them.
 */
async function listInto<T extends KubernetesObject>(deps: ReflectorDeps<T>): Promise<string> {
  const { client, resource, options, sink, signal } = deps;
  const listed = new Set<string>();
  const onPage = (items: T[], isFirst: boolean) => {
    // A list that starts again may lack objects of the pages before.
    if (isFirst) listed.clear();
    for (const item of items) {
      listed.add(keyOf(item.metadata));
      sink.upsert(item);
    }
  };
  const resourceVersion = await client.listPages<T>(resource, { ...options, signal }, onPage);
  sink.retain(listed);
  return resourceVersion;
}

/** The complete lines of a byte stream. A last line without a line feed is incomplete, and is dropped. */
async function* linesOf(stream: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    // Each chunk is split only once. Otherwise the time for a line of many chunks would grow with the square of its length.
    const [end = "", ...parts] = decoder.decode(chunk, { stream: true }).split("\n");
    parts.unshift(rest + end);
    rest = String(parts.pop());
    if (rest.length > MAX_LINE_LENGTH)
      throw new Error(`the watch sent a line of more than ${MAX_LINE_LENGTH} characters`);
    for (const line of parts) if (line !== "") yield line;
  }
}
