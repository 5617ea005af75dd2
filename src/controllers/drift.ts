import type { KubernetesObject } from "../api/object.ts";
import type { EventRecorder } from "../kube/event.ts";

/** A managed object that differs from what the operator last applied. */
export interface Drift {
  kind: string;
  name: string;
  /** Paths that differ; none when the object was deleted. */
  fields: string[];
}

export function describeDrift({ kind, name, fields }: Drift): string {
  return `${kind} ${name}: ${fields.join(", ") || "deleted"}`;
}

/** Whether the edit changed a container's image. */
export function touchesImage({ fields }: Drift): boolean {
  return fields.some((field) => field.endsWith(".image"));
}

/** Records that the operator corrects the drift of an object that it manages for `owner`. */
export const recordCorrection = (events: EventRecorder, owner: KubernetesObject, drift: Drift): void =>
  events.record(owner, "Warning", "DriftCorrected", `${describeDrift(drift)}: the operator puts it back`);
