import { type ApiObject, copyJson } from "../object.ts";
import type { Registry } from "../registry.ts";
import { isRefusal } from "../status.ts";
import type { Store, StoreEvent } from "../store.ts";
import type { Deleter } from "../write/deletion.ts";
import type { WriteRequest } from "../write/request.ts";
import { controlPlaneRequest } from "./control-plane-request.ts";
import { createNamespaceContent } from "./namespace-content.ts";
import { createWorkList } from "./work-list.ts";

export interface NamespaceLifecycleDeps {
  store: Store;
  registry: Registry;
  create(object: ApiObject, request: WriteRequest): Promise<unknown>;
  remove: Deleter;
  caPem: string;
  now: () => Date;
  onError(what: string, error: unknown): void;
  signal: AbortSignal;
}

const ROOT_CA = "kube-root-ca.crt";

/**
 * Gives each namespace its `default` ServiceAccount and the root certificate of the cluster, and creates them again when they
 * are deleted. Empties a namespace that is being deleted, and then removes it.
 */
export function startNamespaceLifecycle(deps: NamespaceLifecycleDeps) {
  const { store, registry, create, remove, caPem, now, onError, signal } = deps;
  const content = createNamespaceContent({ store, registry, remove, now });
  const list = createWorkList({
    work: reconcile,
    onError: (name, error) => onError(`namespace ${name}`, error),
    signal,
  });

  async function reconcile(name: string): Promise<void> {
    const namespace = store.get("/namespaces", "", name);
    if (namespace === undefined) return;
    if (namespace.metadata.deletionTimestamp === undefined) await addDefaults(name);
    else await content.empty(namespace);
  }

  async function addDefaults(namespace: string): Promise<void> {
    await ensure(namespace, "serviceaccounts", {
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: { name: "default", namespace },
    });
    await ensure(namespace, "configmaps", {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: {
        name: ROOT_CA,
        namespace,
        annotations: {
          "kubernetes.io/description":
            "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.",
        },
      },
      data: { "ca.crt": caPem },
    });
  }

  async function ensure(namespace: string, plural: string, object: object): Promise<void> {
    const type = registry.find("", "v1", plural);
    const { name } = (object as ApiObject).metadata;
    if (type === undefined || store.get(type.storage, namespace, name) !== undefined) return;
    try {
      await create(
        copyJson(object) as ApiObject,
        controlPlaneRequest("namespace-controller", type, namespace, ""),
      );
    } catch (error) {
      if (!isRefusal(error, 404, 409)) throw error;
    }
  }

  function observe({ storage, kind, object }: StoreEvent): void {
    if (storage === "/namespaces") {
      if (kind !== "DELETED") list.add(object.metadata.name);
      return;
    }
    const { namespace } = object.metadata;
    if (namespace === undefined || kind !== "DELETED") return;
    const terminating = store.get("/namespaces", "", namespace)?.metadata.deletionTimestamp !== undefined;
    const isDefault = storage === "/serviceaccounts" || storage === "/configmaps";
    if (terminating || isDefault) list.add(namespace);
  }

  for (const { metadata } of store.list("/namespaces")) list.add(metadata.name);
  const unsubscribe = store.subscribe(observe);
  signal.addEventListener("abort", unsubscribe, { once: true });
  return { idle: list.idle };
}
