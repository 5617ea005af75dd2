import type { BillingRelease, ReleaseReference } from "../../api/billing-release.ts";
import { findCondition, isConditionTrue, STALLED } from "../../api/condition.ts";
import { SOVEREIGN_CONDITION, type Sovereign } from "../../api/sovereign.ts";

/** May this Sovereign take the release's digest now? `retryAfterMs` is there where a time is known. */
export type Turn =
  | { kind: "now" }
  | { kind: "later"; reason: string; message: string; retryAfterMs?: number };

const NOW: Turn = { kind: "now" };
const later = (reason: string, message: string): Turn & { kind: "later" } => ({
  kind: "later",
  reason,
  message,
});

/**
 * Decides whose turn it is. Catalyst-Zero's is always now: there the release is measured. The canaries that the release
 * names go with it; then, once those are verified and have baked, as many others at once as `maxUnavailable` allows, in
 * the order of their names. Pure, and the same for every Sovereign that is judged against the same caches. `fleet` are
 * the Sovereigns on the release, `nowMs` is the time.
 */
export function turnOf(
  sovereign: Sovereign,
  release: BillingRelease,
  fleet: readonly Sovereign[],
  nowMs: number,
): Turn {
  if (sovereign.status?.pinnedImage === release.spec.image || goesFirst(sovereign, release)) return NOW;
  const wave = nextWave(release, fleet, nowMs);
  if (wave.obstacle !== undefined) return wave.obstacle;
  return wave.names.includes(sovereign.metadata.name)
    ? NOW
    : later("WaitingForWave", "other Sovereigns are updating: maxUnavailable is reached");
}

/** Those who come next, and what holds them back: nothing, a bake with its end, or what has no time. */
export interface Wave {
  names: string[];
  obstacle: (Turn & { kind: "later" }) | undefined;
}

export function nextWave(release: BillingRelease, fleet: readonly Sovereign[], nowMs: number): Wave {
  const { image, rollout } = release.spec;
  const blockedBy = (reason: string, message: string): Wave => ({
    names: [],
    obstacle: later(reason, message),
  });
  const openCanary = fleet.find((other) => goesFirst(other, release) && !isVerifiedOn(other, image));
  if (openCanary !== undefined) {
    return blockedBy(
      "WaitingForCanary",
      `${openCanary.metadata.name} takes the release first and is not verified yet`,
    );
  }
  if (release.status?.reference?.image !== image)
    return blockedBy("WaitingForReference", "the release is not measured yet: that happens on Catalyst-Zero");
  const failed = fleet.find((other) => isFailedOn(other, image));
  if (failed !== undefined && rollout.haltOnFailure) {
    return blockedBy(
      "RolloutHalted",
      `${failed.metadata.name} failed on this release: mend it, or set rollout.haltOnFailure to false`,
    );
  }
  const underWay = fleet.filter(
    (other) => other.status?.pinnedImage === image && !isVerifiedOn(other, image),
  ).length;
  const names = fleet
    .filter((other) => other.status?.pinnedImage !== image && canMove(other))
    .map(({ metadata }) => metadata.name)
    .sort()
    .slice(0, Math.max(0, maxUnavailableOf(rollout.maxUnavailable, fleet.length) - underWay));
  const bakesForMs = bakedAtMs(release, fleet) - nowMs;
  return {
    names,
    obstacle:
      bakesForMs > 0
        ? { ...later("Baking", `the last wave bakes for ${rollout.bake}`), retryAfterMs: bakesForMs }
        : undefined,
  };
}

/** When the last wave has held for long enough. */
export function bakedAtMs({ spec }: BillingRelease, fleet: readonly Sovereign[]): number {
  const updated = fleet.filter(({ status }) => status?.pinnedImage === spec.image);
  return Math.max(0, ...updated.map(verifiedAtMs)) + parseDurationMs(spec.rollout.bake);
}

/** Whether it takes the release before the waves. One that was refused, as a second CatalystZero is, goes nowhere. */
export function goesFirst(sovereign: Sovereign, release: BillingRelease): boolean {
  const isNamed = release.spec.rollout.canaries?.includes(sovereign.metadata.name) === true;
  return isNamed || (sovereign.spec.role === "CatalystZero" && !isRefused(sovereign));
}

/** It holds no place in a wave that it cannot take. */
const canMove = (sovereign: Sovereign): boolean =>
  !sovereign.spec.suspend && sovereign.spec.cluster === undefined && !isRefused(sovereign);

/** Somebody has to act before it runs anything at all. */
function isRefused({ status }: Sovereign): boolean {
  return status?.pinnedImage === undefined && isConditionTrue(status?.conditions, STALLED);
}

export function isFailedOn({ status }: Sovereign, image: string): boolean {
  return status?.pinnedImage === image && isConditionTrue(status.conditions, STALLED);
}

export function isVerifiedOn({ status }: Sovereign, image: string): boolean {
  return (
    status?.pinnedImage === image &&
    isConditionTrue(status.conditions, SOVEREIGN_CONDITION.voucherShapeVerified)
  );
}

function verifiedAtMs({ status }: Sovereign): number {
  const verified = findCondition(status?.conditions, SOVEREIGN_CONDITION.voucherShapeVerified);
  return verified?.status === "True" ? Date.parse(verified.lastTransitionTime) : 0;
}

/** What was measured of an image; a Sovereign is judged by that of the image it runs. */
export function referenceOf(
  release: BillingRelease | undefined,
  image: string,
): ReleaseReference | undefined {
  const { reference, earlierReferences = [] } = release?.status ?? {};
  return [reference, ...earlierReferences].find((known) => known?.image === image);
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
