import type { KubernetesObject } from "../../api/object.ts";
import type { KubeClient } from "../../kube/client.ts";
import type { EventRecorder } from "../../kube/event.ts";
import type { Informer } from "../../kube/informer.ts";
import { createReconcileMetrics } from "../../kube/metric.ts";
import { createController, type Outcome, type Watch } from "../../kube/reconcile.ts";
import type { Logger } from "../../platform/log.ts";
import { Registry } from "../../platform/metrics.ts";
import type { RunnerCaches } from "./cache.ts";
import { createDeploymentReconciler, deploymentWatches } from "./deployment.ts";
import { createGarbageCollector, garbageWatches } from "./garbage-collection.ts";
import { createJobReconciler, jobWatches } from "./job.ts";
import { createReplicaSetReconciler, replicaSetWatches } from "./replica-set.ts";

export interface WorkloadControllerDeps extends RunnerCaches {
  client: KubeClient;
  events: EventRecorder;
  logger: Logger;
  now: () => Date;
}

/** Starts the controllers that a cluster's controller manager would run. Returns a function that stops them. */
export function startWorkloadControllers(deps: WorkloadControllerDeps): () => Promise<void> {
  const { client, pods, replicaSets, logger } = deps;
  const stopped = new AbortController();
  const metrics = createReconcileMetrics(new Registry());
  const owners = [deps.deployments, replicaSets, deps.jobs].map(
    (informer) => informer as Informer<KubernetesObject>,
  );
  const start = (name: string, watches: Watch[], reconcile: (key: string) => Promise<Outcome>) =>
    createController({ logger, metrics }, { name, watches, reconcile }).run(stopped.signal);
  const startGarbageCollector = (name: string, dependents: Informer<KubernetesObject>) => {
    const garbage = { client, dependents, owners };
    return start(name, garbageWatches(garbage), createGarbageCollector(garbage));
  };
  const running = [
    start("deployment", deploymentWatches(deps), createDeploymentReconciler(deps)),
    start("replicaset", replicaSetWatches(deps), createReplicaSetReconciler(deps)),
    start("job", jobWatches(deps), createJobReconciler(deps)),
    startGarbageCollector("garbage-pod", pods as Informer<KubernetesObject>),
    startGarbageCollector("garbage-replicaset", replicaSets as Informer<KubernetesObject>),
  ];
  return async () => {
    stopped.abort();
    await Promise.all(running);
  };
}
