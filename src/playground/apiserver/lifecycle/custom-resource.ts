import { isDeepStrictEqual } from "node:util";
import { CRD_FINALIZER } from "../builtin/create.ts";
import { objectMetaSchema } from "../builtin/schema.ts";
import { type ApiObject, apiVersionOf, type Json, listOf, recordOf, timestamp } from "../object.ts";
import type { Registry } from "../registry.ts";
import { ALL_VERBS, type CustomColumn, type ResourceType, storageKey } from "../resource-type.ts";
import type { CrdNames, CrdVersion } from "../schema/crd-validation.ts";
import type { JsonSchema } from "../schema/json-schema.ts";
import { compileStructuralSchema } from "../schema/structural-schema.ts";
import { StatusError } from "../status.ts";
import type { Store, StoreEvent } from "../store.ts";
import type { Deleter } from "../write/deletion.ts";
import { shapeObject } from "../write/shape.ts";
import { controlPlaneRequest } from "./control-plane-request.ts";
import { createWorkList } from "./work-list.ts";

const CRD_STORAGE = "apiextensions.k8s.io/customresourcedefinitions";

interface CrdSpec {
  group: string;
  scope: "Namespaced" | "Cluster";
  names: CrdNames;
  versions: (CrdVersion & {
    additionalPrinterColumns?: CustomColumn[];
    selectableFields?: { jsonPath: string }[];
    subresources?: {
      status?: object;
      scale?: { specReplicasPath: string; statusReplicasPath: string; labelSelectorPath?: string };
    };
  })[];
}

/** The served versions of a CRD as resource types. All are stored in one place, in the storage version's form. */
export function customResourceTypes(crd: ApiObject): ResourceType[] {
  const { group, scope, names, versions } = crd.spec as CrdSpec;
  const storageVersion = versions.find(({ storage }) => storage === true)?.name ?? "";
  return versions
    .filter(({ served }) => served === true)
    .map((version): ResourceType => {
      const schema: JsonSchema = version.schema?.openAPIV3Schema ?? { type: "object" };
      const scale = version.subresources?.scale;
      return {
        group,
        version: version.name,
        plural: names.plural,
        singular: names.singular || names.kind.toLowerCase(),
        kind: names.kind,
        listKind: names.listKind || `${names.kind}List`,
        namespaced: scope === "Namespaced",
        shortNames: names.shortNames ?? [],
        categories: names.categories ?? [],
        verbs: ALL_VERBS,
        subresources: new Set([
          ...(version.subresources?.status === undefined ? [] : (["status"] as const)),
          ...(scale === undefined ? [] : (["scale"] as const)),
        ]),
        storage: storageKey(group, names.plural),
        ...(version.name === storageVersion
          ? {}
          : {
              // Strategy None: the versions differ in nothing but their name.
              storageConversion: {
                toStorage: (object) => ({ ...object, apiVersion: apiVersionOf(group, storageVersion) }),
                fromStorage: (object) => ({ ...object, apiVersion: apiVersionOf(group, version.name) }),
              },
            }),
        schema: { ...schema, properties: { ...schema.properties, metadata: objectMetaSchema } },
        custom: {
          columns: version.additionalPrinterColumns ?? [],
          selectableFields: (version.selectableFields ?? []).map(({ jsonPath }) =>
            jsonPath.replace(/^\./, ""),
          ),
          ...(scale === undefined ? {} : { scale }),
          structure: compileStructuralSchema(schema, { group, kind: names.kind, scope }),
        },
      };
    });
}

export interface CustomResourceDeps {
  store: Store;
  registry: Registry;
  remove: Deleter;
  now: () => Date;
  onError(what: string, error: unknown): void;
  signal: AbortSignal;
}

