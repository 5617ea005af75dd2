import type { KubeClient } from "../../kube/client.ts";
import { createEventRecorder } from "../../kube/event.ts";
import type { Logger } from "../../platform/log.ts";
import type { StateFolder } from "../process/state-directory.ts";
import type { Watchdog } from "../process/watchdog.ts";
import { createAddressPool } from "./address.ts";
import { startCaches } from "./cache.ts";
import type { Entrypoint } from "./container-process.ts";
import { createKubelet } from "./kubelet.ts";
import { NODE_NAME, registerNode } from "./node.ts";
import { createServiceProxy, type ServiceProxy } from "./service-proxy.ts";
import { warnAboutUnsupportedKinds } from "./unsupported.ts";
import { startWorkloadControllers } from "./workload-controller.ts";

export interface RunnerOptions {
  client: KubeClient;
  caPem: string;
  state: StateFolder;
  watchdog: Watchdog;
  /** The command for each image, by `repository@sha256:…`. This machine has no other image. */
  images: ReadonlyMap<string, Entrypoint>;
  baseEnv: Record<string, string>;
  /** First of the ports that Services get on 127.0.0.1. */
  firstServicePort: number;
  logger: Logger;
  now: () => Date;
}

export interface Runner {
  proxy: ServiceProxy;
  /** Address of a running Pod with this `app.kubernetes.io/name`; undefined while there is none. */
  podAddress(namespace: string, name: string): string | undefined;
  close(): Promise<void>;
}

const CRASH_BACKOFF_MS = 500;

/**
 * Runs the Deployments, ReplicaSets, Jobs and Pods of any API server as processes of this machine. It does the work of the
 * controller manager and of one kubelet.
 */
export async function startRunner(options: RunnerOptions): Promise<Runner> {
  const { client, state, logger, now } = options;
  const caches = await startCaches({ client, logger });
  await registerNode(client, now);
  const events = createEventRecorder({ client, component: "kubelet", instance: NODE_NAME, logger, now });
  const kubelet = createKubelet({
    ...options,
    ...caches,
    addresses: await createAddressPool(state.path),
    events,
    findImage: (image) => options.images.get(image),
    podFolder: state.file("pods"),
    logFolder: state.file("logs"),
    crashBackoffMs: CRASH_BACKOFF_MS,
  });
  kubelet.start();
  warnAboutUnsupportedKinds(caches.unsupported, events);
  const stopControllers = startWorkloadControllers({ ...caches, client, events, logger, now });
  const proxy = createServiceProxy(caches.pods, options.firstServicePort);

  return {
    proxy,
    podAddress: (namespace, name) =>
      caches.pods
        .list()
        .find(
          ({ metadata, status }) =>
            metadata.namespace === namespace &&
            metadata.labels?.["app.kubernetes.io/name"] === name &&
            status?.phase === "Running",
        )?.status?.podIP,
    async close() {
      await proxy.close();
      // The controllers stop first, because they would replace the Pods that end. The caches stop last, because both read them.
      await stopControllers();
      await kubelet.stop();
      await caches.stop();
    },
  };
}
