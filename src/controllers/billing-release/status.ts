import type { BillingRelease, BillingReleaseStatus, ReleaseReference } from "../../api/billing-release.ts";
import { isConditionTrue, RECONCILING, STALLED } from "../../api/condition.ts";
import { SOVEREIGN_CONDITION, type Sovereign } from "../../api/sovereign.ts";
import { readyConditions } from "../readiness.ts";
import { bakedAtMs, isCanary, isFailedOn, isVerifiedOn } from "./desired-rollout.ts";

type Phase = NonNullable<BillingReleaseStatus["phase"]>;

/** The kstatus condition of each phase. A release without Sovereigns has nothing to reconcile. */
const PROGRESS: Record<Phase, typeof STALLED | typeof RECONCILING | undefined> = {
  Pending: undefined,
  Canary: RECONCILING,
  Progressing: RECONCILING,
  Baking: RECONCILING,
  Halted: STALLED,
  Complete: undefined,
};

/** What each phase adds to the message: what the release waits for, and what a person can do. */
const PHASE_NOTE: Record<Phase, string> = {
  Pending: ": no Sovereign names this release in spec.billing.release",
  Canary: ": the canaries take it first",
  Progressing: ": the others follow in waves",
  Baking: ": the last wave must stay verified for spec.rollout.bake",
  Halted: ": a Sovereign failed on it; repair that Sovereign, or set spec.rollout.haltOnFailure to false",
  Complete: "",
};

/** The release's status, from the Sovereigns on it. `now` is RFC 3339. */
export function desiredStatus(
  release: BillingRelease,
  sovereigns: readonly Sovereign[],
  now: string,
): BillingReleaseStatus {
  const { image, version } = release.spec;
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
  const phase = phaseOf(release, sovereigns, Date.parse(now));
  const { generation } = release.metadata;
  const readiness = {
    status: phase === "Complete" ? ("True" as const) : ("False" as const),
    reason: phase,
    message: `${verified.length} of ${sovereigns.length} Sovereigns are verified on version ${version}${PHASE_NOTE[phase]}`,
    progress: PROGRESS[phase],
  };
  return {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    phase,
    sovereigns: sovereigns.length,
    updated: updated.length,
    verified: verified.length,
    drifted: drifted.length,
    failed: sovereigns.filter(({ status }) => isConditionTrue(status?.conditions, STALLED)).length,
    ...references(release, sovereigns, now),
    conditions: readyConditions(release.status?.conditions, readiness, generation, now),
  };
}

/** The reference of the present image once it is measured, and those of earlier images that Sovereigns still run. */
function references(
  release: BillingRelease,
  sovereigns: readonly Sovereign[],
  now: string,
): Pick<BillingReleaseStatus, "reference" | "earlierReferences"> {
  const { reference: known, earlierReferences = [] } = release.status ?? {};
  const reference =
    known?.image === release.spec.image ? known : (measure(release, sovereigns, now) ?? known);
  const running = new Set(sovereigns.map(({ status }) => status?.pinnedImage));
  const earlier = [known, ...earlierReferences].filter(
    (each) => each !== undefined && each.image !== reference?.image && running.has(each.image),
  );
  return {
    ...(reference === undefined ? {} : { reference }),
    ...(earlier.length === 0
      ? {}
      : { earlierReferences: earlier.slice(0, MAX_EARLIER) as ReleaseReference[] }),
  };
}

const MAX_EARLIER = 16;

/** Measures the image on Catalyst-Zero, once, when Catalyst-Zero's smoke test passed on this very image. */
function measure(
  release: BillingRelease,
  sovereigns: readonly Sovereign[],
  now: string,
): ReleaseReference | undefined {
  const { image } = release.spec;
  const zero = sovereigns.find(
    (sovereign) => sovereign.spec.role === "CatalystZero" && isVerifiedOn(sovereign, image),
  );
  const { status } = zero ?? {};
  if (zero === undefined || status?.lastSmokeTest?.passed !== true) return undefined;
  const { schemaVersion, schemaFingerprint, apiFingerprint } = status;
  if (schemaVersion === undefined || schemaFingerprint === undefined || apiFingerprint === undefined)
    return undefined;
  return {
    image,
    schemaVersion,
    schemaFingerprint,
    apiFingerprint,
    measuredOn: zero.metadata.name,
    measuredAt: now,
  };
}

function phaseOf(release: BillingRelease, sovereigns: readonly Sovereign[], nowMs: number): Phase {
  const { image, rollout } = release.spec;
  if (sovereigns.length === 0) return "Pending";
  if (sovereigns.every((sovereign) => isVerifiedOn(sovereign, image))) return "Complete";
  if (rollout.haltOnFailure && sovereigns.some((sovereign) => isFailedOn(sovereign, release)))
    return "Halted";
  const isCanaryOpen = sovereigns.some(
    (sovereign) => isCanary(sovereign, release) && !isVerifiedOn(sovereign, image),
  );
  if (isCanaryOpen) return "Canary";
  return bakedAtMs(release, sovereigns) > nowMs ? "Baking" : "Progressing";
}
