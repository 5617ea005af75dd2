import type { Authorizer } from "../access/authorization.ts";
import { createAdmissionChain } from "../admission/chain.ts";
import { createBuiltinAdmission, createGuard } from "../builtin-admission.ts";
import type { Logger } from "../logger.ts";
import type { ApiObject } from "../object.ts";
import { jsonPatch } from "../patch/json-patch.ts";
import type { Registry } from "../registry.ts";
import { resolveServiceIn } from "../service-resolver.ts";
import type { Store } from "../store.ts";
import { type Admission, createAdmission } from "./admission.ts";
import { createDeleter, type Deleter } from "./deletion.ts";
import { shapeObject } from "./shape.ts";
import { createWriter, type Writer } from "./writer.ts";

export interface WritePathDeps {
  store: Store;
  registry: Registry;
  authorizer: Authorizer;
  /** Grows with each change in an API group. */
  revision(group: string): number;
  logger: Logger;
  now: () => Date;
}

export interface WritePath {
  writer: Writer;
  remove: Deleter;
  admission: Admission;
  /** Closes the connections to webhooks. */
  close(): Promise<void>;
}

/** Assembles the write path from a decoded request to the store: admission, validation, ownership, storage. */
export function createWritePath(deps: WritePathDeps): WritePath {
  const { store, registry, authorizer, revision, logger, now } = deps;
  const chain = createAdmissionChain({
    authorizer,
    list: (resource) => store.list(`admissionregistration.k8s.io/${resource}`),
    version: () => revision("admissionregistration.k8s.io"),
    applyJsonPatch: (object, operations) => jsonPatch(object, [...operations]),
    applyDefaults(object, { resource }) {
      const type = registry.find(resource.group, resource.version, resource.resource);
      if (type !== undefined)
        shapeObject(object as ApiObject, { type, fieldValidation: "Ignore", warn: () => {} });
    },
    namespace: (name) => store.get("/namespaces", "", name),
    equivalents: ({ group, version, resource }) =>
      registry
        .all()
        .filter((type) => type.group === group && type.plural === resource && type.version !== version)
        .map((type) => ({ group, version: type.version, resource })),
    resolveService: resolveServiceIn(store),
    onIgnoredFailure: (webhook, error) =>
      logger.warn({ err: error, webhook }, "a webhook failed; its failurePolicy is Ignore"),
  });
  const admission = createAdmission(chain);
  const writer = createWriter({
    store,
    admission,
    complete: createBuiltinAdmission(store),
    guard: createGuard(authorizer),
    now,
  });
  return { writer, remove: createDeleter({ store, admission, now }), admission, close: chain.close };
}
