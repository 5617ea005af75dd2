import type { BillingRelease, BillingReleaseStatus, ReleaseReference } from "../../api/billing-release.ts";
import { isConditionTrue, READY, STALLED, setCondition } from "../../api/condition.ts";
import { SOVEREIGN_CONDITION, type Sovereign } from "../../api/sovereign.ts";
import { isCanary, isVerifiedOn } from "./desired-target.ts";

/** How far the release has come among `sovereigns`, which are those on it. `now` is RFC 3339. */
export function desiredStatus(
  release: BillingRelease,
  sovereigns: readonly Sovereign[],
  now: string,
): BillingReleaseStatus {
  const { image } = release.spec;
  const updated = sovereigns.filter(
    ({ status }) =>
      status?.pinnedImage === image && isConditionTrue(status.conditions, SOVEREIGN_CONDITION.rolledOut),
  );
  const verified = sovereigns.filter((sovereign) => isVerifiedOn(sovereign, image));
  const drifted = updated.filter(({ status }) =>
    status?.conditions?.some(
      ({ type, status: value }) => type === SOVEREIGN_CONDITION.inSync && value === "False",
    ),
  );
  const failed = sovereigns.filter(({ status }) => isConditionTrue(status?.conditions, STALLED));
  const reference = referenceOf(release, sovereigns, now);
  const phase = phaseOf(release, sovereigns, { verified: verified.length, failed: failed.length });
  const { generation } = release.metadata;
  const isComplete = phase === "Complete";
  return {
    ...release.status,
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    phase,
    sovereigns: sovereigns.length,
    updated: updated.length,
    verified: verified.length,
    drifted: drifted.length,
    failed: failed.length,
    ...(reference === undefined ? {} : { reference }),
    conditions: setCondition(
      release.status?.conditions ?? [],
      {
        type: READY,
        status: isComplete ? "True" : "False",
        reason: phase,
        message: `${verified.length} of ${sovereigns.length} Sovereigns are verified on ${release.spec.version}`,
      },
      generation,
      now,
    ),
  };
}

/** What is measured on Catalyst-Zero counts, once its smoke test holds on this very image; it is measured once. */
function referenceOf(
  release: BillingRelease,
  sovereigns: readonly Sovereign[],
  now: string,
): ReleaseReference | undefined {
  const { image } = release.spec;
  const known = release.status?.reference;
  if (known?.image === image) return known;
  const zero = sovereigns.find(({ spec }) => spec.role === "CatalystZero");
  const { status } = zero ?? {};
  if (zero === undefined || status?.lastSmokeTest?.passed !== true || !isVerifiedOn(zero, image))
    return known;
  const { schemaVersion, schemaFingerprint, apiFingerprint } = status;
  if (schemaVersion === undefined || schemaFingerprint === undefined || apiFingerprint === undefined)
    return known;
  return {
    image,
    schemaVersion,
    schemaFingerprint,
    apiFingerprint,
    measuredOn: zero.metadata.name,
    measuredAt: now,
  };
}

function phaseOf(
  release: BillingRelease,
  sovereigns: readonly Sovereign[],
  counts: { verified: number; failed: number },
): NonNullable<BillingReleaseStatus["phase"]> {
  const { image, rollout } = release.spec;
  if (sovereigns.length === 0) return "Pending";
  if (counts.verified === sovereigns.length) return "Complete";
  if (counts.failed > 0 && rollout.haltOnFailure) return "Halted";
  const canaries = sovereigns.filter((sovereign) => isCanary(sovereign, release));
  return canaries.every((canary) => isVerifiedOn(canary, image)) ? "Progressing" : "Canary";
}
