import type { KubernetesObject } from "../../../api/object.ts";
import { SOVEREIGN_CONDITION as CONDITION } from "../../../api/sovereign.ts";
import { FieldConflict } from "../../../kube/apply.ts";
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

/**
 * Makes the server hold a managed object. What somebody changed of it is said before it is put back, where everybody can
 * see it, and counted afterwards. Returns the live object when another writer keeps reverting this one.
 */
export async function applyManaged(step: Step, desired: KubernetesObject): Promise<KubernetesObject> {
  const { deps, sovereign, findings } = step;
  const live = liveObject(deps.caches, desired);
  const driftOf = (fields: string[]): Drift => ({ kind: desired.kind, name: desired.metadata.name, fields });
  try {
    const applied = await deps.applier.apply(desired, live, (fields) => announce(step, driftOf(fields)));
    if (applied.kind === "corrected") {
      const drift = driftOf(applied.fields);
      const message = describeDrift(drift);
      findings.conditions.push(fails(CONDITION.inSync, "DriftCorrected", message));
      deps.events.record(sovereign, "Warning", "DriftCorrected", message);
      deps.onDrift(sovereign.metadata.name, drift);
    }
    return applied.object;
  } catch (error) {
    if (!(error instanceof FieldConflict)) throw error;
    findings.fieldConflict ??= { message: error.message, retryAfterMs: error.retryAfterMs };
    return live ?? desired;
  }
}

async function announce({ report, findings }: Step, drift: Drift): Promise<void> {
  const message = describeDrift(drift);
  await report({
    ...findings,
    conditions: [
      ...findings.conditions,
      ...(touchesImage(drift) ? [fails(CONDITION.imagePinned, "ImageDrifted", message)] : []),
      fails(CONDITION.inSync, "DriftFound", message),
    ],
    stop: waiting("DriftFound", message, SOON_MS),
  });
}

export function describeDrift({ kind, name, fields }: Drift): string {
  return `${kind} ${name}: ${fields.join(", ") || "deleted"}`;
}

/** Whether the image of a container is among what was changed. */
export function touchesImage({ fields }: Drift): boolean {
  return fields.some((field) => field.endsWith(".image"));
}
