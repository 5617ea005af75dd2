import { SOVEREIGN_CONDITION as CONDITION } from "../../../api/sovereign.ts";
import { referenceOf } from "../../billing-release/desired-rollout.ts";
import type { ReconcileContext } from "../context.ts";
import { type Evidence, shapeDifference } from "../evidence.ts";
import { falseCondition, type Stop, stalled, trueCondition, waiting } from "../status.ts";

/**
 * Compares the measured fingerprints with the reference of the very image that the Sovereign runs: during a rollout,
 * Sovereigns that wait are compared with the reference of the earlier image.
 */
export function compareWithReference(
  { deps, sovereign, findings }: ReconcileContext,
  image: string,
  evidence: Evidence,
): Stop | undefined {
  const verified = (reason: string, message: string) => {
    findings.facts.verifiedImage = image;
    findings.conditions.push(
      trueCondition(CONDITION.voucherShapeVerified, reason, message),
      trueCondition(CONDITION.inSync, "InSync", "every managed object is as the operator applied it"),
    );
    return undefined;
  };
  const reference = referenceOf(deps.caches.releases.get(sovereign.spec.billing.release), image);
  if (reference === undefined && sovereign.spec.role === "CatalystZero") {
    return verified(
      "Measured",
      "the smoke test passed; the fingerprints measured here become the release's reference",
    );
  }
  if (reference === undefined) {
    const message =
      "the release has no reference yet: the operator measures it on Catalyst-Zero, once Catalyst-Zero runs this image";
    findings.conditions.push(falseCondition(CONDITION.voucherShapeVerified, "WaitingForReference", message));
    return waiting("WaitingForReference", message);
  }
  const difference = shapeDifference(evidence, reference);
  if (difference === undefined) {
    return verified(
      "Verified",
      `the smoke test passed, and both fingerprints equal those of ${reference.measuredOn}`,
    );
  }
  findings.conditions.push(
    falseCondition(CONDITION.voucherShapeVerified, "ShapeDiffers", difference),
    falseCondition(CONDITION.inSync, "ShapeDiffers", difference),
  );
  deps.events.record(sovereign, "Warning", "ShapeDiffers", difference);
  return stalled("ShapeDiffers", difference);
}
