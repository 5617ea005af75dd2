import { type ApiObject, listOf, recordOf, timestamp } from "../object.ts";
import type { Registry } from "../registry.ts";
import type { ResourceType } from "../resource-type.ts";
import { isRefusal } from "../status.ts";
import type { Store } from "../store.ts";
import type { Deleter } from "../write/deletion.ts";
import { controlPlaneRequest } from "./control-plane-request.ts";

const NAMESPACE_FINALIZER = "kubernetes";

export interface NamespaceContentDeps {
  store: Store;
  registry: Registry;
  remove: Deleter;
  now: () => Date;
}

/** Empties a namespace that is being deleted, and removes the namespace when nothing is left in it. */
export function createNamespaceContent({ store, registry, remove, now }: NamespaceContentDeps) {
  /** Deletes one object. Returns whether finalizers or a grace period still keep it. */
  async function removeObject(type: ResourceType, namespace: string, name: string): Promise<boolean> {
    const request = controlPlaneRequest("namespace-controller", type, namespace, name);
    const json = { kind: "DeleteOptions", apiVersion: "meta.k8s.io/v1", propagationPolicy: "Background" };
    try {
      await remove(request, { propagationPolicy: "Background", preconditions: {}, json });
    } catch (error) {
      if (!isRefusal(error, 404)) throw error;
    }
    return store.get(type.storage, namespace, name) !== undefined;
  }

  async function empty(namespace: ApiObject): Promise<void> {
    const { name } = namespace.metadata;
    let left = 0;
    for (const type of registry.storages().filter(({ namespaced }) => namespaced)) {
      for (const object of [...store.list(type.storage, name)]) {
        if (await removeObject(type, name, object.metadata.name)) left++;
      }
    }
    const latest = store.get("/namespaces", "", name);
    if (latest === undefined) return;
    if (left > 0) report(latest, left);
    else finalize(latest);
  }

  /** Sets the condition that counts the objects that are left. */
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

  return { empty };
}
