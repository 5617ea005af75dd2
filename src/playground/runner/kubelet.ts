import { join } from "node:path";
import type { KubernetesObject } from "../../api/object.ts";
import { isNotFound } from "../../kube/error.ts";
import { keyOf } from "../../kube/resource.ts";
import { errorMessage } from "../../platform/errors.ts";
import { NODE_NAME } from "./node.ts";
import type { Pod } from "./pod.ts";
import { type PodRuntimeDeps, podFolderOf, runPod } from "./pod-runtime.ts";
import { writePodStatus } from "./pod-status-writer.ts";
import { createDataFinder, mounts, writeVolumes } from "./volume.ts";
import { isFinished, isTerminating, rfc3339 } from "./workload.ts";

interface Worker {
  /** As the cache last showed it. */
  pod: Pod;
  stop: AbortController;
  done: Promise<void>;
}

/** Runs the Pods that are bound to this node as processes, and writes their status, as a kubelet does. */
export function createKubelet(deps: PodRuntimeDeps) {
  const { client, pods, configMaps, secrets, events, logger, now } = deps;
  /** By the Pod's uid. */
  const workers = new Map<string, Worker>();
  let isStopped = false;

  function sync(pod: Pod): void {
    if (isStopped) return;
    if (pod.spec.nodeName === undefined) syncUnscheduled(pod);
    else if (pod.spec.nodeName === NODE_NAME) syncBound(pod);
  }

  function syncBound(pod: Pod): void {
    const worker = workers.get(pod.metadata.uid ?? "");
    if (isTerminating(pod)) {
      if (worker === undefined) void remove(pod);
      else worker.stop.abort();
    } else if (worker !== undefined) worker.pod = pod;
    else if (!isFinished(pod)) startWorker(pod);
  }

  function startWorker(pod: Pod): void {
    const { uid = "" } = pod.metadata;
    const stop = new AbortController();
    const worker: Worker = { pod, stop, done: Promise.resolve() };
    workers.set(uid, worker);
    worker.done = runPod(pod, deps, stop.signal)
      .catch((error: unknown) =>
        logger.error({ pod: pod.metadata.name, error: errorMessage(error) }, "pod failed to run"),
      )
      .finally(() => {
        workers.delete(uid);
        const known = pods.get(keyOf(pod.metadata));
        if (known?.metadata.uid === uid && isTerminating(known)) void remove(known);
      });
  }

  /** The playground has no scheduler. A controller's Pods name their node. For any other Pod without a node, an Event says that it must. */
  function syncUnscheduled(pod: Pod): void {
    if (isTerminating(pod)) {
      void remove(pod);
      return;
    }
    const unscheduled = unscheduledStatus(pod, now());
    if (unscheduled === undefined) return;
    events.record(pod, "Warning", "FailedScheduling", unscheduled.message);
    void writePodStatus(deps, pod, unscheduled.status);
  }

  /** Deletes the object for good, as a kubelet does once the Pod's processes have ended. */
  async function remove(pod: Pod): Promise<void> {
    try {
      await client.request({
        method: "DELETE",
        path: `/api/v1/namespaces/${pod.metadata.namespace}/pods/${pod.metadata.name}`,
        body: {
          apiVersion: "v1",
          kind: "DeleteOptions",
          gracePeriodSeconds: 0,
          preconditions: { uid: pod.metadata.uid },
        },
      });
    } catch (error) {
      if (!isNotFound(error))
        logger.warn({ pod: pod.metadata.name, error: errorMessage(error) }, "pod not removed");
    }
  }

  function refreshVolumes(kind: "ConfigMap" | "Secret", object: KubernetesObject): void {
    for (const { pod } of workers.values()) {
      if (pod.metadata.namespace !== object.metadata.namespace || !mounts(pod, kind, object.metadata.name))
        continue;
      try {
        writeVolumes(
          pod,
          join(podFolderOf(deps, pod), "volumes"),
          createDataFinder(deps, pod.metadata.namespace),
        );
      } catch (error) {
        logger.warn({ pod: pod.metadata.name, error: errorMessage(error) }, "volumes not refreshed");
      }
    }
  }

  return {
    start() {
      pods.onChange((event) =>
        event.kind === "deleted"
          ? workers.get(event.object.metadata.uid ?? "")?.stop.abort()
          : sync(event.object),
      );
      configMaps.onChange(({ object }) => refreshVolumes("ConfigMap", object));
      secrets.onChange(({ object }) => refreshVolumes("Secret", object));
    },
    /** Ends all processes at once and starts no more. */
    async stop(): Promise<void> {
      isStopped = true;
      const running = [...workers.values()];
      for (const { stop } of running) stop.abort();
      await Promise.all(running.map(({ done }) => done));
    },
  };
}

/** The status of a Pod that names no node; undefined when its status says so already. */
function unscheduledStatus(pod: Pod, now: Date): { message: string; status: object } | undefined {
  if (pod.status?.conditions?.some(({ type }) => type === "PodScheduled")) return undefined;
  const message = `the playground has no scheduler: set spec.nodeName to ${NODE_NAME}`;
  const condition = {
    type: "PodScheduled",
    status: "False",
    reason: "Unschedulable",
    message,
    lastTransitionTime: rfc3339(now),
  };
  return { message, status: { phase: "Pending", conditions: [condition] } };
}
