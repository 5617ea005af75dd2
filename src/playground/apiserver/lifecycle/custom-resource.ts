import { isDeepStrictEqual } from "node:util";
import { CRD_FINALIZER } from "../builtin/create.ts";
import { type ApiObject, copyJson, hasCondition, recordOf, timestamp } from "../object.ts";
import type { Registry } from "../registry.ts";
import { type ResourceType, storageKey } from "../resource-type.ts";
import { isRefusal } from "../status.ts";
import type { Store, StoreEvent } from "../store.ts";
import type { Deleter } from "../write/deletion.ts";
import { shapeObject } from "../write/shape.ts";
import { controlPlaneRequest } from "./control-plane-request.ts";
import { crdStatus } from "./custom-resource-status.ts";
import { type CrdSpec, customResourceTypes } from "./custom-resource-type.ts";
import { createWorkList } from "./work-list.ts";

const CRD_STORAGE = "apiextensions.k8s.io/customresourcedefinitions";

export interface CustomResourceDeps {
  store: Store;
  registry: Registry;
  remove: Deleter;
  now: () => Date;
  onError(what: string, error: unknown): void;
  signal: AbortSignal;
}

/** Serves the resources of a CRD as soon as it is written, and sets its status. Deletes the objects of a deleted CRD. */
export function startCustomResources({ store, registry, remove, now, onError, signal }: CustomResourceDeps) {
  const list = createWorkList({
    work: reconcile,
    onError: (name, error) => onError(`CRD ${name}`, error),
    signal,
  });

  /** The types of a CRD. A CRD that does not compile has none, so that it does not stop the server. */
  function typesOf(crd: ApiObject): ResourceType[] {
    try {
      return customResourceTypes(crd);
    } catch (error) {
      onError(`CRD ${crd.metadata.name}`, error);
      return [];
    }
  }

  // The uid and generation of the served definition, by name.
  const serving = new Map<string, string>();

  function serve(crd: ApiObject): void {
    const { uid, generation, name } = crd.metadata;
    const established = hasCondition(crd, "Established");
    const state = `${uid}/${generation}/${established}`;
    if (serving.get(name) === state) return;
    serving.set(name, state);
    const { group, names } = crd.spec as CrdSpec;
    const types = established ? typesOf(crd) : [];
    registry.replaceCustom(group, names.plural, types);
    // Stored objects get the defaults of the new schema and lose the fields that it does not have.
    const stored = types.find(({ storageConversion }) => storageConversion === undefined);
    if (stored !== undefined) store.revise(stored.storage, (object) => inShape(object, stored));
  }

  async function reconcile(name: string): Promise<void> {
    const crd = store.get(CRD_STORAGE, "", name);
    if (crd === undefined) return;
    if (crd.metadata.deletionTimestamp !== undefined) return cleanUp(crd);
    const next = crdStatus(crd, store.list(CRD_STORAGE), timestamp(now()));
    if (JSON.stringify(next) !== JSON.stringify(recordOf(crd.status)))
      store.put(CRD_STORAGE, { ...crd, status: next });
  }

  async function cleanUp(crd: ApiObject): Promise<void> {
    const { group, names } = crd.spec as CrdSpec;
    const finalizers = crd.metadata.finalizers ?? [];
    if (!finalizers.includes(CRD_FINALIZER)) return;
    const [type] = typesOf(crd);
    const storage = storageKey(group, names.plural);
    if (type !== undefined) {
      for (const { metadata } of [...store.list(storage)]) {
        const request = controlPlaneRequest("crd-controller", type, metadata.namespace ?? "", metadata.name);
        const json = { kind: "DeleteOptions", apiVersion: "meta.k8s.io/v1" };
        await remove(request, { preconditions: {}, json }).catch((error: unknown) => {
          if (!isRefusal(error, 404)) throw error;
        });
      }
    }
    // Objects with finalizers keep the CRD until they are gone.
    if ([...store.list(storage)].length > 0) return;
    const latest = store.get(CRD_STORAGE, "", crd.metadata.name);
    if (latest === undefined) return;
    const kept = (latest.metadata.finalizers ?? []).filter((name) => name !== CRD_FINALIZER);
    if (kept.length === 0) store.remove(CRD_STORAGE, "", crd.metadata.name);
    else store.put(CRD_STORAGE, { ...latest, metadata: { ...latest.metadata, finalizers: kept } });
  }

  function observe({ storage, kind, object }: StoreEvent): void {
    if (storage === CRD_STORAGE) {
      if (kind === "DELETED") {
        const { group, names } = object.spec as CrdSpec;
        registry.replaceCustom(group, names.plural, []);
        serving.delete(object.metadata.name);
        return;
      }
      serve(object);
      list.add(object.metadata.name);
    } else if (kind === "DELETED") {
      const [group, plural] = storage.split("/");
      const crd = store.get(CRD_STORAGE, "", `${plural}.${group}`);
      if (crd?.metadata.deletionTimestamp !== undefined) list.add(crd.metadata.name);
    }
  }

  for (const crd of store.list(CRD_STORAGE)) {
    serve(crd);
    list.add(crd.metadata.name);
  }
  const unsubscribe = store.subscribe(observe);
  signal.addEventListener("abort", unsubscribe, { once: true });
  return { idle: list.idle };
}

function inShape(object: ApiObject, type: ResourceType): ApiObject {
  const shaped = copyJson(object);
  shapeObject(shaped, { type, fieldValidation: "Ignore", warn: () => {} });
  return isDeepStrictEqual(shaped, object) ? object : shaped;
}
