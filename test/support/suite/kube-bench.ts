import type { ConfigMapObject, KubernetesObject } from "../../../src/api/object.ts";
import { type Applier, createApplier } from "../../../src/kube/apply.ts";
import type { KubeClient } from "../../../src/kube/client.ts";
import { type Informer, type InformerOptions, withForeignFields } from "../../../src/kube/informer.ts";
import { type Resource, resourceOfManifest } from "../../../src/kube/resource.ts";
import type { TestControlPlane } from "../server/kube-apiserver.ts";

const MANAGER = "catalyst-operator";

export const configMap = (
  namespace: string,
  name: string,
  data: Record<string, string> = {},
): ConfigMapObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace, labels: { app: "kube-suite" } },
  data,
});

/** One control plane for all tests of a file. */
export interface KubeBench {
  plane(): TestControlPlane;
  client(): KubeClient;
  /** A second client, as a second process has one. */
  connect(userAgent: string): KubeClient;
  /** Creates a namespace that no other test uses. */
  namespace(): Promise<string>;
  /** Starts an informer and waits until it is synced. */
  follow<T extends KubernetesObject>(resource: Resource, options?: InformerOptions<T>): Promise<Informer<T>>;
}

export const newApplier = (bench: KubeBench, now = () => new Date()): Applier =>
  createApplier({
    client: bench.client(),
    fieldManager: MANAGER,
    now,
    elapsedMs: () => now().getTime(),
  });

/** The object as the operator's caches hold it. */
export async function cached(
  bench: KubeBench,
  object: KubernetesObject,
): Promise<KubernetesObject | undefined> {
  const live = await bench.client().get(resourceOfManifest(object), object.metadata);
  return live && withForeignFields<KubernetesObject>(MANAGER)(live);
}
