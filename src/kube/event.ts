import type { KubernetesObject } from "../api/object.ts";
import { sha256Digest } from "../platform/canonical-json.ts";
import { errorMessage } from "../platform/errors.ts";
import type { Logger } from "../platform/log.ts";
import { settledWithin, sleep } from "../platform/shutdown.ts";
import type { KubeClient } from "./client.ts";
import { isGone, isNotFound, isServerUnavailable } from "./error.ts";
import { EVENTS } from "./resource.ts";

export interface EventRecorder {
  /** Records an Event about an object, in the background. Never throws. Repeats are counted on one Event. */
  record(about: KubernetesObject, type: "Normal" | "Warning", reason: string, message: string): void;
  /** Resolves when every recorded Event is written, or was dropped after its last attempt. */
  flush(): Promise<void>;
  /**
   * Resolves when the Events about this object are written, or after a second. Call it before the write that keeps them
   * from being recorded again: a process that dies in between then repeats an Event instead of losing it.
   */
  settle(about: KubernetesObject): Promise<void>;
}

/**
 * The `v1` Event instead of the one of events.k8s.io: `kubectl describe` shows its count with every version of the API
 * server.
 */
interface CoreEvent extends KubernetesObject {
  count?: number;
}

/** An Event that waits to be written, with the number of repeats so far. */
interface Pending {
  about: KubernetesObject;
  type: string;
  reason: string;
  message: string;
  repeats: number;
  firstAt: string;
  lastAt: string;
}

/** Beyond this many unwritten Events, new ones are dropped. Events are hints, not a record. */
const MAX_PENDING = 1000;
/** Beyond this many different messages for one reason and object within the window, further messages share one Event. */
const MAX_MESSAGES = 10;
const MESSAGE_WINDOW_MS = 10 * 60_000;
const MAX_ATTEMPTS = 3;
const RETRY_MS = 500;
const MAX_MESSAGE_LENGTH = 1024;
/** A status must not wait long for its Events while they cannot be written. */
const MAX_SETTLE_MS = 1000;
/** The namespace of Events about cluster-scoped objects, where `kubectl describe` looks for them. */
const CLUSTER_NAMESPACE = "default";
const COMBINED = "(combined from similar events): ";

export function createEventRecorder(deps: {
  client: Pick<KubeClient, "get" | "create" | "mergePatch">;
  component: string;
  instance: string;
  logger: Logger;
  now: () => Date;
}): EventRecorder {
  const { client, component, instance, logger, now } = deps;
  const pending = new Map<string, Pending>();
  const messages = createMessageGroups();
  const writes = createWriteChains();
  let writing: Promise<void> | undefined;
  let dropped = 0;

  async function write(identity: string, event: Pending): Promise<void> {
    const { about, type, reason, message, repeats, firstAt, lastAt } = event;
    const { name, namespace, uid, resourceVersion } = about.metadata;
    const suffix = sha256Digest(identity).slice("sha256:".length, "sha256:".length + 16);
    const key = { name: `${name.slice(0, 230)}.${suffix}`, namespace: namespace ?? CLUSTER_NAMESPACE };
    const known = await client.get<CoreEvent>(EVENTS, key);
    if (known !== undefined) {
      const count = (known.count ?? 0) + repeats;
      await client.mergePatch(EVENTS, key, { count, message, lastTimestamp: lastAt });
      return;
    }
    const { apiVersion, kind } = about;
    await client.create<KubernetesObject & Record<string, unknown>>(EVENTS, {
      apiVersion: "v1",
      kind: "Event",
      metadata: key,
      involvedObject: { apiVersion, kind, name, namespace, uid, resourceVersion },
      type,
      reason,
      message,
      source: { component },
      reportingComponent: component,
      reportingInstance: instance,
      firstTimestamp: firstAt,
      lastTimestamp: lastAt,
      count: repeats,
    });
  }

  async function writeWithRetries(identity: string, event: Pending): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await write(identity, event);
      } catch (error) {
        // The Event expired between the read and the patch, or the server cannot answer now: try again. A refusal is final.
        const isUnavailable = isServerUnavailable(error) || isGone(error);
        const isTemporary = isUnavailable || isNotFound(error);
        if (!isTemporary || attempt === MAX_ATTEMPTS) {
          logger.warn({ reason: event.reason, error: errorMessage(error) }, "an Event was not written");
          return;
        }
        if (isUnavailable) await sleep(RETRY_MS * attempt);
      }
    }
  }

  function writeNext(identity: string, event: Pending): Promise<void> {
    pending.delete(identity);
    return writes.append(objectKey(event.about), () => writeWithRetries(identity, event));
  }

  async function writeAll(): Promise<void> {
    // Repeats that are recorded in the same tick are counted on one Event.
    await Promise.resolve();
    for (const [identity, event] of pending) await writeNext(identity, event);
    await writes.allDone();
    if (dropped > 0) logger.warn({ dropped }, "too many Events at once: some were dropped");
    dropped = 0;
    writing = undefined;
  }

  return {
    record(about, type, reason, message) {
      const topic = [objectKey(about), type, reason].join("\0");
      const { identity, text } = messages.group(topic, message, now().getTime());
      const at = now()
        .toISOString()
        .replace(/\.\d+Z$/, "Z");
      const waiting = pending.get(identity);
      if (waiting === undefined && pending.size >= MAX_PENDING) {
        dropped += 1;
        return;
      }
      pending.set(identity, {
        ...{ about, type, reason, message: text.slice(0, MAX_MESSAGE_LENGTH) },
        repeats: (waiting?.repeats ?? 0) + 1,
        firstAt: waiting?.firstAt ?? at,
        lastAt: at,
      });
      writing ??= writeAll();
    },
    async flush() {
      await writing;
    },
    async settle(about) {
      const object = objectKey(about);
      for (const [identity, event] of pending)
        if (objectKey(event.about) === object) void writeNext(identity, event);
      const written = writes.last(object);
      if (written !== undefined) await settledWithin(MAX_SETTLE_MS, written);
    },
  };
}

/** Writes one Event of an object after the other: two writes of one Event at once would count one repeat only. */
function createWriteChains() {
  const chains = new Map<string, Promise<void>>();
  return {
    /** `write` never rejects. */
    append(object: string, write: () => Promise<void>): Promise<void> {
      const before = chains.get(object);
      const written = (before === undefined ? write() : before.then(write)).finally(() => {
        if (chains.get(object) === written) chains.delete(object);
      });
      chains.set(object, written);
      return written;
    },
    last: (object: string) => chains.get(object),
    allDone: () => Promise.all(chains.values()),
  };
}

const objectKey = ({ kind, metadata: { namespace = "", name, uid = "" } }: KubernetesObject): string =>
  [kind, namespace, name, uid].join("\0");

/** Limits the Events of an object with many different messages, so that they do not fill the namespace. */
function createMessageGroups() {
  const topics = new Map<string, { since: number; messages: Set<string> }>();
  return {
    /** The message to write: the given one, or the combined one that further messages share. */
    group(topic: string, message: string, at: number): { identity: string; text: string } {
      for (const [other, { since }] of topics) {
        if (at - since < MESSAGE_WINDOW_MS) break;
        topics.delete(other);
      }
      const known = topics.get(topic) ?? { since: at, messages: new Set<string>() };
      topics.set(topic, known);
      if (known.messages.size < MAX_MESSAGES) known.messages.add(message);
      return known.messages.has(message)
        ? { identity: `${topic}\0${message}`, text: message }
        : { identity: `${topic}\0${COMBINED}`, text: `${COMBINED}${message}` };
    },
  };
}
