import type { BillingRelease } from "../../api/billing-release.ts";
import { findCondition, isConditionTrue, STALLED } from "../../api/condition.ts";
import { SOVEREIGN_CONDITION, type Sovereign } from "../../api/sovereign.ts";

/** May this Sovereign take the release's digest now? */
export type Turn = { kind: "now" } | { kind: "later"; reason: string; message: string; retryAfterMs: number };

const NOW: Turn = { kind: "now" };
const LATER_MS = 10_000;

/**
 * Decides whose turn it is: canaries first (Catalyst-Zero where none are named), then, once they are verified and have
 * baked, as many others at once as `maxUnavailable` allows, in the order of their names. Pure, and the same for every
 * Sovereign that is judged against the same caches. `nowMs` is the time.
 */
export function turnOf(
  sovereign: Sovereign,
  release: BillingRelease,
  all: readonly Sovereign[],
  nowMs: number,
): Turn {
  const { image, rollout } = release.spec;
  if (sovereign.status?.pinnedImage === image || isCanary(sovereign, release)) return NOW;
  const fleet = all.filter(({ spec }) => spec.billing.release === release.metadata.name);

  const canaries = fleet.filter((other) => isCanary(other, release));
  const openCanary = canaries.find((canary) => !isVerifiedOn(canary, image));
  if (openCanary !== undefined) {
    return later(
      "WaitingForCanary",
      `${openCanary.metadata.name} takes the release first and is not verified yet`,
    );
  }
  if (release.status?.reference?.image !== image) {
    return later("WaitingForReference", "the release is not measured yet: that happens on Catalyst-Zero");
  }
  const updated = fleet.filter(({ status }) => status?.pinnedImage === image);
  const failed = updated.find(({ status }) => isConditionTrue(status?.conditions, STALLED));
  if (failed !== undefined && rollout.haltOnFailure) {
    return later(
      "RolloutHalted",
      `${failed.metadata.name} failed on this release: mend it, or set rollout.haltOnFailure to false`,
    );
  }
  const bakedAtMs = Math.max(0, ...updated.map(verifiedAtMs)) + parseDurationMs(rollout.bake);
  if (bakedAtMs > nowMs) {
    return { ...later("Baking", `the last wave bakes for ${rollout.bake}`), retryAfterMs: bakedAtMs - nowMs };
  }
  const underWay = updated.filter((other) => !isVerifiedOn(other, image)).length;
  const places = Math.max(0, maxUnavailableOf(rollout.maxUnavailable, fleet.length) - underWay);
  const next = fleet
    .filter(({ status, spec }) => status?.pinnedImage !== image && !spec.suspend)
    .map(({ metadata }) => metadata.name)
    .sort()
    .slice(0, places);
  return next.includes(sovereign.metadata.name)
    ? NOW
    : later("WaitingForWave", "other Sovereigns are updating: maxUnavailable is reached");
}

const later = (reason: string, message: string): Turn & { kind: "later" } => ({
  kind: "later",
  reason,
  message,
  retryAfterMs: LATER_MS,
});

export function isCanary(sovereign: Sovereign, release: BillingRelease): boolean {
  const { canaries } = release.spec.rollout;
  if (canaries !== undefined && canaries.length > 0) return canaries.includes(sovereign.metadata.name);
  return sovereign.spec.role === "CatalystZero";
}

export function isVerifiedOn(sovereign: Sovereign, image: string): boolean {
  const { status } = sovereign;
  return (
    status?.pinnedImage === image &&
    isConditionTrue(status.conditions, SOVEREIGN_CONDITION.voucherShapeVerified)
  );
}

function verifiedAtMs({ status }: Sovereign): number {
  const verified = findCondition(status?.conditions, SOVEREIGN_CONDITION.voucherShapeVerified);
  return verified?.status === "True" ? Date.parse(verified.lastTransitionTime) : 0;
}

/** At least one: a percentage of a small fleet must not stop it. */
export function maxUnavailableOf(value: number | string, fleetSize: number): number {
  const count =
    typeof value === "number" ? value : Math.floor((Number(value.replace("%", "")) / 100) * fleetSize);
  return Math.max(1, count);
}

/** `1h30m`, `15m`, `90s` in milliseconds. */
export function parseDurationMs(text: string): number {
  const match = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(text);
  const [, hours = "0", minutes = "0", seconds = "0"] = match ?? [];
  return ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000;
}
