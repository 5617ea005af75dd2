import { type ApiObject, listOf, recordOf, timestamp } from "../object.ts";
import type { Registry } from "../registry.ts";
import { StatusError } from "../status.ts";
import type { Store, StoreEvent } from "../store.ts";
import type { Deleter } from "../write/deletion.ts";
import type { WriteRequest } from "../write/request.ts";
import { controlPlaneRequest } from "./control-plane-request.ts";
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
const NAMESPACE_FINALIZER = "kubernetes";

/**
 * Gives each namespace its `default` ServiceAccount and the cluster's root certificate, puts the certificate back
 * when it goes; empties a namespace that is being deleted and lets it go when nothing is left in it.
 */
export function startNamespaceLifecycle(deps: NamespaceLifecycleDeps) {
  const { store, registry, create, remove, caPem, now, onError, signal } = deps;
  const list = createWorkList({
    work: reconcile,
    onError: (name, error) => onError(`namespace ${name}`, error),
    signal,
  });

  async function reconcile(name: string): Promise<void> {
    const namespace = store.get("/namespaces", "", name);
    if (namespace === undefined) return;
    if (namespace.metadata.deletionTimestamp === undefined) await furnish(name);
    else await empty(namespace);
  }

  async function furnish(namespace: string): Promise<void> {
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
        structuredClone(object) as ApiObject,
        controlPlaneRequest("namespace-controller", type, namespace, ""),
      );
    } catch (error) {
      if (!(error instanceof StatusError && (error.code === 409 || error.code === 404))) throw error;
    }
  }

  async function empty(namespace: ApiObject): Promise<void> {
    const { name } = namespace.metadata;
    let left = 0;
    for (const type of registry.storages().filter(({ namespaced }) => namespaced)) {
      for (const object of [...store.list(type.storage, name)]) {
        const request = controlPlaneRequest("namespace-controller", type, name, object.metadata.name);
        const json = { kind: "DeleteOptions", apiVersion: "meta.k8s.io/v1", propagationPolicy: "Background" };
        try {
          await remove(request, { propagationPolicy: "Background", preconditions: {}, json });
        } catch (error) {
          if (!(error instanceof StatusError && error.code === 404)) throw error;
        }
        if (store.get(type.storage, name, object.metadata.name) !== undefined) left++;
      }
    }
    const latest = store.get("/namespaces", "", name);
    if (latest === undefined) return;
    if (left > 0) {
      report(latest, left);
      return;
    }
    finalize(latest);
  }

  /** Says what the namespace waits for, once. */
  function report(namespace: ApiObject, left: number): void {
    const status = recordOf(namespace.status);
    const message = `Some content in the namespace has finalizers remaining: ${left} objects`;
    const [known] = listOf(status.conditions).map(recordOf);
    if (known?.message === message) return;
    const condition = {
      type: "NamespaceFinalizersRemaining",
      status: "True",
      reason: "SomeFinalizersRemain",
      message,
      lastTransitionTime: timestamp(now()),
    };
    store.put("/namespaces", { ...namespace, status: { ...status, conditions: [condition] } });
  }

  function finalize(namespace: ApiObject): void {
    const spec = recordOf(namespace.spec);
    const kept = listOf(spec.finalizers).filter((finalizer) => finalizer !== NAMESPACE_FINALIZER);
    const { name, finalizers = [] } = namespace.metadata;
    if (kept.length === 0 && finalizers.length === 0) store.remove("/namespaces", "", name);
    else if (kept.length !== listOf(spec.finalizers).length) {
      store.put("/namespaces", { ...namespace, spec: { ...spec, finalizers: kept } });
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
    const furniture = storage === "/serviceaccounts" || storage === "/configmaps";
    if (terminating || furniture) list.add(namespace);
  }

  for (const { metadata } of store.list("/namespaces")) list.add(metadata.name);
  const unsubscribe = store.subscribe(observe);
  signal.addEventListener("abort", unsubscribe, { once: true });
  return { idle: list.idle };
}