/** Serves what CRDs define as soon as they are written, says so in their status, and cleans up behind them. */
export function startCustomResources({ store, registry, remove, now, onError, signal }: CustomResourceDeps) {
  const list = createWorkList({
    work: reconcile,
    onError: (name, error) => onError(`CRD ${name}`, error),
    signal,
  });

  /** Whose names another CRD of the group has taken, and which. */
  function nameConflict(crd: ApiObject): string | undefined {
    const { group, names } = crd.spec as CrdSpec;
    for (const other of store.list(CRD_STORAGE)) {
      const theirs = other.spec as CrdSpec;
      if (other.metadata.uid === crd.metadata.uid || theirs.group !== group) continue;
      if (!hasCondition(other, "NamesAccepted")) continue;
      const taken = [theirs.names.plural, theirs.names.singular, ...(theirs.names.shortNames ?? [])];
      const wanted = [names.plural, names.singular, ...(names.shortNames ?? [])];
      const clash = wanted.find((name) => name !== undefined && taken.includes(name));
      if (clash !== undefined) return `${JSON.stringify(clash)} is already in use`;
      if (theirs.names.kind === names.kind) return `${JSON.stringify(names.kind)} is already in use`;
    }
    return undefined;
  }

  /** A definition that cannot be compiled serves nothing; it must not take the server with it. */
  function typesOf(crd: ApiObject): ResourceType[] {
    try {
      return customResourceTypes(crd);
    } catch (error) {
      onError(`CRD ${crd.metadata.name}`, error);
      return [];
    }
  }

  // By name: which definition is served, in which generation.
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
    // What is stored shows the defaults of the new schema, and no longer what that does not know.
    const stored = types.find(({ storageConversion }) => storageConversion === undefined);
    if (stored !== undefined) store.revise(stored.storage, (object) => inShape(object, stored));
  }

  async function reconcile(name: string): Promise<void> {
    const crd = store.get(CRD_STORAGE, "", name);
    if (crd === undefined) return;
    if (crd.metadata.deletionTimestamp !== undefined) return cleanUp(crd);
    const clash = nameConflict(crd);
    const at = timestamp(now());
    const { names, versions } = crd.spec as CrdSpec;
    const status = recordOf(crd.status);
    const accepted = {
      type: "NamesAccepted",
      status: "True",
      reason: "NoConflicts",
      message: "no conflicts found",
    };
    const established = {
      type: "Established",
      status: "True",
      reason: "InitialNamesAccepted",
      message: "the initial names have been accepted",
    };
    const conditions: Json[] =
      clash === undefined
        ? [accepted, established]
        : [
            { ...accepted, status: "False", reason: "NameConflict", message: clash },
            { ...established, status: "False", reason: "NotAccepted", message: "not all names are accepted" },
          ];
    const storageVersion = versions.find(({ storage }) => storage === true)?.name ?? "";
    const next = {
      acceptedNames: clash === undefined ? names : { kind: "", plural: "" },
      conditions: conditions.map((condition) => stable(condition, listOf(status.conditions) as Json[], at)),
      storedVersions: [...new Set([...(listOf(status.storedVersions) as string[]), storageVersion])],
    };
    if (JSON.stringify(next) !== JSON.stringify(status)) store.put(CRD_STORAGE, { ...crd, status: next });
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
        await remove(request, { preconditions: {}, json }).catch((error) => {
          if (!(error instanceof StatusError && error.code === 404)) throw error;
        });
      }
    }
    // Objects with finalizers of their own keep the definition until they are gone.
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
  const shaped = structuredClone(object);
  shapeObject(shaped, { type, fieldValidation: "Ignore", warn: () => {} });
  return isDeepStrictEqual(shaped, object) ? object : shaped;
}

function hasCondition(object: ApiObject, type: string): boolean {
  return listOf(recordOf(object.status).conditions).some(
    (condition) => recordOf(condition).type === type && recordOf(condition).status === "True",
  );
}

/** A condition keeps the time of its last transition. */
function stable(condition: Json, known: readonly Json[], at: string): Json {
  const before = known.find(({ type }) => type === condition.type);
  const unchanged = before !== undefined && before.status === condition.status;
  return { lastTransitionTime: unchanged ? before.lastTransitionTime : at, ...condition };
}
