import type { BillingRelease } from "../../api/billing-release.ts";
import { findCondition, isConditionTrue, READY, STALLED } from "../../api/condition.ts";
import {
  CLUSTER_REACHABLE,
  ERROR_RATE_NORMAL,
  SOVEREIGN_CONDITION,
  type Sovereign,
} from "../../api/sovereign.ts";
import { hasErrorRegression } from "../sovereign/desired-error-rate.ts";
import { isReturnHalt, isRolloutComplete, rolloutOf } from "./desired-completion.ts";
import { type Interventions, interventionsOf } from "./desired-intervention.ts";
import { returnImageOf, rolloutStart } from "./desired-return.ts";
import { isCatalystZero, isRefused, type Stage, stagesOf } from "./desired-stage.ts";
import {
  hasOtherShape,
  hasRolledOut,
  isBroken,
  isFailing,
  isVerifiedOn,
  needsPersonThere,
  wasVerifiedOn,
} from "./desired-verdict.ts";

/** The facts of a release that decide the state of each Sovereign in its rollout. */
export interface RolloutPlan {
  image: string;
  /** The release, and its generation with which the rollout of the image began. */
  releaseUid: string;
  startGeneration: number | undefined;
  stages: readonly Stage[];
  interventions: Interventions;
  /** Whether the Sovereigns that took the image go back to their previous image. */
  isReturning: boolean;
  /** Whether the rollout was complete at some time, and its Sovereigns do not go back. */
  isComplete: boolean;
}

export function planOf(release: BillingRelease): RolloutPlan {
  const interventions = interventionsOf(release);
  const { image, rollout } = release.spec;
  const wasComplete = isRolloutComplete(release);
  const isHaltReturning =
    isReturnHalt(rolloutOf(release)?.halt, interventions.resumedThrough) && !wasComplete;
  const isReturning =
    rollout.backwardCompatible && (interventions.abortedBy !== undefined || isHaltReturning);
  return {
    image,
    releaseUid: release.metadata.uid ?? "",
    startGeneration: rolloutStart(release),
    stages: stagesOf(release),
    interventions,
    isReturning,
    isComplete: wasComplete && !isReturning,
  };
}

/**
 * The state of a Sovereign in a rollout. It follows from measurements of an image, never from their time. `leftOut`: takes
 * no part. `new`: ran no image yet. `waiting`: serves with another image. `moving`: changes between two other images, so it
 * does not serve reliably. `stuck`: stalled on another image, or was failing already when it took this one, so a person may
 * have to act. `updating`, `failed`, `verified`: takes the image, failed on it, or passed on it.
 */
export type MemberState =
  | "leftOut"
  | "new"
  | "waiting"
  | "moving"
  | "stuck"
  | "updating"
  | "failed"
  | "verified";

export const MEMBER_STATES: readonly MemberState[] = [
  "leftOut",
  "new",
  "waiting",
  "moving",
  "stuck",
  "updating",
  "failed",
  "verified",
];

export interface Member {
  name: string;
  /** Index of its stage. */
  stage: number;
  state: MemberState;
  /** Whether it served before it took its image. A first installation makes nothing unavailable. */
  hasServed: boolean;
  /**
   * Whether it takes a place in a wave: it served, and now takes the image, failed on it, or changes between two other
   * images.
   */
  takesPlace: boolean;
  /**
   * Whether it waits for a person and did not fail on the image. It then blocks neither another Sovereign nor the
   * completion.
   */
  needsPerson: boolean;
  /**
   * Whether its cluster is unreachable, and it served without being verified on the image. It then delays the completion,
   * and no other Sovereign.
   */
  isAwaited: boolean;
  /**
   * The start of its bake, in milliseconds since 1970. Undefined for a first installation outside the canaries, which does
   * not delay others.
   */
  bakesSinceMs: number | undefined;
  /** The time at which its hold ends and its state changes, in milliseconds since 1970. */
  untilMs: number | undefined;
  reason: string;
  message: string;
  pinnedImage: string | undefined;
  previousImage: string | undefined;
  isCatalystZero: boolean;
  isUpdated: boolean;
  isVerified: boolean;
  isDrifted: boolean;
  isStalled: boolean;
  /** Whether its Pods of some image are available. */
  hasPods: boolean;
}

