import { createHash } from "node:crypto";
import type { KubernetesObject } from "../api/object.ts";
import { errorMessage } from "../platform/errors.ts";
import type { Logger } from "../platform/log.ts";
import type { KubeClient } from "./client.ts";
import { EVENTS, pathOf } from "./resource.ts";

export interface EventRecorder {
  /** Says something about an object. Never fails and never waits; repeats are counted on one Event. */
  record(about: KubernetesObject, type: "Normal" | "Warning", reason: string, message: string): void;
  /** Resolves when everything said so far is written or given up. */
  flush(): Promise<void>;
}

interface CoreEvent extends KubernetesObject {
  count: number;
}

/** Beyond this many unwritten events, new ones are dropped: events are a courtesy, not a record. */
const MAX_PENDING = 1000;
/** Events about cluster-scoped objects lie here, as kubectl describe expects. */
const CLUSTER_NAMESPACE = "default";

export function createEventRecorder(deps: {
  client: KubeClient;
  component: string;
  instance: string;
  logger: Logger;
  now: () => Date;
}): EventRecorder {
  const { client, component, instance, logger, now } = deps;
  let pending = 0;
  let tail: Promise<void> = Promise.resolve();

  async function write(
    about: KubernetesObject,
    type: string,
    reason: string,
    message: string,
    at: string,
  ): Promise<void> {
    const { name, namespace, uid, resourceVersion } = about.metadata;
    const eventNamespace = namespace ?? CLUSTER_NAMESPACE;
    const identity = createHash("sha256")
      .update([about.kind, uid, type, reason, message].join("\0"))
      .digest("hex")
      .slice(0, 16);
    const key = { name: `${name}.${identity}`, namespace: eventNamespace };
    const known = await client.get<CoreEvent>(EVENTS, key);
    if (known !== undefined) {
      await client.mergePatch(EVENTS, key, { count: known.count + 1, lastTimestamp: at });
      return;
    }
    await client.request({
      method: "POST",
      path: pathOf(EVENTS, { namespace: eventNamespace }),
      body: {
        apiVersion: "v1",
        kind: "Event",
        metadata: key,
        involvedObject: {
          apiVersion: about.apiVersion,
          kind: about.kind,
          name,
          namespace,
          uid,
          resourceVersion,
        },
        type,
        reason,
        message: message.slice(0, 1024),
        source: { component },
        reportingComponent: component,
        reportingInstance: instance,
        firstTimestamp: at,
        lastTimestamp: at,
        count: 1,
      },
    });
  }

  return {
    record(about, type, reason, message) {
      if (pending >= MAX_PENDING) return;
      pending += 1;
      const at = now()
        .toISOString()
        .replace(/\.\d+Z$/, "Z");
      tail = tail
        .then(() => write(about, type, reason, message, at))
        .catch((error) => logger.warn({ reason, error: errorMessage(error) }, "an event was not written"))
        .finally(() => {
          pending -= 1;
        });
    },
    flush: () => tail,
  };
}
