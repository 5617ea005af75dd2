import { ANNOTATION } from "../../api/label.ts";
import type { KubernetesObject } from "../../api/object.ts";
import { fieldsToCorrect } from "../../kube/apply.ts";
import { canonicalJson, sha256Digest } from "../../platform/canonical-json.ts";

/** A managed object that no longer is as the operator left it. */
export interface Drift {
  kind: string;
  name: string;
  /** Paths that differ; empty when the object is gone. */
  fields: string[];
}

/** The object with the digest of itself, by which a hand edit is told from the operator's own change of mind. */
export function stamped(desired: KubernetesObject): KubernetesObject {
  const { annotations } = desired.metadata;
  const digest = sha256Digest(canonicalJson(desired));
  return {
    ...desired,
    metadata: { ...desired.metadata, annotations: { ...annotations, [ANNOTATION.applied]: digest } },
  };
}

/** Differences that somebody else made: the live object bears the digest of what is still desired. */
export function driftOf(desired: KubernetesObject, live: KubernetesObject | undefined): Drift | undefined {
  if (live === undefined) return undefined;
  const wasApplied =
    live.metadata.annotations?.[ANNOTATION.applied] === desired.metadata.annotations?.[ANNOTATION.applied];
  if (!wasApplied) return undefined;
  const fields = fieldsToCorrect(desired, live);
  return fields.length === 0 ? undefined : { kind: desired.kind, name: desired.metadata.name, fields };
}

export function describeDrift(drifts: readonly Drift[]): string {
  return drifts.map(({ kind, name, fields }) => `${kind} ${name}: ${fields.join(", ")}`).join("; ");
}

/** Whether the image of a container is among what was changed. */
export function touchesImage(drifts: readonly Drift[]): boolean {
  return drifts.some(({ fields }) => fields.some((field) => field.endsWith(".image")));
}