/** `isReserved`: the Sovereign may take the image, but its status does not say so yet. */
export function memberOf(sovereign: Sovereign, plan: RolloutPlan, nowMs: number, isReserved = false): Member {
  const { metadata, status } = sovereign;
  const { pinnedImage, verified, previousImage, conditions } = status ?? {};
  const isOnImage = pinnedImage === plan.image;
  const heldMs = isReserved ? undefined : heldUntilMs(sovereign, plan, nowMs);
  const exclusion = exclusionOf(sovereign, plan);
  const isUnreachable = heldMs === undefined && exclusion?.isUnreachable === true;
  const isVerified = isVerifiedOn(sovereign, plan.image);
  const stage = plan.stages.findIndex(({ takes }) => takes(sovereign));
  const hasServed = previousImage !== undefined || verified !== undefined;
  const isStalled = isConditionTrue(conditions, STALLED);
  const held = { reason: "Held", message: sovereign.spec.billing.hold?.reason ?? "" };
  const text = exclusion ?? (heldMs === undefined ? stateText(sovereign, plan.image) : held);
  const state =
    exclusion !== undefined || heldMs !== undefined
      ? "leftOut"
      : plan.isReturning
        ? returningState(sovereign, plan, isReserved)
        : stateOf(sovereign, plan.image, isReserved, stage === 0);
  return {
    name: metadata.name,
    stage,
    state,
    hasServed,
    takesPlace: hasServed && takesPlace(state, sovereign, plan),
    needsPerson: isStalled && (STUCK.includes(state) || (state === "updating" && !hasServed)),
    isAwaited:
      isUnreachable && hasServed && !wasVerifiedOn(sovereign, plan.image) && !needsPersonThere(sovereign),
    bakesSinceMs: bakesSinceMs(sovereign, plan.image, stage === 0, isUnreachable),
    untilMs: heldMs,
    reason: text.reason,
    message: text.message,
    pinnedImage,
    previousImage,
    isCatalystZero: isCatalystZero(sovereign),
    isUpdated: isOnImage && hasRolledOut(sovereign),
    isVerified,
    isDrifted:
      isOnImage &&
      hasRolledOut(sovereign) &&
      findCondition(conditions, SOVEREIGN_CONDITION.inSync)?.status === "False",
    isStalled,
    hasPods: isConditionTrue(conditions, SOVEREIGN_CONDITION.rolledOut),
  };
}

const STUCK: readonly MemberState[] = ["stuck", "new"];
const UNAVAILABLE: readonly MemberState[] = ["updating", "failed", "moving"];

/**
 * After the completion, the image is known to work. A later failure of a Sovereign that was verified on it does not count
 * against the image.
 */
const takesPlace = (state: MemberState, { status }: Sovereign, { image, isComplete }: RolloutPlan): boolean =>
  UNAVAILABLE.includes(state) && !(isComplete && status?.verified?.image === image);

/** The reason and message that the Sovereign's own status gives. `Ready` does not show that too many requests fail. */
function stateText(sovereign: Sovereign, image: string): { reason: string; message: string } {
  const { status } = sovereign;
  const { conditions } = status ?? {};
  const ready = findCondition(conditions, READY);
  const errorRate = findCondition(conditions, ERROR_RATE_NORMAL);
  // While the error rate cannot be measured, `Ready` says why and what to do.
  const isErrorRateCause =
    hasErrorRegression(status, image) && errorRate?.status === "False" && !isBroken(sovereign);
  const { reason = "NotChecked", message = "" } = (isErrorRateCause ? errorRate : ready) ?? {};
  return { reason, message };
}

/**
 * A Sovereign that never served may still lack its own Secret or database. Its failure says nothing about the image, so it
 * must not halt the others. The failure of a canary counts in every case, and so does a different shape.
 */
function stateOf(sovereign: Sovereign, image: string, isReserved: boolean, isCanary: boolean): MemberState {
  const { pinnedImage, verified } = sovereign.status ?? {};
  if (pinnedImage === image) {
    // A Sovereign that failed before it took the image says nothing about the image. A canary must be verified in every
    // case.
    if (hadFailedBefore(sovereign, image) && !isCanary) return "stuck";
    if (isFailing(sovereign) && (verified !== undefined || isCanary || hasOtherShape(sovereign)))
      return "failed";
    return isVerifiedOn(sovereign, image) ? "verified" : "updating";
  }
  if (isReserved) return "updating";
  if (pinnedImage === undefined || verified === undefined) return "new";
  if (isConditionTrue(sovereign.status?.conditions, STALLED)) return "stuck";
  return verified.image === pinnedImage ? "waiting" : "moving";
}

