import type { KubernetesObject } from "../../../api/object.ts";
import { SOVEREIGN_CONDITION as CONDITION } from "../../../api/sovereign.ts";
import { liveObject } from "../cache.ts";
import { fails, waiting } from "../status.ts";
import { SOON_MS, type Step } from "./step.ts";

/** A managed object that no longer is as the operator left it. */
export interface Drift {
  kind: string;
  name: string;
  /** Paths that differ; none when the object was deleted. */
  fields: string[];
}

/** Says what somebody changed, where everybody can see it, before the steps that follow put it back. */
export async function announceDrift(step: Step, managed: KubernetesObject[]): Promise<void> {
  const { deps, findings } = step;
  const drifts: Drift[] = [];
  for (const desired of managed) {
    const drift = await deps.applier.findDrift(desired, liveObject(deps.caches, desired));
    if (drift !== undefined)
      drifts.push({ kind: desired.kind, name: desired.metadata.name, fields: drift.fields });
  }
  if (drifts.length === 0) return;
  const message = describeDrift(drifts);
  const isImage = touchesImage(drifts);
  await step.report({
    ...findings,
    conditions: [
      ...findings.conditions.filter(({ type }) => !(isImage && type === CONDITION.imagePinned)),
      ...(isImage ? [fails(CONDITION.imagePinned, "ImageDrifted", message)] : []),
      fails(CONDITION.inSync, "DriftCorrected", message),
    ],
    stop: waiting("DriftCorrected", message, SOON_MS),
  });
}

/** Makes the server hold a managed object, and counts what somebody had changed of it. */
export async function applyManaged(step: Step, desired: KubernetesObject): Promise<KubernetesObject> {
  const { deps, sovereign, findings } = step;
  const applied = await deps.applier.apply(desired, liveObject(deps.caches, desired));
  if (applied.kind === "corrected") {
    const drift: Drift = { kind: desired.kind, name: desired.metadata.name, fields: applied.fields };
    const message = describeDrift([drift]);
    findings.conditions.push(fails(CONDITION.inSync, "DriftCorrected", message));
    deps.events.record(sovereign, "Warning", "DriftCorrected", message);
    deps.onDrift(sovereign.metadata.name, drift);
  }
  return applied.object;
}

export function describeDrift(drifts: readonly Drift[]): string {
  return drifts
    .map(({ kind, name, fields }) => `${kind} ${name}: ${fields.join(", ") || "deleted"}`)
    .join("; ");
}

/** Whether the image of a container is among what was changed. */
export function touchesImage(drifts: readonly Drift[]): boolean {
  return drifts.some(({ fields }) => fields.some((field) => field.endsWith(".image")));
}
