import { type OwnershipOptions, ownershipAfterUpdate } from "../managed-field/ownership.ts";
import { StructureError } from "../managed-field/structure.ts";
import { type ApiObject, apiVersionOf, copyJson, timestamp } from "../object.ts";
import { badRequest, modified, notFound, notImplemented } from "../refusal.ts";
import { invalidObject, valueInvalid } from "../schema/field-error.ts";
import { createCreation, type WriteDeps } from "./creation.ts";
import { checkVersion, createReplacement, liveObject, MAX_ATTEMPTS } from "./replacement.ts";
import type { WriteRequest } from "./request.ts";
import { type Applied, createApply } from "./server-side-apply.ts";
import { emptyObject, shapeObject } from "./shape.ts";
import { prepareCreate, untouchedFields, wantsResourceVersion } from "./strategy.ts";
import { validateConfiguration } from "./validation.ts";

export interface Writer {
  create(body: ApiObject, request: WriteRequest): Promise<ApiObject>;
  /** `make` builds the next object from a copy of the live one: from the body of a PUT, or by a patch. */
  update(request: WriteRequest, make: (live: ApiObject) => ApiObject): Promise<ApiObject>;
  /** Server-side apply. Creates the object when it does not exist. */
  apply(config: ApiObject, request: WriteRequest, force: boolean): Promise<Applied>;
}

/** Creates and updates objects: shape, ownership, admission, validation, guard, storage. */
export function createWriter(deps: WriteDeps): Writer {
  const { store, now } = deps;
  const creation = createCreation(deps);
  const replace = createReplacement(deps);
  const apply = createApply({ store, creation, replace });

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

  /** The managed fields of `object` after a create or an update. */
  function owners(live: ApiObject | undefined, object: ApiObject, request: WriteRequest) {
    try {
      return ownershipAfterUpdate(live, object, emptyObject(request.type), ownershipOptions(request));
    } catch (error) {
      // As in Kubernetes, an object whose lists have no valid keys has no owners. Validation refuses most of them.
      if (error instanceof StructureError) return [];
      throw error;
    }
  }

  async function tryUpdate(
    request: WriteRequest,
    make: (live: ApiObject) => ApiObject,
  ): Promise<ApiObject | undefined> {
    const { type, name } = request;
    const live = liveObject(store, request);
    if (live === undefined)
      throw createsByReplacing(request) ? unsupportedCreate(request) : notFound(type, name);
    const next = make(copyJson(live));
    checkVersion(next, live, request);
    if (!next.metadata.resourceVersion && wantsResourceVersion(type)) {
      throw invalidObject(type.group, type.kind, name, [
        valueInvalid("metadata.resourceVersion", 0, "must be specified for an update"),
      ]);
    }
    return replace(request, live, next, (object) => ({
      ...object,
      metadata: { ...object.metadata, managedFields: owners(live, object, request) },
    }));
  }

  return {
    async create(body, request) {
      const { type } = request;
      shapeObject(body, request);
      const object = creation.stamp(body, request);
      // Ownership comes before the defaults of the kind, which have no owner.
      object.metadata.managedFields = owners(undefined, object, request);
      prepareCreate(object, type);
      shapeObject(object, { type, fieldValidation: "Ignore", warn: request.warn });
      return creation.finish(object, request);
    },

    async update(request, make) {
      for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
        const updated = await tryUpdate(request, make);
        if (updated !== undefined) return updated;
      }
      throw modified(request.type, request.name);
    },

    async apply(config, request, force) {
      if (config.metadata.managedFields?.length) throw badRequest("metadata.managedFields must be nil");
      validateConfiguration(request.type, config);
      return apply(config, request, { ...ownershipOptions(request), force });
    },
  };
}

// Kubernetes creates objects of these kinds by a PUT.
const CREATED_BY_REPLACING = new Set([
  ...["/endpoints", "/events", "/limitranges", "/resourcequotas", "/services", "coordination.k8s.io/leases"],
  ...["clusterrolebindings", "clusterroles", "rolebindings", "roles"].map(
    (plural) => `rbac.authorization.k8s.io/${plural}`,
  ),
]);

function createsByReplacing({ type, isPatch, subresource }: WriteRequest): boolean {
  return !isPatch && subresource === "" && CREATED_BY_REPLACING.has(type.storage);
}

function unsupportedCreate({ type }: WriteRequest) {
  return notImplemented(`the creation of ${type.plural} by PUT: use POST`);
}
