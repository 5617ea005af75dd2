import { rmSync } from "node:fs";
import { join } from "node:path";
import type { KubernetesObject } from "../../api/object.ts";
import type { KubeClient } from "../../kube/client.ts";
import { isNotFound } from "../../kube/error.ts";
import type { EventRecorder } from "../../kube/event.ts";
import type { Informer } from "../../kube/informer.ts";
import { keyOf, PODS } from "../../kube/resource.ts";
import { errorMessage } from "../../platform/errors.ts";
import type { Logger } from "../../platform/log.ts";
import { podLogFile } from "../process/pod-log.ts";
import type { Watchdog } from "../process/watchdog.ts";
import type { AddressPool } from "./address.ts";
import { type Entrypoint, runContainer } from "./container.ts";
import { type ContainerState, type Pod, podStatus } from "./pod.ts";
import { RENEW_AFTER_MS, writeServiceAccountFiles } from "./service-account.ts";
import { unsupportedInPod } from "./unsupported.ts";
import { type DataObject, mounts, writeVolumes } from "./volume.ts";
import { rfc3339 } from "./workload.ts";

export const NODE_NAME = "playground";

export interface KubeletDeps {
  client: KubeClient;
  pods: Informer<Pod>;
  configMaps: Informer<DataObject>;
  secrets: Informer<DataObject>;
  addresses: AddressPool;
  events: EventRecorder;
  watchdog: Watchdog;
  findImage(image: string): Entrypoint | undefined;
  baseEnv: Record<string, string>;
  caPem: string;
  /** `…/pods` and `…/logs` of the state directory. */
  podFolder: string;
  logFolder: string;
  crashBackoffMs: number;
  logger: Logger;
  now: () => Date;
}

interface Worker {
  pod: Pod;
  stop: AbortController;
  done: Promise<void>;
}

