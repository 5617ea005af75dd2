import { type ApiObject, recordOf, timestamp } from "../object.ts";
import { notFound } from "../refusal.ts";
import { served, stored } from "../resource-type.ts";
import type { Store } from "../store.ts";
import type { Admission } from "./admission.ts";
import type { DeleteOptions, Propagation } from "./delete-options.ts";
import { checkPreconditions } from "./precondition.ts";
import type { WriteRequest } from "./request.ts";

export const FOREGROUND_FINALIZER = "foregroundDeletion";
export const ORPHAN_FINALIZER = "orphan";

/** The object stays while it has finalizers or its grace period runs; otherwise it is `gone`. */
interface Deletion {
  object: ApiObject;
  gone: boolean;
}

export interface DeleterDeps {
  store: Store;
  admission: Admission;
  now: () => Date;
}

const JOB_WARNING =
  "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning";

export type Deleter = (request: WriteRequest, options: DeleteOptions) => Promise<Deletion>;

/** Deletes an object at once when nothing holds it. Otherwise marks it, for its finalizers, grace period or dependents. */
export function createDeleter({ store, admission, now }: DeleterDeps): Deleter {
  return async function remove(request, options) {
    const { type, namespace, name, dryRun } = request;
    const find = (): ApiObject => {
      const found = store.get(type.storage, namespace, name);
      if (found === undefined) throw notFound(type, name);
      return found;
    };
    const seen = served(type, find());
    checkPreconditions(type, seen, options.preconditions);
    await admission.validate({ request, operation: "DELETE", oldObject: seen, options: options.json });

    const live = find();
    checkPreconditions(type, live, options.preconditions);
    const marked = markForDeletion(live, options, request, now());
    const answer = (object: ApiObject, gone: boolean): Deletion => ({ object: served(type, object), gone });
    if (marked === "gone") {
      if (dryRun) return answer(live, true);
      return answer(store.remove(type.storage, namespace, name) ?? live, true);
    }
    if (dryRun || marked === live) return answer(marked, false);
    return answer(store.put(type.storage, stored(type, marked)), false);
  };
}

function markForDeletion(
  live: ApiObject,
  options: DeleteOptions,
  { type, warn }: WriteRequest,
  now: Date,
): ApiObject | "gone" {
  const { metadata } = live;
  const isJob = type.storage === "batch/jobs";
  if (isJob && options.propagationPolicy === undefined) warn(JOB_WARNING);
  const policy = options.propagationPolicy ?? (isJob ? "Orphan" : undefined);
  const finalizers = finalizersFor(metadata.finalizers ?? [], policy);
  const graceSeconds = graceOf(live, type.storage, options);
  const held = finalizers.length > 0 || (type.storage === "/namespaces" && isHeldNamespace(live));
  if (!held && graceSeconds === 0) return "gone";

  const alreadyMarked = metadata.deletionTimestamp !== undefined;
  const sooner = graceSeconds < (metadata.deletionGracePeriodSeconds ?? 0);
  const sameFinalizers = finalizers.join() === (metadata.finalizers ?? []).join();
  if (alreadyMarked && !sooner && sameFinalizers) return live;
  const marked: ApiObject = {
    ...live,
    metadata: {
      ...metadata,
      ...(alreadyMarked && !sooner
        ? {}
        : {
            deletionTimestamp: timestamp(new Date(now.getTime() + graceSeconds * 1000)),
            deletionGracePeriodSeconds: graceSeconds,
          }),
      ...(metadata.generation === undefined || alreadyMarked ? {} : { generation: metadata.generation + 1 }),
    },
  };
  if (finalizers.length > 0) marked.metadata.finalizers = finalizers;
  else delete marked.metadata.finalizers;
  if (type.storage === "/namespaces") marked.status = { ...recordOf(live.status), phase: "Terminating" };
  return marked;
}

function isHeldNamespace(namespace: ApiObject): boolean {
  const { finalizers } = recordOf(namespace.spec);
  return Array.isArray(finalizers) && finalizers.length > 0;
}

function finalizersFor(current: readonly string[], policy: Propagation | undefined): string[] {
  if (policy === undefined) return [...current];
  const kept = current.filter((name) => name !== FOREGROUND_FINALIZER && name !== ORPHAN_FINALIZER);
  if (policy === "Foreground") return [...kept, FOREGROUND_FINALIZER];
  return policy === "Orphan" ? [...kept, ORPHAN_FINALIZER] : kept;
}

/** The grace period. Only Pods have one, and only while they run on a node. */
function graceOf(live: ApiObject, storage: string, { gracePeriodSeconds }: DeleteOptions): number {
  if (storage !== "/pods") return 0;
  const spec = recordOf(live.spec);
  const { phase } = recordOf(live.status);
  if (!spec.nodeName || phase === "Succeeded" || phase === "Failed") return 0;
  return gracePeriodSeconds ?? Number(spec.terminationGracePeriodSeconds ?? 30);
}
