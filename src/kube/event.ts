import type { KubernetesObject } from "../api/object.ts";
import { sha256Digest } from "../platform/canonical-json.ts";
import { errorMessage } from "../platform/errors.ts";
import type { Logger } from "../platform/log.ts";
import { sleep } from "../platform/shutdown.ts";
import type { KubeClient } from "./client.ts";
import { isNotFound, isUnreachable } from "./error.ts";
import { EVENTS } from "./resource.ts";

export interface EventRecorder {
  /** Says something about an object. Never fails and never waits; repeats are counted on one Event. */
  record(about: KubernetesObject, type: "Normal" | "Warning", reason: string, message: string): void;
  /** Resolves when everything said so far is written or given up. */
  flush(): Promise<void>;
}

/** The older `v1` Event: what `kubectl describe` shows with a count, also where the API server is old. */
interface CoreEvent extends KubernetesObject {
  count?: number;
}

/** One Event that is yet to be written, with all repeats that came meanwhile. */
interface Pending {
  about: KubernetesObject;
  type: string;
  reason: string;
  message: string;
  repeats: number;
  firstAt: string;
  lastAt: string;
}

/** Beyond this many unwritten Events, new ones are dropped: events are a courtesy, not a record. */
const MAX_PENDING = 1000;
/** Different words for one reason about one object: beyond this many within the window they share one Event. */
const MAX_MESSAGES = 10;
const MESSAGE_WINDOW_MS = 10 * 60_000;
const MAX_ATTEMPTS = 3;
const RETRY_MS = 500;
const MAX_MESSAGE_LENGTH = 1024;
/** Events about cluster-scoped objects lie here, as kubectl describe expects. */
const CLUSTER_NAMESPACE = "default";
const COMBINED = "(combined from similar events): ";

export function createEventRecorder(deps: {
  client: KubeClient;
  component: string;
  instance: string;
  logger: Logger;
  now: () => Date;
}): EventRecorder {
  const { client, component, instance, logger, now } = deps;
  const pending = new Map<string, Pending>();
  const wordings = new Map<string, { since: number; messages: Set<string> }>();
  let writing: Promise<void> | undefined;
  let dropped = 0;

  /** The words to use: the given ones, or those that many similar messages share. */
  function wordingOf(topic: string, message: string): { identity: string; text: string } {
    const at = now().getTime();
    for (const [other, { since }] of wordings) {
      if (at - since < MESSAGE_WINDOW_MS) break;
      wordings.delete(other);
    }
    const known = wordings.get(topic) ?? { since: at, messages: new Set<string>() };
    wordings.set(topic, known);
    if (known.messages.size < MAX_MESSAGES) known.messages.add(message);
    return known.messages.has(message)
      ? { identity: `${topic}\0${message}`, text: message }
      : { identity: `${topic}\0${COMBINED}`, text: `${COMBINED}${message}` };
  }

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

  async function writeAll(): Promise<void> {
    for (const [identity, event] of pending) {
      pending.delete(identity);
      for (let attempt = 1; ; attempt += 1) {
        try {
          await write(identity, event);
          break;
        } catch (error) {
          // Expired between our look and our patch, or nobody there: worth another try. What is refused stays so.
          const isPassing = isUnreachable(error) || isNotFound(error);
          if (!isPassing || attempt === MAX_ATTEMPTS) {
            logger.warn({ reason: event.reason, error: errorMessage(error) }, "an event was not written");
            break;
          }
          if (isUnreachable(error)) await sleep(RETRY_MS * attempt);
        }
      }
    }
    if (dropped > 0) logger.warn({ dropped }, "too many events at once: some were dropped");
    dropped = 0;
  }

  function start(): Promise<void> {
    return Promise.resolve()
      .then(writeAll)
      .finally(() => {
        // What was said while the last line ended.
        writing = pending.size > 0 ? start() : undefined;
      });
  }

  return {
    record(about, type, reason, message) {
      const { namespace = "", name, uid = "" } = about.metadata;
      const topic = [about.kind, namespace, name, uid, type, reason].join("\0");
      const { identity, text } = wordingOf(topic, message);
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
      writing ??= start();
    },
    async flush() {
      while (writing !== undefined) await writing;
    },
  };
}
