import type { KubernetesObject } from "../../../api/object.ts";
import { SOVEREIGN_CONDITION as CONDITION } from "../../../api/sovereign.ts";
import { liveObject } from "../cache.ts";
import { describeDrift, driftOf, touchesImage } from "../desired-drift.ts";
import { fails, waiting } from "../status.ts";
import { SOON_MS, type Step } from "./step.ts";

/** Says what somebody changed, where everybody can see it, before the steps that follow put it back. */
export async function reportDrift(step: Step, managed: KubernetesObject[]): Promise<void> {
  const { deps, sovereign, findings } = step;
  const { applier, caches } = deps;
  const drifts = managed.flatMap(
    (desired) => driftOf(desired, applier.newest(desired, liveObject(caches, desired))) ?? [],
  );
  if (drifts.length === 0) return;
  const message = describeDrift(drifts);
  const drifted = fails(CONDITION.inSync, "DriftCorrected", message);
  const isImage = touchesImage(drifts);
  await step.report({
    ...findings,
    conditions: [
      ...findings.conditions.filter(({ type }) => !(isImage && type === CONDITION.imagePinned)),
      ...(isImage ? [fails(CONDITION.imagePinned, "ImageDrifted", message)] : []),
      drifted,
    ],
    stop: waiting("DriftCorrected", message, SOON_MS),
  });
  findings.conditions.push(drifted);
  deps.events.record(sovereign, "Warning", "DriftCorrected", message);
  for (const drift of drifts) deps.onDrift(sovereign.metadata.name, drift);
}
