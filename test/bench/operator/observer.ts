import { isConditionTrue } from "../../../src/api/condition.ts";
import { LABEL } from "../../../src/api/label.ts";
import { SOVEREIGN, type Sovereign } from "../../../src/api/sovereign.ts";
import type { DeploymentObject } from "../../../src/controllers/sovereign/observed.ts";
import type { KubeClient } from "../../../src/kube/client.ts";
import { createInformer } from "../../../src/kube/informer.ts";
import { DEPLOYMENTS, resourceOf } from "../../../src/kube/resource.ts";
import { createLogger } from "../../../src/platform/log.ts";

/** Watches Sovereigns and Deployments, as a person does. */
export interface Observer {
  readyCount(): number;
  /** Resolves when this many Sovereigns are Ready. */
  allReady(count: number, timeoutMs: number): Promise<void>;
  /** Resolves when the Sovereign's Deployment has this many replicas, with the time as `performance.now()` gives it. */
  replicasSeen(sovereign: string, replicas: number, timeoutMs: number): Promise<number>;
  close(): Promise<void>;
}

export async function createObserver(client: KubeClient): Promise<Observer> {
  const deps = { client, logger: createLogger("bench", "silent") };
  const ending = new AbortController();
  const sovereigns = createInformer<Sovereign>(deps, resourceOf(SOVEREIGN));
  const deployments = createInformer<DeploymentObject>(deps, DEPLOYMENTS);
  const ready = new Set<string>();
  const waiting = new Set<() => void>();
  const check = () => {
    for (const look of waiting) look();
  };
  sovereigns.onChange(({ kind, object }) => {
    const isReady = kind !== "deleted" && isConditionTrue(object.status?.conditions, "Ready");
    ready[isReady ? "add" : "delete"](object.metadata.name);
    check();
  });
  const replicas = new Map<string, number>();
  deployments.onChange(({ object }) => {
    const sovereign = object.metadata.labels?.[LABEL.sovereign];
    if (sovereign !== undefined) replicas.set(sovereign, object.spec?.replicas ?? 1);
    check();
  });
  const running = Promise.all([sovereigns.run(ending.signal), deployments.run(ending.signal)]);
  await Promise.all([sovereigns.synced, deployments.synced]);

  function when(holds: () => boolean, timeoutMs: number, problem: () => string): Promise<number> {
    return new Promise((resolve, reject) => {
      const timeout = setTimeout(() => {
        waiting.delete(look);
        reject(new Error(problem()));
      }, timeoutMs);
      function look(): void {
        if (!holds()) return;
        clearTimeout(timeout);
        waiting.delete(look);
        resolve(performance.now());
      }
      waiting.add(look);
      look();
    });
  }
  return {
    readyCount: () => ready.size,
    async allReady(count, timeoutMs) {
      const problem = () => `${ready.size} of ${count} Sovereigns are Ready after ${timeoutMs / 1_000} s`;
      await when(() => ready.size >= count, timeoutMs, problem);
    },
    replicasSeen: (sovereign, wanted, timeoutMs) =>
      when(
        () => replicas.get(sovereign) === wanted,
        timeoutMs,
        () => `the Deployment of ${sovereign} does not have ${wanted} replicas after ${timeoutMs / 1_000} s`,
      ),
    async close() {
      ending.abort();
      await running;
    },
  };
}
