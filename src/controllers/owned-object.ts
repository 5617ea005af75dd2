import type { KubernetesObject } from "../api/object.ts";
import type { Applier } from "../kube/apply.ts";
import type { EventRecorder } from "../kube/event.ts";
import type { Informer } from "../kube/informer.ts";
import { keyOf } from "../kube/resource.ts";
import { describeDrift } from "./drift.ts";

/**
 * Applies the objects that the operator manages for `owner`, one after the other. `caches` are the caches of their kinds.
 * Each correction becomes an Event of the owner.
 */
export async function applyOwned(
  { applier, events }: { applier: Applier; events: EventRecorder },
  owner: KubernetesObject,
  desired: readonly KubernetesObject[],
  caches: readonly Informer<KubernetesObject>[],
): Promise<void> {
  for (const object of desired) {
    const { kind, metadata } = object;
    const name = keyOf(metadata);
    const cached = caches.find(({ resource }) => resource.kind === kind)?.get(name);
    const applied = await applier.apply(object, cached);
    if (applied.kind !== "corrected") continue;
    const drift = describeDrift({ kind, name, fields: applied.fields });
    events.record(owner, "Warning", "DriftCorrected", `${drift}: the operator put it back`);
  }
}