/** Runs the Pods that are bound to this node as processes, and writes their status, as a kubelet does. */
export function createKubelet(deps: KubeletDeps) {
  const workers = new Map<string, Worker>();
  let isStopped = false;
  const { client, pods, logger, now } = deps;

  function findData(
    namespace: string | undefined,
    kind: "ConfigMap" | "Secret",
    name: string,
  ): DataObject | undefined {
    const cache = kind === "Secret" ? deps.secrets : deps.configMaps;
    return cache.get(keyOf({ name, ...(namespace === undefined ? {} : { namespace }) }));
  }

  async function live(pod: Pod, signal: AbortSignal): Promise<void> {
    const { name, namespace = "", uid = "" } = pod.metadata;
    const [container] = pod.spec.containers;
    const unsupported = unsupportedInPod(pod);
    if (container === undefined || unsupported !== undefined) return refuse(pod, unsupported ?? "");
    const address = deps.addresses.take();
    const folder = join(deps.podFolder, uid);
    const reporter = createReporter(pod, address);
    const { serviceAccountName, automountServiceAccountToken } = pod.spec;
    const getsToken = serviceAccountName !== undefined && automountServiceAccountToken !== false;
    const writeToken = () =>
      writeServiceAccountFiles({
        client,
        server: client.server,
        caPem: deps.caPem,
        folder: join(folder, "serviceaccount"),
        namespace,
        name: serviceAccountName ?? "default",
      });
    const renewal = getsToken
      ? setInterval(
          () =>
            void writeToken().catch((error) =>
              logger.warn({ pod: name, error: errorMessage(error) }, "token not renewed"),
            ),
          RENEW_AFTER_MS,
        )
      : undefined;
    try {
      await runContainer(
        pod,
        container,
        address,
        {
          ...deps,
          folder,
          logFile: podLogFile(deps.logFolder, namespace, name, container.name),
          findData: (kind, dataName) => findData(namespace, kind, dataName),
          kubeconfig: async () => (getsToken ? await writeToken() : undefined),
          tell: (type, reason, message) => deps.events.record(pod, type, reason, message),
          onChange: (state) => reporter.report(state),
        },
        signal,
      );
    } finally {
      clearInterval(renewal);
      await reporter.flush();
      deps.addresses.giveBack(address);
      rmSync(folder, { recursive: true, force: true });
    }
  }

  /** Writes states in their order, skipping those that newer ones overtook. */
  function createReporter(pod: Pod, address: string) {
    let pending: ContainerState | undefined;
    let writing: Promise<void> | undefined;
    async function drain(): Promise<void> {
      while (pending !== undefined) {
        const state = pending;
        pending = undefined;
        const known = pods.get(keyOf(pod.metadata)) ?? pod;
        if (known.metadata.uid !== pod.metadata.uid) return;
        const status = podStatus(known, address, state, now().toISOString());
        await client
          .mergePatch(PODS, pod.metadata, { metadata: { uid: pod.metadata.uid }, status }, "status")
          .catch((error: unknown) => {
            if (!isNotFound(error))
              logger.warn({ pod: pod.metadata.name, error: errorMessage(error) }, "pod status not written");
          });
      }
      writing = undefined;
    }
    return {
      report(state: ContainerState) {
        pending = state;
        writing ??= drain();
      },
      flush: async () => await writing,
    };
  }

  async function refuse(pod: Pod, message: string): Promise<void> {
    deps.events.record(pod, "Warning", "Unsupported", message);
    await client.mergePatch(
      PODS,
      pod.metadata,
      { status: { phase: "Failed", reason: "Unsupported", message } },
      "status",
    );
  }

  /** There is no scheduler to choose among one node: a Pod that nobody made for a controller has to name it. */
  function leaveUnscheduled(pod: Pod): void {
    if (pod.metadata.deletionTimestamp !== undefined) return void remove(pod);
    const known = pod.status?.conditions?.find(({ type }) => type === "PodScheduled");
    if (known !== undefined) return;
    const message = `the playground has no scheduler: name its node, spec.nodeName: ${NODE_NAME}`;
    deps.events.record(pod, "Warning", "FailedScheduling", message);
    const at = rfc3339(now());
    const condition = {
      type: "PodScheduled",
      status: "False",
      reason: "Unschedulable",
      message,
      lastTransitionTime: at,
    };
    client
      .mergePatch(PODS, pod.metadata, { status: { phase: "Pending", conditions: [condition] } }, "status")
      .catch((error: unknown) => {
        if (!isNotFound(error))
          logger.warn({ pod: pod.metadata.name, error: errorMessage(error) }, "pod status not written");
      });
  }

  function sync(pod: Pod): void {
    const { uid = "", deletionTimestamp } = pod.metadata;
    if (isStopped) return;
    if (pod.spec.nodeName !== NODE_NAME)
      return void (pod.spec.nodeName === undefined && leaveUnscheduled(pod));
    const worker = workers.get(uid);
    if (deletionTimestamp !== undefined) {
      if (worker === undefined) void remove(pod);
      else worker.stop.abort();
      return;
    }
    if (worker !== undefined) {
      worker.pod = pod;
      return;
    }
    if (pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed") return;
    const stop = new AbortController();
    const started: Worker = { pod, stop, done: Promise.resolve() };
    workers.set(uid, started);
    started.done = live(pod, stop.signal)
      .catch((error: unknown) =>
        logger.error({ pod: pod.metadata.name, error: errorMessage(error) }, "pod failed to run"),
      )
      .finally(() => {
        workers.delete(uid);
        const known = pods.get(keyOf(pod.metadata));
        if (known?.metadata.uid === uid && known.metadata.deletionTimestamp !== undefined) void remove(known);
      });
  }

  /** The last word of a kubelet: the processes are gone, so may the object be. */
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
        writeVolumes(pod, join(deps.podFolder, pod.metadata.uid ?? "", "volumes"), (wanted, name) =>
          findData(pod.metadata.namespace, wanted, name),
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
      deps.configMaps.onChange(({ object }) => refreshVolumes("ConfigMap", object));
      deps.secrets.onChange(({ object }) => refreshVolumes("Secret", object));
    },
    /** Ends every process, all at once, and starts no more. */
    async stop(): Promise<void> {
      isStopped = true;
      const running = [...workers.values()];
      for (const { stop } of running) stop.abort();
      await Promise.all(running.map(({ done }) => done));
    },
  };
}
