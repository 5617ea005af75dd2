import type { KubernetesObject } from "../../../src/api/object.ts";
import { SOVEREIGN, type Sovereign, type SovereignSpec } from "../../../src/api/sovereign.ts";
import { createKubeClient, type KubeClient } from "../../../src/kube/client.ts";
import { NAMESPACES, resourceOf, SECRETS } from "../../../src/kube/resource.ts";
import { createCaches, type OperatorCaches } from "../../../src/operator/cache.ts";
import { createLogger } from "../../../src/platform/log.ts";
import { condition, sovereign } from "../builder/catalyst-object.ts";
import { startTestControlPlane, type TestControlPlane } from "./kube-apiserver.ts";
import { prepareCluster } from "./webhook-replica.ts";

/** An embedded API server with our kinds, and the caches of one operator on it. */
export interface OperatorCluster {
  plane: TestControlPlane;
  client: KubeClient;
  caches: OperatorCaches;
  /** Creates or replaces a Secret with one key. */
  writeSecret(namespace: string, name: string, key: string, value: string): Promise<void>;
  createNamespace(name: string): Promise<void>;
  /** Creates a Sovereign with the condition Migrated, and waits until the caches have it. */
  createSovereign(name: string, spec: Partial<SovereignSpec>, isMigrated: boolean): Promise<Sovereign>;
  close(): Promise<void>;
}

export async function startOperatorCluster(userAgent: string): Promise<OperatorCluster> {
  const plane = await startTestControlPlane("embedded");
  const client = createKubeClient({ kubeConfig: plane.kubeConfig(), userAgent });
  await prepareCluster(client);
  const caches = createCaches({ client, logger: createLogger("test", "silent") });
  const stop = new AbortController();
  const running = caches.run(stop.signal);
  await caches.synced();
  return {
    plane,
    client,
    caches,
    async writeSecret(namespace, name, key, value) {
      const secret = {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name, namespace },
        data: { [key]: Buffer.from(value).toString("base64") },
      } as KubernetesObject;
      await client.delete(SECRETS, secret.metadata);
      await client.create(SECRETS, secret);
    },
    async createNamespace(name) {
      await client.create(NAMESPACES, { apiVersion: "v1", kind: "Namespace", metadata: { name } });
    },
    async createSovereign(name, spec, isMigrated) {
      const { uid: _uid, generation: _generation, ...metadata } = sovereign(name).metadata;
      const created = await client.create(resourceOf(SOVEREIGN), { ...sovereign(name, spec), metadata });
      const status = { conditions: [condition("Migrated", isMigrated ? "True" : "False")] };
      return client.replace(resourceOf(SOVEREIGN), { ...created, status }, "status");
    },
    async close() {
      stop.abort();
      await running;
      await client.close();
      await plane.close();
    },
  };
}
