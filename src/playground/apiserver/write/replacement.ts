import { isDeepStrictEqual } from "node:util";
import type { ApiObject } from "../object.ts";
import { conflict, modified } from "../refusal.ts";
import { served, stored } from "../resource-type.ts";
import { invalidObject, valueInvalid } from "../schema/field-error.ts";
import type { Store } from "../store.ts";
import type { WriteDeps } from "./creation.ts";
import { restoreSystemMetadata } from "./metadata.ts";
import { optionsJson, type WriteRequest } from "./request.ts";
import { shapeObject } from "./shape.ts";
import { prepareUpdate } from "./strategy.ts";
import { refuseInvalid } from "./validation.ts";

/** The number of attempts when other writes happen between the read of the live object and the store of the next one. */
export const MAX_ATTEMPTS = 5;

export function liveObject(store: Store, { type, namespace, name }: WriteRequest): ApiObject | undefined {
  const found = store.get(type.storage, namespace, name);
  return found && served(type, found);
}

/** Throws when the request names a resourceVersion that is not the one of the live object. */
export function checkVersion({ metadata }: ApiObject, live: ApiObject, { type, name }: WriteRequest): void {
  const { resourceVersion } = metadata;
  if (resourceVersion && resourceVersion !== live.metadata.resourceVersion) throw modified(type, name);
}

/** Returns a function that makes one attempt to replace a live object. */
export function createReplacement({
  store,
  admission,
  guard,
}: Pick<WriteDeps, "store" | "admission" | "guard">) {
  /** `own` sets the managed fields. Returns undefined when another write came first. */
  return async function replace(
    request: WriteRequest,
    live: ApiObject,
    next: ApiObject,
    own: (object: ApiObject) => ApiObject,
  ): Promise<ApiObject | undefined> {
    const { type, dryRun, namespace, name } = request;
    const before = store.get(type.storage, namespace, name);
    if (next.metadata.uid && next.metadata.uid !== live.metadata.uid) {
      if (request.isPatch) throw changedUid(request, next.metadata.uid);
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
    const options = { kind: "UpdateOptions", ...optionsJson(request) };
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
  };
}

function changedUid({ type, name }: WriteRequest, uid: string) {
  return invalidObject(type.group, type.kind, name, [
    valueInvalid("metadata.uid", uid, "field is immutable"),
  ]);
}

/** An object that is being deleted is removed with its last finalizer, unless its grace period still runs. */
function isFinished({ metadata, spec }: ApiObject): boolean {
  if (metadata.deletionTimestamp === undefined || (metadata.finalizers?.length ?? 0) > 0) return false;
  if ((metadata.deletionGracePeriodSeconds ?? 0) > 0) return false;
  const { finalizers } = (spec ?? {}) as { finalizers?: unknown[] };
  return !Array.isArray(finalizers) || finalizers.length === 0;
}
