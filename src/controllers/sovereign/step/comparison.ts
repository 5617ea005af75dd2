import type { BillingRelease, ReleaseReference } from "../../../api/billing-release.ts";
import { findCondition } from "../../../api/condition.ts";
import { SOVEREIGN_CONDITION as CONDITION, type Sovereign } from "../../../api/sovereign.ts";
import { referenceOf } from "../../billing-release/desired-rollout.ts";
import type { ReconcileContext } from "../context.ts";
import { type Evidence, shapeDifference } from "../evidence.ts";
import { requeueWithin } from "../findings.ts";
import { isShapeUncontradicted } from "../shape.ts";
import { falseCondition, type Stop, stalled, trueCondition, waiting } from "../status.ts";

/** When to measure again after a difference: a person may have corrected the schema or the Pod. */
const REMEASURE_MS = 60_000;

/**
 * Compares the measured fingerprints with the reference of exactly the image that the Sovereign runs. During a rollout,
 * Sovereigns that wait are compared with the reference of the earlier image.
 */
export function compareWithReference(
  { deps, sovereign, findings }: ReconcileContext,
  image: string,
  evidence: Evidence,
): Stop | undefined {
  const verified = (reason: string, message: string) => {
    findings.facts.verified = { image, since: verifiedSince(sovereign, image) ?? deps.now().toISOString() };
    findings.conditions.push(
      trueCondition(CONDITION.voucherShapeVerified, reason, message),
      trueCondition(CONDITION.inSync, "InSync", "every managed object is as the operator applied it"),
    );
    return undefined;
  };
  const release = deps.caches.releases.get(sovereign.spec.billing.release);
  const reference = referenceOf(release, image);
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
  const difference = shapeDifference(evidence, withSchemaOf(release, reference, evidence));
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
  const reported = findCondition(sovereign.status?.conditions, CONDITION.voucherShapeVerified);
  if (reported?.message !== difference) deps.events.record(sovereign, "Warning", "ShapeDiffers", difference);
  requeueWithin(findings, REMEASURE_MS);
  return stalled("ShapeDiffers", difference);
}

/**
 * After a return to the previous image, the schema is still the newer one. If the release declares its migrations backward
 * compatible, the schema is compared with the reference of the newer version, and the API with the reference of the image.
 */
function withSchemaOf(
  release: BillingRelease | undefined,
  reference: ReleaseReference,
  { schemaVersion, schemaFingerprint }: Evidence,
): ReleaseReference {
  const isNewer = schemaVersion !== undefined && schemaVersion > reference.schemaVersion;
  if (!isNewer || release?.spec.rollout.backwardCompatible !== true) return reference;
  const measured = release.status?.reference;
  // Catalyst-Zero itself may have failed on the newer image. Then nothing was measured to compare the schema with.
  const expected =
    measured?.schemaVersion === schemaVersion ? measured.schemaFingerprint : (schemaFingerprint ?? "");
  return { ...reference, schemaFingerprint: expected };
}

/** The time since which the image is verified without a break; undefined when it is not. */
function verifiedSince(sovereign: Sovereign, image: string): string | undefined {
  const { verified } = sovereign.status ?? {};
  return isShapeUncontradicted(sovereign) && verified?.image === image ? verified.since : undefined;
}
