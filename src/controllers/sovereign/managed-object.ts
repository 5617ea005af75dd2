import type { KubernetesObject } from "../../api/object.ts";
import { SOVEREIGN_CONDITION as CONDITION } from "../../api/sovereign.ts";
import { FieldConflict } from "../../kube/field-conflict.ts";
import { type Drift, describeDrift, recordCorrection, touchesImage } from "../drift.ts";
import { concernsOnly, hasFailed } from "../owned-object.ts";
import { liveObject } from "./cache.ts";
import { type ReconcileContext, SOON_MS } from "./context.ts";
import { falseCondition, waiting } from "./status.ts";

/**
 * Applies a managed object. An edit by another writer is written into the status before the correction, so that an observer
 * can see it, and is counted afterwards. Returns the live object when another writer keeps reverting this one, and when the
 * API server refuses the write: an edited image must not run on because the write of another object is refused.
 */
export async function applyManaged(
  context: ReconcileContext,
  desired: KubernetesObject,
): Promise<KubernetesObject> {
  const { deps, sovereign, findings } = context;
  const isAbsent = desired.kind === "Namespace" && findings.hasNoNamespace === true;
  const live = isAbsent ? undefined : liveObject(deps.caches, desired);
  const driftOf = (fields: string[]): Drift => ({ kind: desired.kind, name: desired.metadata.name, fields });
  let isReported = false;
  try {
    const applied = await deps.applier.apply(desired, isAbsent ? "absent" : live, async (fields) => {
      isReported = await reportDrift(context, driftOf(fields));
    });
    if (applied.kind === "corrected") {
      const drift = driftOf(applied.fields);
      const message = `${describeDrift(drift)}: the operator put it back`;
      findings.conditions.push(falseCondition(CONDITION.inSync, "DriftCorrected", message));
      if (!isReported) recordCorrection(deps.events, sovereign, drift);
      deps.onDrift(sovereign.metadata.name, drift);
    }
    if ("wasReplaced" in applied && applied.wasReplaced)
      deps.events.record(
        sovereign,
        "Warning",
        "ObjectReplaced",
        `${desired.kind} ${desired.metadata.name} was deleted and created again: ${applied.fields.join(", ")} is immutable`,
      );
    return applied.object;
  } catch (error) {
    if (!concernsOnly(desired, live, error)) throw error;
    if (error instanceof FieldConflict)
      findings.fieldConflict ??= { message: error.message, retryAfterMs: error.retryAfterMs };
    else findings.refusal ??= error;
    return live ?? desired;
  }
}

/**
 * Writes the Event and the status before the correction. A process that dies after it finds no drift any more. Returns
 * false when it wrote nothing.
 */
async function reportDrift(context: ReconcileContext, drift: Drift): Promise<boolean> {
  const { deps, report, findings, sovereign } = context;
  // A refused correction is tried again and again. Each try would write the status twice, and another Event.
  if (hasFailed(sovereign)) return false;
  recordCorrection(deps.events, sovereign, drift);
  const message = `${describeDrift(drift)}: the operator puts it back now`;
  await report({
    ...findings,
    conditions: [
      ...findings.conditions,
      ...(touchesImage(drift) ? [falseCondition(CONDITION.imagePinned, "ImageDrifted", message)] : []),
      falseCondition(CONDITION.inSync, "DriftFound", message),
    ],
    stop: waiting("DriftFound", message, SOON_MS),
  });
  return true;
}
