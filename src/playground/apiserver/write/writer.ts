import { isDeepStrictEqual } from "node:util";
import {
  applyConfiguration,
  type OwnershipOptions,
  ownershipAfterUpdate,
} from "../managed-field/ownership.ts";
import { type ApiObject, apiVersionOf, type Json, timestamp } from "../object.ts";
import { alreadyExists, badRequest, conflict, modified, notFound } from "../refusal.ts";
import { served, stored } from "../resource-type.ts";
import { invalidObject, valueInvalid, valueRequired } from "../schema/field-error.ts";
import { StatusError } from "../status.ts";
import type { Store } from "../store.ts";
import type { Admission } from "./admission.ts";
import { generatedName, restoreSystemMetadata, stampCreation } from "./metadata.ts";
import { checkNamespace } from "./precondition.ts";
import type { WriteRequest } from "./request.ts";
import { emptyObject, shapeObject } from "./shape.ts";
import { prepareCreate, prepareUpdate, untouchedFields, wantsResourceVersion } from "./strategy.ts";
import { refuseInvalid, refuseMisfit, structural } from "./validation.ts";

export interface WriterDeps {
  store: Store;
  admission: Admission;
  /** Kubernetes' own admission, before any webhook: may complete the object or throw. */
  complete(object: ApiObject, request: WriteRequest): void;
  /** The last word before the store: role escalation. */
  guard(object: ApiObject, live: ApiObject | undefined, request: WriteRequest): void;
  now: () => Date;
}

export type Writer = ReturnType<typeof createWriter>;

/** How often a patch is made again when somebody else wrote in between. */
const MAX_ATTEMPTS = 5;

