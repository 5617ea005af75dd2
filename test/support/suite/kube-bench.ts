import type { ConfigMapObject, KubernetesObject } from "../../../src/api/object.ts";
import type { KubeClient } from "../../../src/kube/client.ts";
import type { Informer, InformerOptions } from "../../../src/kube/informer.ts";
import type { Resource } from "../../../src/kube/resource.ts";
import type { TestControlPlane } from "../server/kube-apiserver.ts";

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
