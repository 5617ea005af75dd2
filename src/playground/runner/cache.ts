import type { KubernetesObject } from "../../api/object.ts";
import type { KubeClient } from "../../kube/client.ts";
import { createInformer, type Informer } from "../../kube/informer.ts";
import {
  CONFIG_MAPS,
  DEPLOYMENTS,
  JOBS,
  PODS,
  REPLICA_SETS,
  type Resource,
  SECRETS,
} from "../../kube/resource.ts";
import type { Logger } from "../../platform/log.ts";
import type { Job } from "./job-plan.ts";
import type { Pod } from "./pod.ts";
import { UNSUPPORTED_KINDS } from "./unsupported.ts";
import type { DataObject } from "./volume.ts";
import type { Deployment, ReplicaSet } from "./workload.ts";

/** Everything that the runner reads from the API server. */
export interface RunnerCaches {
  pods: Informer<Pod>;
  configMaps: Informer<DataObject>;
  secrets: Informer<DataObject>;
  deployments: Informer<Deployment>;
  replicaSets: Informer<ReplicaSet>;
  jobs: Informer<Job>;
  /** One for each kind that the runner does not run. */
  unsupported: readonly Informer<KubernetesObject>[];
}

export interface RunningCaches extends RunnerCaches {
  stop(): Promise<void>;
}

/** Fills the caches; resolves when all of them are complete. */
export async function startCaches(deps: { client: KubeClient; logger: Logger }): Promise<RunningCaches> {
  const stopped = new AbortController();
  const cache = <T extends KubernetesObject>(resource: Resource) => createInformer<T>(deps, resource);
  const caches: RunnerCaches = {
    pods: cache(PODS),
    configMaps: cache(CONFIG_MAPS),
    secrets: cache(SECRETS),
    deployments: cache(DEPLOYMENTS),
    replicaSets: cache(REPLICA_SETS),
    jobs: cache(JOBS),
    unsupported: UNSUPPORTED_KINDS.map((resource) => cache(resource)),
  };
  const running = Object.values(caches)
    .flat()
    .map((informer) => ({ synced: informer.synced, done: informer.run(stopped.signal) }));
  await Promise.all(running.map(({ synced }) => synced));
  return {
    ...caches,
    async stop() {
      stopped.abort();
      await Promise.all(running.map(({ done }) => done));
    },
  };
}