/** Creates and updates: shape, owner, admit, validate, guard, store. */
export function createWriter({ store, admission, complete, guard, now }: WriterDeps) {
  function ownershipOptions(request: WriteRequest): OwnershipOptions {
    const { type, fieldManager, subresource } = request;
    return {
      schema: type.schema,
      writer: {
        name: fieldManager,
        apiVersion: apiVersionOf(type.group, type.version),
        subresource,
        time: timestamp(now()),
      },
      untouched: untouchedFields(request),
    };
  }

  const liveObject = ({ type, namespace, name }: WriteRequest): ApiObject | undefined => {
    const found = store.get(type.storage, namespace, name);
    return found && served(type, found);
  };

  /** From a stamped, shaped and owned object to a stored one. */
  async function finishCreate(object: ApiObject, request: WriteRequest): Promise<ApiObject> {
    const { type, dryRun } = request;
    const options = { kind: "CreateOptions", apiVersion: "meta.k8s.io/v1", ...optionsJson(request) };
    complete(object, request);
    const admitted = await admission.mutate({ request, operation: "CREATE", object, options });
    admitted.metadata.uid = object.metadata.uid;
    shapeObject(admitted, { type, fieldValidation: "Ignore", warn: request.warn });
    refuseInvalid(type, admitted);
    await admission.validate({ request, operation: "CREATE", object: admitted, options });
    guard(admitted, undefined, request);
    // Awaits lie behind us: the namespace may have gone, the name may have been taken.
    checkNamespace(store, request, admitted.metadata.name);
    const { name, namespace = "" } = admitted.metadata;
    if (store.get(type.storage, namespace, name) !== undefined) throw alreadyExists(type, name);
    return dryRun ? withoutVersion(admitted) : served(type, store.put(type.storage, stored(type, admitted)));
  }

  function stamped(body: ApiObject, request: WriteRequest): ApiObject {
    const { type, namespace } = request;
    const object = structuredClone(body);
    const { name, generateName } = object.metadata;
    if (!name && !generateName) {
      throw invalidObject(type.group, type.kind, "", [
        valueRequired("metadata.name", "name or generateName is required"),
      ]);
    }
    if (object.metadata.resourceVersion)
      throw badRequest("resourceVersion should not be set on objects to be created");
    checkNamespace(store, request, name);
    let chosen = name;
    while (!chosen || (!name && store.get(type.storage, namespace, chosen) !== undefined)) {
      chosen = generatedName(generateName ?? "");
    }
    stampCreation(object, chosen, type.namespaced ? namespace : "", now());
    return object;
  }

  return {
    async create(body: ApiObject, request: WriteRequest): Promise<ApiObject> {
      const { type } = request;
      shapeObject(body, request);
      const object = stamped(body, request);
      // Ownership comes before what the kind adds: nobody owns that.
      object.metadata.managedFields = structural(type, object, () =>
        ownershipAfterUpdate(undefined, object, emptyObject(type), ownershipOptions(request)),
      );
      prepareCreate(object, type);
      shapeObject(object, { type, fieldValidation: "Ignore", warn: request.warn });
      return finishCreate(object, request);
    },

    /** `make` builds the next object from a copy of the live one: a PUT's body, a patch. */
    async update(request: WriteRequest, make: (live: ApiObject) => ApiObject): Promise<ApiObject> {
      const { type, name } = request;
      for (let attempt = 1; ; attempt++) {
        const live = liveObject(request);
        if (live === undefined) throw notFound(type, name);
        const next = make(structuredClone(live));
        const stated = next.metadata.resourceVersion;
        if (stated && stated !== live.metadata.resourceVersion) throw modified(type, name);
        if (!stated && wantsResourceVersion(type)) {
          throw invalidObject(type.group, type.kind, name, [
            valueInvalid("metadata.resourceVersion", 0, "must be specified for an update"),
          ]);
        }
        const updated = await tryUpdate(request, live, next, (object) => ({
          ...object,
          metadata: {
            ...object.metadata,
            managedFields: structural(type, object, () =>
              ownershipAfterUpdate(live, object, emptyObject(type), ownershipOptions(request)),
            ),
          },
        }));
        if (updated !== undefined) return updated;
        if (attempt === MAX_ATTEMPTS) throw modified(type, name);
      }
    },

    /** Server-side apply; creates what is not there. */
    async apply(
      config: ApiObject,
      request: WriteRequest,
      force: boolean,
    ): Promise<{ object: ApiObject; created: boolean }> {
      const { type, name } = request;
      if (config.metadata.managedFields?.length) throw badRequest("metadata.managedFields must be nil");
      refuseMisfit(type, config);
      const options = { ...ownershipOptions(request), force };
      for (let attempt = 1; ; attempt++) {
        const live = liveObject(request);
        if (live === undefined) {
          if (request.subresource !== "") throw notFound(type, name);
          if (config.metadata.uid) {
            throw conflict(
              type,
              name,
              `uid mismatch: the provided object specified uid ${config.metadata.uid}, and no existing object was found`,
            );
          }
          const fresh = structuredClone(config);
          const object = stamped(fresh, request);
          const applied = structural(type, config, () =>
            applyConfiguration(undefined, object, emptyObject(type), options),
          );
          const next = { ...applied, metadata: { ...object.metadata, ...applied?.metadata } } as ApiObject;
          prepareCreate(next, type);
          shapeObject(next, request);
          try {
            return { object: await finishCreate(next, request), created: true };
          } catch (error) {
            // Somebody else was first: what was a create is an update now.
            if (!isAlreadyThere(error) || attempt === MAX_ATTEMPTS) throw error;
            continue;
          }
        }
        const stated = config.metadata.resourceVersion;
        if (stated && stated !== live.metadata.resourceVersion) throw modified(type, name);
        const applied = structural(type, config, () =>
          applyConfiguration(live, structuredClone(config), emptyObject(type), options),
        );
        const updated = await tryUpdate(request, live, structuredClone(applied ?? live), (object) => object);
        if (updated !== undefined) return { object: updated, created: false };
        if (attempt === MAX_ATTEMPTS) throw modified(type, name);
      }
    },
  };

  /** One attempt to replace `live`; undefined when it was no longer the live one at the end. */
  async function tryUpdate(
    request: WriteRequest,
    live: ApiObject,
    next: ApiObject,
    own: (object: ApiObject) => ApiObject,
  ): Promise<ApiObject | undefined> {
    const { type, dryRun, namespace, name } = request;
    const before = store.get(type.storage, namespace, name);
    if (next.metadata.uid && next.metadata.uid !== live.metadata.uid) {
      throw conflict(
        type,
        name,
        `Precondition failed: UID in precondition: ${next.metadata.uid}, UID in object meta: ${live.metadata.uid}`,
      );
    }
    restoreSystemMetadata(next, live);
    shapeObject(next, request);
    prepareUpdate(next, live, request);
    const owned = own(next);
    const options = { kind: "UpdateOptions", apiVersion: "meta.k8s.io/v1", ...optionsJson(request) };
    const admitted = await admission.mutate({
      request,
      operation: "UPDATE",
      object: owned,
      oldObject: live,
      options,
    });
    restoreSystemMetadata(admitted, live);
    shapeObject(admitted, { type, fieldValidation: "Ignore", warn: request.warn });
    prepareUpdate(admitted, live, request);
    refuseInvalid(type, admitted, live);
    await admission.validate({ request, operation: "UPDATE", object: admitted, oldObject: live, options });
    guard(admitted, live, request);
    if (store.get(type.storage, namespace, name) !== before) return undefined;
    if (dryRun || isDeepStrictEqual(admitted, live)) return admitted;
    if (isFinished(admitted)) {
      const ended = { ...admitted, metadata: { ...admitted.metadata } };
      store.remove(type.storage, namespace, name);
      return ended;
    }
    return served(type, store.put(type.storage, stored(type, admitted)));
  }
}

function isAlreadyThere(error: unknown): boolean {
  return error instanceof StatusError && error.reason === "AlreadyExists";
}

/** An object on its way out goes with its last finalizer. */
function isFinished({ metadata, spec }: ApiObject): boolean {
  if (metadata.deletionTimestamp === undefined || (metadata.finalizers?.length ?? 0) > 0) return false;
  if ((metadata.deletionGracePeriodSeconds ?? 0) > 0) return false;
  const { finalizers } = (spec ?? {}) as { finalizers?: unknown[] };
  return !Array.isArray(finalizers) || finalizers.length === 0;
}

function withoutVersion(object: ApiObject): ApiObject {
  const { resourceVersion, ...metadata } = object.metadata;
  return { ...object, metadata: metadata as ApiObject["metadata"] };
}

function optionsJson({ dryRun, fieldManager, fieldValidation }: WriteRequest): Json {
  return { ...(dryRun ? { dryRun: ["All"] } : {}), fieldManager, fieldValidation };
}
