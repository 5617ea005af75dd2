import type { BillingRelease, ReleaseReference } from "../../api/billing-release.ts";
import { findCondition, isConditionTrue, STALLED } from "../../api/condition.ts";
import { parseDurationMs } from "../../api/duration.ts";
import { SOVEREIGN_CONDITION, type Sovereign } from "../../api/sovereign.ts";

/** Why a Sovereign must wait for a release's image. `retryAfterMs` is set when the end of the wait is known. */
interface RolloutWait {
  kind: "wait";
  reason: string;
  message: string;
  retryAfterMs?: number;
}

/** Whether a Sovereign takes a release's image now. */
export type RolloutDecision = { kind: "update" } | RolloutWait;

const UPDATE: RolloutDecision = { kind: "update" };
const wait = (reason: string, message: string): RolloutWait => ({ kind: "wait", reason, message });

/**
 * Decides whether a Sovereign takes the release's image now. Catalyst-Zero always does, because the release is measured
 * there. The canaries that the release names go at the same time. When they are verified and the bake is over, the
 * others follow in the order of their names, as many at once as `maxUnavailable` allows. A Sovereign that never served takes no
 * place among them, because its update makes nothing unavailable. Every Sovereign gets the same answer from the same caches. `fleet` holds the Sovereigns on the release; `nowMs` is the time.
 */
export function decideRollout(
  sovereign: Sovereign,
  release: BillingRelease,
  fleet: readonly Sovereign[],
  nowMs: number,
): RolloutDecision {
  if (sovereign.status?.pinnedImage === release.spec.image || isCanary(sovereign, release)) return UPDATE;
  const wave = nextWave(release, fleet, nowMs);
  if (wave.wait !== undefined) return wave.wait;
  return wave.names.includes(sovereign.metadata.name)
    ? UPDATE
    : wait(
        "WaitingForWave",
        "other Sovereigns are updating, and spec.rollout.maxUnavailable of the BillingRelease allows no more at once: this one updates by itself afterwards",
      );
}

/** The Sovereigns that update next, by name, and what they wait for; `wait` is undefined when they update now. */
export interface Wave {
  names: string[];
  wait: RolloutWait | undefined;
}

export function nextWave(release: BillingRelease, fleet: readonly Sovereign[], nowMs: number): Wave {
  const { image, rollout } = release.spec;
  const blockedBy = (reason: string, message: string): Wave => ({ names: [], wait: wait(reason, message) });
  const openCanary = fleet.find((other) => isCanary(other, release) && !isVerifiedOn(other, image));
  if (openCanary !== undefined) {
    return blockedBy(
      "WaitingForCanary",
      `Sovereign ${openCanary.metadata.name} takes the release first and is not verified on it yet: this one updates by itself afterwards`,
    );
  }
  if (release.status?.reference?.image !== image) {
    return blockedBy(
      "WaitingForReference",
      "the release has no reference yet: the operator measures it on Catalyst-Zero, once Catalyst-Zero runs this image",
    );
  }
  const failed = fleet.find((other) => isFailedOn(other, release));
  if (failed !== undefined && rollout.haltOnFailure) {
    return blockedBy(
      "RolloutHalted",
      `Sovereign ${failed.metadata.name} failed on this release: repair it, or set spec.rollout.haltOnFailure of the BillingRelease to false`,
    );
  }
  const updating = fleet.filter(
    (other) => hasServed(other) && other.status?.pinnedImage === image && !isVerifiedOn(other, image),
  ).length;
  const places = Math.max(0, maxUnavailableOf(rollout.maxUnavailable, fleet.length) - updating);
  const due = fleet.filter((other) => other.status?.pinnedImage !== image && canUpdate(other));
  const namesOf = (sovereigns: readonly Sovereign[]) =>
    sovereigns.map(({ metadata }) => metadata.name).sort();
  const names = [
    ...namesOf(due.filter((other) => !hasServed(other))),
    ...namesOf(due.filter(hasServed)).slice(0, places),
  ];
  const bakesForMs = bakedAtMs(release, fleet) - nowMs;
  if (bakesForMs <= 0) return { names, wait: undefined };
  const message = `the last wave must stay verified for rollout.bake (${rollout.bake}) before the next one starts`;
  return { names, wait: { ...wait("Baking", message), retryAfterMs: bakesForMs } };
}

/** When the bake of the last wave is over, in milliseconds since 1970. */
export function bakedAtMs({ spec }: BillingRelease, fleet: readonly Sovereign[]): number {
  const updated = fleet.filter(({ status }) => status?.pinnedImage === spec.image);
  return Math.max(0, ...updated.map(verifiedAtMs)) + parseDurationMs(spec.rollout.bake);
}

/** Whether a Sovereign updates before the waves. A refused one, for example a second CatalystZero, does not. */
export function isCanary(sovereign: Sovereign, release: BillingRelease): boolean {
  const isNamed = release.spec.rollout.canaries?.includes(sovereign.metadata.name) === true;
  return isNamed || (sovereign.spec.role === "CatalystZero" && !isRefused(sovereign));
}

/** A Sovereign that this operator cannot update must not take a place in a wave. */
const canUpdate = (sovereign: Sovereign): boolean =>
  !sovereign.spec.suspend && sovereign.spec.cluster === undefined && !isRefused(sovereign);

/** A person has to act before this Sovereign runs anything at all. */
function isRefused({ status }: Sovereign): boolean {
  return status?.pinnedImage === undefined && isConditionTrue(status?.conditions, STALLED);
}

/** Whether the Sovereign ran a verified image before. Until then, nothing becomes unavailable by an update. */
const hasServed = ({ status }: Sovereign): boolean => status?.verifiedImage !== undefined;

/**
 * Whether a failure says something about the release. One Sovereign that never served and still lacks its Secret or its own
 * database does not, so it must not halt the others. A canary does in every case, and so does another shape.
 */
export function isFailedOn(sovereign: Sovereign, release: BillingRelease): boolean {
  const { status } = sovereign;
  if (status?.pinnedImage !== release.spec.image || !isConditionTrue(status.conditions, STALLED))
    return false;
  const shape = findCondition(status.conditions, SOVEREIGN_CONDITION.voucherShapeVerified);
  return hasServed(sovereign) || isCanary(sovereign, release) || shape?.reason === "ShapeDiffers";
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

/** The reference that was measured for an image. A Sovereign is compared with that of the image it runs. */
export function referenceOf(
  release: BillingRelease | undefined,
  image: string,
): ReleaseReference | undefined {
  const { reference, earlierReferences = [] } = release?.status ?? {};
  return [reference, ...earlierReferences].find((known) => known?.image === image);
}

/** At least 1: a small percentage of a small fleet must not stop the rollout. */
export function maxUnavailableOf(value: number | string, fleetSize: number): number {
  const count =
    typeof value === "number" ? value : Math.floor((Number(value.replace("%", "")) / 100) * fleetSize);
  return Math.max(1, count);
}
