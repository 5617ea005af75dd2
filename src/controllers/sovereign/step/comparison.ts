import type { ReleaseReference } from "../../../api/billing-release.ts";
import { findCondition } from "../../../api/condition.ts";
import { SOVEREIGN_CONDITION as CONDITION, type Sovereign } from "../../../api/sovereign.ts";
import { referencesIn } from "../../billing-release/desired-rollout.ts";
import type { ReconcileContext } from "../context.ts";
import { type Evidence, shapeDifference } from "../evidence.ts";
import { requeueWithin } from "../findings.ts";
import { isShapeUncontradicted } from "../shape.ts";
import { falseCondition, type Stop, stalled, trueCondition, waiting } from "../status.ts";

/** When to measure again after a difference: a person may have corrected the schema or the Pod. */
const REMEASURE_MS = 60_000;

/**
 * Compares the measured fingerprints with the reference of exactly the image that the Sovereign runs. During a rollout,
 * Sovereigns that wait are compared with the reference of the earlier image. A Sovereign that moved to another release may
 * still run an image that only the earlier release measured.
 */
export function compareWithReference(
  { deps, sovereign, findings }: ReconcileContext,
  image: string,
  evidence: Evidence,
): Stop | undefined {
  const verified = (reason: string, message: string) => {
    const now = deps.now().toISOString();
    const known = verifiedSince(sovereign, image);
    // A clock that was ahead wrote a later time than now. A bake would wait for that time.
    const since = known === undefined || known > now ? now : known;
    findings.facts.verified = { image, since };
    findings.conditions.push(
      trueCondition(CONDITION.voucherShapeVerified, reason, message),
      trueCondition(CONDITION.inSync, "InSync", "every managed object is as the operator applied it"),
    );
    return undefined;
  };
  const release = deps.caches.releases.get(sovereign.spec.billing.release);
  const references = [release, ...deps.caches.releases.list()].flatMap((each) =>
    each === undefined ? [] : referencesIn(each),
  );
  const reference = references.find((known) => known.image === image);
  if (reference === undefined && sovereign.spec.role === "CatalystZero") {
    return verified(
      "Measured",
      "the smoke test passed; the fingerprints measured here become the release's reference",
    );
  }
  if (reference === undefined && isAsVerified(sovereign, image, evidence)) {
    return verified(
      "Verified",
      "the smoke test passed, and both fingerprints are as they were when the image was verified; no release has its reference any more",
    );
  }
  if (reference === undefined) {
    const { reason, message } = release?.spec.image === image ? WAITING_FOR_REFERENCE : REFERENCE_MISSING;
    findings.conditions.push(falseCondition(CONDITION.voucherShapeVerified, reason, message));
    return waiting(reason, message);
  }
  const mayBeNewer =
    sovereign.spec.role === "CatalystZero" || release?.spec.rollout.backwardCompatible === true;
  const { expected, compared } = withSchemaOf(references, reference, evidence, mayBeNewer);
  const difference = shapeDifference(evidence, expected);
  if (difference === undefined) {
    return verified("Verified", `the smoke test passed, and ${compared}`);
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

const WAITING_FOR_REFERENCE = {
  reason: "WaitingForReference",
  message:
    "the release has no reference yet: the operator measures it on Catalyst-Zero, once Catalyst-Zero runs this image",
};

/** Only the release's own image is sure to be measured, so this wait has the deadline of the Sovereign. */
const REFERENCE_MISSING = {
  reason: "ReferenceMissing",
  message:
    "no release has a reference of this image, and it is measured only while Catalyst-Zero runs it: let the rollout give this Sovereign the release's image, or set spec.image of the release to this one",
};

/** Whether nothing changed since the image was verified on this Sovereign. Its release of that time may be deleted. */
const isAsVerified = (sovereign: Sovereign, image: string, evidence: Evidence): boolean =>
  verifiedSince(sovereign, image) !== undefined &&
  sovereign.status?.schemaFingerprint === evidence.schemaFingerprint &&
  sovereign.status?.apiFingerprint === evidence.apiFingerprint;

/**
 * The API follows from the image, and the schema from its version. After a return to an earlier image, the schema is still
 * the newer one, so it is compared with the reference that was measured at the same version. An image that passes the smoke
 * test on a newer schema works with it: `catalyst migrate` and billing's readiness refuse any other. `compared` says what
 * is true when nothing differs.
 */
function withSchemaOf(
  references: readonly ReleaseReference[],
  reference: ReleaseReference,
  { schemaVersion = "", schemaFingerprint = "" }: Evidence,
  mayBeNewer: boolean,
): { expected: ReleaseReference; compared: string } {
  const { measuredOn } = reference;
  const asMeasured = { expected: reference, compared: `both fingerprints equal those of ${measuredOn}` };
  if (schemaVersion === reference.schemaVersion) return asMeasured;
  const ofApi = `the API fingerprint equals that of ${measuredOn}`;
  const measured = references.find((known) => known.schemaVersion === schemaVersion);
  if (measured !== undefined)
    return {
      expected: { ...reference, schemaVersion, schemaFingerprint: measured.schemaFingerprint },
      compared: `${ofApi} with this image, and the schema fingerprint that of ${measured.measuredOn} with another image at version ${schemaVersion}`,
    };
  // Catalyst-Zero may have left the newer image before it was measured. Then there is nothing to compare the schema with.
  const isNewer = schemaVersion > reference.schemaVersion;
  if (!isNewer || !mayBeNewer) return asMeasured;
  return {
    expected: { ...reference, schemaVersion, schemaFingerprint },
    compared: `${ofApi}; only the API was compared, because no release has a reference of schema version ${schemaVersion}`,
  };
}

/** The time since which the image is verified without a break; undefined when it is not. */
function verifiedSince(sovereign: Sovereign, image: string): string | undefined {
  const { verified } = sovereign.status ?? {};
  return isShapeUncontradicted(sovereign) && verified?.image === image ? verified.since : undefined;
}
