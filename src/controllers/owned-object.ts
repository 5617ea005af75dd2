import type { KubernetesObject } from "../api/object.ts";
import type { Applier } from "../kube/apply.ts";
import type { EventRecorder } from "../kube/event.ts";
import { keyOf } from "../kube/resource.ts";
import { describeDrift } from "./drift.ts";

/** Applies an object that the operator keeps for `owner`. Each change that is put back becomes an Event of the owner. */
export async function applyOwned(
  { applier, events }: { applier: Applier; events: EventRecorder },
  owner: KubernetesObject,
  desired: KubernetesObject,
  cached: KubernetesObject | undefined,
): Promise<void> {
  const applied = await applier.apply(desired, cached);
  if (applied.kind !== "corrected") return;
  const drift = { kind: desired.kind, name: keyOf(desired.metadata), fields: applied.fields };
  events.record(owner, "Warning", "DriftCorrected", `${describeDrift(drift)}: the operator put it back`);
}
