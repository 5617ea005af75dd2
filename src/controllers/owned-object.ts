import { type Condition, findCondition, READY } from "../api/condition.ts";
import type { CatalystObject, KubernetesObject } from "../api/object.ts";
import type { Applier } from "../kube/apply.ts";
import { isRefused } from "../kube/error.ts";
import type { EventRecorder } from "../kube/event.ts";
import { isFailureReason } from "../kube/failure.ts";
import { FieldConflict } from "../kube/field-conflict.ts";
import type { Informer } from "../kube/informer.ts";
import { keyOf } from "../kube/resource.ts";
import { recordCorrection } from "./drift.ts";

type Conditioned = CatalystObject<unknown, { conditions?: Condition[] | undefined }>;

/**
 * Applies the objects that the operator manages for `owner`, one after the other. `caches` are the caches of their kinds.
 * Each correction becomes an Event of the owner. An object that the API server refuses, or that another writer keeps
 * changing, delays no other object: a removed right must not stay because another object is refused. The first such error
 * is thrown at the end.
 */
export async function applyOwned(
  { applier, events }: { applier: Applier; events: EventRecorder },
  owner: Conditioned,
  desired: readonly KubernetesObject[],
  caches: readonly Informer<KubernetesObject>[],
): Promise<void> {
  let refusal: unknown;
  for (const object of desired) {
    const { kind, metadata } = object;
    const name = keyOf(metadata);
    const cached = caches.find(({ resource }) => resource.kind === kind)?.get(name);
    const record = (fields: string[]) => recordCorrection(events, owner, { kind, name, fields });
    let isRecorded = false;
    // Before the correction, because a process that dies after it finds no drift any more. A refused correction is tried
    // again and again, so it is recorded when it succeeds.
    const beforeCorrection = async (fields: string[]) => {
      if (hasFailed(owner)) return;
      isRecorded = true;
      record(fields);
      await events.settle(owner);
    };
    const applied = await applier.apply(object, cached, beforeCorrection).catch((error: unknown) => {
      if (!concernsOnly(object, cached, error)) throw error;
      refusal ??= error;
      return undefined;
    });
    if (applied?.kind === "corrected" && !isRecorded) record(applied.fields);
  }
  if (refusal !== undefined) throw refusal;
}

/** Whether the last reconcile of the object ended in a failure. */
export function hasFailed({ status }: Pick<Conditioned, "status">): boolean {
  const ready = findCondition(status?.conditions, READY);
  return ready !== undefined && isFailureReason(ready.reason);
}

/** Whether other objects can be applied after this error. None can while their namespace does not exist. */
export const concernsOnly = (
  { kind }: KubernetesObject,
  live: KubernetesObject | undefined,
  error: unknown,
): boolean =>
  error instanceof FieldConflict || (isRefused(error) && (kind !== "Namespace" || live !== undefined));