/**
 * While the rollout goes back, the target is the previous image. Sovereigns that did not take the image in this rollout have
 * nothing to do. One that is stalled on its previous image failed on the way back.
 */
function returningState(sovereign: Sovereign, plan: RolloutPlan, isReserved: boolean): MemberState {
  const { image } = plan;
  const { pinnedImage } = sovereign.status ?? {};
  if (pinnedImage === undefined) return "leftOut";
  if (pinnedImage === image) {
    // A first installation has no image to go back to. Nor has one that left an image before it was verified on another,
    // or one that had the image before this rollout.
    if (returnImageOf(sovereign, plan) === undefined)
      return isVerifiedOn(sovereign, image) ? "verified" : "failed";
    if (isReserved) return "updating";
    return isVerifiedOn(sovereign, image) && !isFailing(sovereign) ? "waiting" : "moving";
  }
  if (isVerifiedOn(sovereign, pinnedImage)) return "verified";
  if (!isConditionTrue(sovereign.status?.conditions, STALLED)) return "updating";
  const wentBack = pinnedImage === returnImageOf(sovereign, plan);
  return wentBack && !hadFailedBefore(sovereign, image) ? "failed" : "stuck";
}

/** Whether it failed before it took the image, and was never verified on it. */
const hadFailedBefore = ({ status }: Sovereign, image: string): boolean =>
  status?.takenWhileFailing === image && status.verified?.image !== image;

/** An outage does not end a bake: a Sovereign that was verified before the outage continues to bake. */
function bakesSinceMs(
  sovereign: Sovereign,
  image: string,
  isCanary: boolean,
  isUnreachable: boolean,
): number | undefined {
  const { verified, previousImage } = sovereign.status ?? {};
  const isVerified = isVerifiedOn(sovereign, image) || (isUnreachable && wasVerifiedOn(sovereign, image));
  if (!isVerified || verified === undefined || (!isCanary && previousImage === undefined)) return undefined;
  return Date.parse(verified.since);
}

/** The end of a hold that keeps a Sovereign on its image, in milliseconds since 1970; undefined when none does. */
function heldUntilMs(
  sovereign: Sovereign,
  { image, isReturning }: RolloutPlan,
  nowMs: number,
): number | undefined {
  const untilMs = Date.parse(sovereign.spec.billing.hold?.until ?? "");
  if (!(untilMs > nowMs)) return undefined;
  if (sovereign.status?.pinnedImage !== image) return untilMs;
  // A Sovereign that is changing its image completes the change. One that serves also stays while the others go back.
  return isReturning && isVerifiedOn(sovereign, image) && !isFailing(sovereign) ? untilMs : undefined;
}

function exclusionOf(
  sovereign: Sovereign,
  { interventions, image }: RolloutPlan,
): { reason: string; message: string; isUnreachable?: true } | undefined {
  // Its deletion may wait, and it takes no image meanwhile: a wave must not wait for it.
  if (sovereign.metadata.deletionTimestamp !== undefined)
    return { reason: "Deleting", message: "the Sovereign is being deleted" };
  const skippedBy = interventions.skipped.get(sovereign.metadata.name);
  if (skippedBy !== undefined) return { reason: "Skipped", message: `${skippedBy} skipped it` };
  if (sovereign.spec.suspend) return { reason: "Suspended", message: "spec.suspend is true" };
  const contact = findCondition(sovereign.status?.conditions, CLUSTER_REACHABLE);
  // A Sovereign that cannot be observed must not delay others. One that had failed on the image still counts as failed.
  if (contact?.status === "False" && sovereign.status?.cluster?.stalledOn !== image)
    return { reason: contact.reason, message: contact.message, isUnreachable: true };
  return isRefused(sovereign)
    ? {
        reason: "Refused",
        message: "it is stalled before it runs any image: its condition Ready says what to do",
      }
    : undefined;
}
