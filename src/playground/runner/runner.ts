import type { KubernetesObject } from "../../api/object.ts";
import type { KubeClient } from "../../kube/client.ts";
import { createEventRecorder } from "../../kube/event.ts";
import { createInformer, type Informer } from "../../kube/informer.ts";
import { createReconcileMetrics } from "../../kube/metric.ts";
import { createController } from "../../kube/reconcile.ts";
import {
  CONFIG_MAPS,
  DEPLOYMENTS,
  JOBS,
  NODES,
  PODS,
  REPLICA_SETS,
  type Resource,
  SECRETS,
} from "../../kube/resource.ts";
import type { Logger } from "../../platform/log.ts";
import { Registry } from "../../platform/metrics.ts";
import type { StateDirectory } from "../process/state-directory.ts";
import type { Watchdog } from "../process/watchdog.ts";
import { createAddressPool } from "./address.ts";
import type { Entrypoint } from "./container.ts";
import { createDeploymentReconciler, type DeploymentDeps, deploymentWatches } from "./deployment.ts";
import { createGarbageCollector, type GarbageCollectionDeps, garbageWatches } from "./garbage-collection.ts";
import { createJobReconciler, type JobDeps, jobWatches } from "./job.ts";
import { createKubelet, NODE_NAME } from "./kubelet.ts";
import type { Pod } from "./pod.ts";
import { createReplicaSetReconciler, type ReplicaSetDeps, replicaSetWatches } from "./replica-set.ts";
import { createServiceProxy, type ServiceProxy } from "./service-proxy.ts";
import { UNATTENDED, warnOfUnattended } from "./unsupported.ts";

export interface RunnerOptions {
  client: KubeClient;
  caPem: string;
  state: StateDirectory;
  watchdog: Watchdog;
  /** What each image runs, by `repository@sha256:…`. Any other is not on this machine. */
  images: ReadonlyMap<string, Entrypoint>;
  baseEnv: Record<string, string>;
  /** First of the ports that Services get on 127.0.0.1. */
  firstServicePort: number;
  logger: Logger;
  now: () => Date;
}

export interface Runner {
  proxy: ServiceProxy;
  /** Address of a ready Pod with these labels; undefined while there is none. */
  podAddress(namespace: string, name: string): string | undefined;
  close(): Promise<void>;
}

const CRASH_BACKOFF_MS = 500;

/** Executes Deployments, ReplicaSets and Jobs of any API server as processes of this machine: controller manager and kubelet in one. */
export async function startRunner(options: RunnerOptions): Promise<Runner> {
  const { client, state, logger, now } = options;
  const stopCaches = new AbortController();
  const stopControllers = new AbortController();
  const deps = { client, logger };
  const cache = <T extends KubernetesObject>(resource: Resource) => createInformer<T>(deps, resource);
  const pods = cache<Pod>(PODS);
  const configMaps = cache(CONFIG_MAPS);
  const secrets = cache(SECRETS);
  const informers = [pods, configMaps, secrets];
  const unattended = UNATTENDED.map((resource) => cache(resource));
  const events = createEventRecorder({ client, component: "kubelet", instance: NODE_NAME, logger, now });
  const deploymentDeps: DeploymentDeps = {
    client,
    deployments: cache(DEPLOYMENTS),
    replicaSets: cache(REPLICA_SETS),
    pods,
    now,
  };
  const replicaSetDeps: ReplicaSetDeps = deploymentDeps;
  const jobDeps: JobDeps = { client, jobs: cache(JOBS), pods, events, now };
  const running = [
    ...informers,
    ...unattended,
    deploymentDeps.deployments,
    deploymentDeps.replicaSets,
    jobDeps.jobs,
  ].map((informer) => ({
    synced: informer.synced,
    done: informer.run(stopCaches.signal),
  }));
  await Promise.all(running.map(({ synced }) => synced));
  await announceNode(client, now);

  const kubelet = createKubelet({
    ...options,
    pods,
    configMaps,
    secrets,
    addresses: await createAddressPool(state.path),
    events,
    findImage: (image) => options.images.get(image),
    podFolder: state.file("pods"),
    logFolder: state.file("logs"),
    crashBackoffMs: CRASH_BACKOFF_MS,
  });
  kubelet.start();
  warnOfUnattended(unattended, events);
  const metrics = createReconcileMetrics(new Registry());
  const owners = [deploymentDeps.deployments, deploymentDeps.replicaSets, jobDeps.jobs].map(
    (informer) => informer as Informer<KubernetesObject>,
  );
  const collector = (name: string, dependents: Informer<KubernetesObject>) => {
    const garbage: GarbageCollectionDeps = { client, dependents, owners };
    return createController(
      { logger, metrics },
      { name, watches: garbageWatches(garbage), reconcile: createGarbageCollector(garbage) },
    );
  };
  const controllers = [
    createController(
      { logger, metrics },
      {
        name: "deployment",
        watches: deploymentWatches(deploymentDeps),
        reconcile: createDeploymentReconciler(deploymentDeps),
      },
    ),
    createController(
      { logger, metrics },
      {
        name: "replicaset",
        watches: replicaSetWatches(replicaSetDeps),
        reconcile: createReplicaSetReconciler(replicaSetDeps),
      },
    ),
    createController(
      { logger, metrics },
      { name: "job", watches: jobWatches(jobDeps), reconcile: createJobReconciler(jobDeps) },
    ),
    collector("garbage-pod", pods as Informer<KubernetesObject>),
    collector("garbage-replicaset", deploymentDeps.replicaSets as Informer<KubernetesObject>),
  ].map((controller) => controller.run(stopControllers.signal));
  const proxy = createServiceProxy(pods, options.firstServicePort);

  return {
    proxy,
    podAddress: (namespace, name) =>
      pods
        .list()
        .find(
          ({ metadata, status }) =>
            metadata.namespace === namespace &&
            metadata.labels?.["app.kubernetes.io/name"] === name &&
            status?.phase === "Running",
        )?.status?.podIP,
    async close() {
      await proxy.close();
      // First whoever would replace what ends, then what runs, then the caches that both read.
      stopControllers.abort();
      await Promise.all(controllers);
      await kubelet.stop();
      stopCaches.abort();
      await Promise.all(running.map(({ done }) => done));
    },
  };
}

async function announceNode(client: KubeClient, now: () => Date): Promise<void> {
  const at = now()
    .toISOString()
    .replace(/\.\d+Z$/, "Z");
  const node = { apiVersion: "v1", kind: "Node", metadata: { name: NODE_NAME } };
  await client.apply(NODES, node, { fieldManager: "kubelet" });
  const ready = {
    type: "Ready",
    status: "True",
    reason: "KubeletReady",
    message: "processes run here",
    lastHeartbeatTime: at,
    lastTransitionTime: at,
  };
  await client.mergePatch(
    NODES,
    node.metadata,
    { status: { conditions: [ready], addresses: [{ type: "InternalIP", address: "127.0.0.1" }] } },
    "status",
  );
}
