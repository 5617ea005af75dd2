import { applyConfiguration, type OwnershipOptions } from "../managed-field/ownership.ts";
import { type ApiObject, copyJson } from "../object.ts";
import { conflict, modified, notFound } from "../refusal.ts";
import { StatusError } from "../status.ts";
import type { Store } from "../store.ts";
import type { createCreation } from "./creation.ts";
import { checkVersion, type createReplacement, liveObject, MAX_ATTEMPTS } from "./replacement.ts";
import type { WriteRequest } from "./request.ts";
import { emptyObject, shapeObject } from "./shape.ts";
import { prepareCreate } from "./strategy.ts";
import { structural } from "./validation.ts";

export interface Applied {
  object: ApiObject;
  created: boolean;
}

interface ApplyDeps {
  store: Store;
  creation: ReturnType<typeof createCreation>;
  replace: ReturnType<typeof createReplacement>;
}

type ApplyOptions = OwnershipOptions & { force: boolean };

/** Merges a configuration into the live object, or creates the object. */
export function createApply({ store, creation, replace }: ApplyDeps) {
  async function createFrom(
    config: ApiObject,
    request: WriteRequest,
    options: ApplyOptions,
  ): Promise<ApiObject> {
    const { type, name } = request;
    if (request.subresource !== "") throw notFound(type, name);
    if (config.metadata.uid) {
      throw conflict(
        type,
        name,
        `uid mismatch: the provided object specified uid ${config.metadata.uid}, and no existing object was found`,
      );
    }
    const object = creation.stamp(config, request);
    const applied = structural(type, config, () =>
      applyConfiguration(undefined, object, emptyObject(type), options),
    );
    const next = { ...applied, metadata: { ...object.metadata, ...applied?.metadata } } as ApiObject;
    prepareCreate(next, type);
    shapeObject(next, request);
    return creation.finish(next, request);
  }

  /** One attempt. Undefined when another write came first. */
  async function update(
    config: ApiObject,
    live: ApiObject,
    request: WriteRequest,
    options: ApplyOptions,
  ): Promise<ApiObject | undefined> {
    checkVersion(config, live, request);
    const applied = structural(request.type, config, () =>
      applyConfiguration(live, copyJson(config), emptyObject(request.type), options),
    );
    return replace(request, live, copyJson(applied ?? live), (object) => object);
  }

  return async function apply(
    config: ApiObject,
    request: WriteRequest,
    options: ApplyOptions,
  ): Promise<Applied> {
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      const live = liveObject(store, request);
      if (live !== undefined) {
        const object = await update(config, live, request, options);
        if (object !== undefined) return { object, created: false };
        continue;
      }
      try {
        return { object: await createFrom(config, request, options), created: true };
      } catch (error) {
        // Another writer created the object: the next attempt updates it.
        if (!isAlreadyThere(error) || attempt === MAX_ATTEMPTS) throw error;
      }
    }
    throw modified(request.type, request.name);
  };
}

function isAlreadyThere(error: unknown): boolean {
  return error instanceof StatusError && error.reason === "AlreadyExists";
}
