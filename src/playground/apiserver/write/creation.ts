import { type ApiObject, copyJson } from "../object.ts";
import { alreadyExists, badRequest } from "../refusal.ts";
import { served, stored } from "../resource-type.ts";
import { invalidObject, valueRequired } from "../schema/field-error.ts";
import type { Store } from "../store.ts";
import type { Admission } from "./admission.ts";
import { generatedName, stampCreation } from "./metadata.ts";
import { checkNamespace } from "./precondition.ts";
import { optionsJson, type WriteRequest } from "./request.ts";
import { shapeObject } from "./shape.ts";
import { refuseInvalid } from "./validation.ts";

export interface WriteDeps {
  store: Store;
  admission: Admission;
  /** Kubernetes' own admission plugins, which run before any webhook. Completes the object or throws. */
  complete(object: ApiObject, request: WriteRequest): void;
  /** The last check before the store: role escalation. */
  guard(object: ApiObject, live: ApiObject | undefined, request: WriteRequest): void;
  now: () => Date;
}

/** The first and the last steps of a create. Between them, the caller sets the managed fields and prepares the object. */
export function createCreation({ store, admission, complete, guard, now }: WriteDeps) {
  /** A copy with a name, a uid and a creation time. Throws when the object cannot be created. */
  function stamp(body: ApiObject, request: WriteRequest): ApiObject {
    const { type, namespace } = request;
    const object = copyJson(body);
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

  /** Admits, validates and stores an object that has its managed fields. */
  async function finish(object: ApiObject, request: WriteRequest): Promise<ApiObject> {
    const { type, dryRun } = request;
    const options = { kind: "CreateOptions", ...optionsJson(request) };
    complete(object, request);
    const admitted = await admission.mutate({ request, operation: "CREATE", object, options });
    admitted.metadata.uid = object.metadata.uid;
    shapeObject(admitted, { type, fieldValidation: "Ignore", warn: request.warn });
    refuseInvalid(type, admitted);
    await admission.validate({ request, operation: "CREATE", object: admitted, options });
    guard(admitted, undefined, request);
    // During the awaits, the namespace may have been deleted or the name taken.
    checkNamespace(store, request, admitted.metadata.name);
    const { name, namespace = "" } = admitted.metadata;
    if (store.get(type.storage, namespace, name) !== undefined) throw alreadyExists(type, name);
    return dryRun ? withoutVersion(admitted) : served(type, store.put(type.storage, stored(type, admitted)));
  }

  return { stamp, finish };
}

function withoutVersion(object: ApiObject): ApiObject {
  const { resourceVersion, ...metadata } = object.metadata;
  return { ...object, metadata: metadata as ApiObject["metadata"] };
}
