import type { BillingRelease, ReleaseReference } from "../../api/billing-release.ts";
import type { Phase } from "../../api/rollout-status.ts";
import { ERROR_RATE_REGRESSED } from "../sovereign/desired-error-rate.ts";
import { isReturnHalt, isRolloutComplete, rolloutOf } from "./desired-completion.ts";
import { decideFollowers, isFinished, isFinishedWhereReachable } from "./desired-follower.ts";
import { imageObstacle } from "./desired-image-check.ts";
import type { Member, RolloutPlan } from "./desired-member.ts";
import { maxUnavailableOf } from "./desired-stage.ts";
import {
  approvalWait,
  clusterWait,
  isBlocked,
  RETURN_FAILED,
  type RolloutStep,
  type RolloutWait,
  WAVE,
  wait,
} from "./desired-step.ts";
import { mostOf, namesOf, stuckNext, type Tally } from "./desired-tally.ts";

/**
 * Decides the next step of a release's rollout, from measurements of its image on each Sovereign. The canaries take the
 * image first, all at once. Then one stage after the other takes it in waves. `nowMs` only decides whether a bake is over.
 */
export function decideStep(release: BillingRelease, tally: Tally, nowMs: number): RolloutStep {
  const { interventions, isReturning } = tally.plan;
  const stopped = (phase: Phase, reason: string, message: string, stage = 0): RolloutStep => ({
    phase,
    stage,
    next: [],
    wait: wait(reason, message),
    installsInMs: undefined,
  });
  if (tally.members.size === 0) return stopped("Pending", "WaitingForWave", "no Sovereign is on the release");
  const stage = openStage(tally);
  const halt = haltOf(release, tally);
  const aborted = interventions.abortedBy;
  if (aborted !== undefined || (halt !== undefined && isReturning)) {
    const step =
      aborted === undefined
        ? stopped("Halted", "RolloutHalted", `${halt?.message ?? ""}; ${RETURN_REMEDY}`, stage)
        : stopped("Aborted", "RolloutAborted", `${aborted} aborted the rollout: ${ABORT_REMEDY}`, stage);
    return isReturning ? { ...step, stage: -1, ...decideReturn(release, tally) } : step;
  }
  if (interventions.pausedBy !== undefined)
    return stopped(
      "Paused",
      "RolloutPaused",
      `${interventions.pausedBy} paused the rollout: ${PAUSE_REMEDY}`,
      stage,
    );
  if (halt !== undefined) {
    const isKept = isReturnHalt(rolloutOf(release)?.halt, interventions.resumedThrough);
    return stopped(
      "Halted",
      "RolloutHalted",
      isKept ? `${halt.message}; ${KEPT_REMEDY}` : halt.message,
      stage,
    );
  }
  const obstacle = isFinished(tally) ? undefined : imageObstacle(release);
  if (obstacle !== undefined) return stopped("Pending", obstacle.reason, obstacle.message, stage);
  if (isRolloutComplete(release)) return decideFollowers(release, tally);
  return openCanary(release, tally) ?? decideStage(release, tally, stage, nowMs);
}

const ABORT_REMEDY = "run `catalyst rollout resume`, or set spec.image to another release's digest";
const RETURN_REMEDY =
  "Sovereigns go back to their previous image: correct the cause, then run `catalyst rollout resume`";
const KEPT_REMEDY =
  "Sovereigns went back before spec.rollout.backwardCompatible became false: correct the cause, then run `catalyst rollout resume`";
const PAUSE_REMEDY = "run `catalyst rollout resume`";

/** Why no further Sovereign may start: one failed on the image, or an earlier halt is not resumed. */
export function haltOf(release: BillingRelease, tally: Tally): RolloutWait | undefined {
  const { spec } = release;
  const { image, interventions, isComplete } = tally.plan;
  const known = rolloutOf(release)?.halt;
  if (isReturnHalt(known, interventions.resumedThrough) && !isComplete)
    return wait(known.reason, known.message);
  if (!spec.rollout.haltOnFailure || isRolloutComplete(release)) return undefined;
  const failed = failedMembers(tally).find(({ pinnedImage }) => pinnedImage === image);
  if (failed === undefined) return undefined;
  if (failed.reason === ERROR_RATE_REGRESSED)
    return wait(failed.reason, `Sovereign ${failed.name} failed on this release: ${failed.message}`);
  return wait(
    failed.reason,
    `Sovereign ${failed.name} failed on this release (${failed.reason}): repair it, run \`catalyst rollout skip\` for it, or set spec.rollout.haltOnFailure of the BillingRelease to false`,
  );
}

/**
 * The canaries take the image at once. All other Sovereigns wait until each canary that is not left out is verified and the
 * release is measured.
 */
function openCanary(release: BillingRelease, tally: Tally): RolloutStep | undefined {
  const { names } = tally.stages[0] ?? {};
  const { image } = release.spec;
  if (names === undefined) return undefined;
  const next = [...names.new, ...names.moving, ...names.waiting, ...names.stuck];
  const open = [...next, ...names.updating, ...names.failed];
  const step = (reason: string, message: string): RolloutStep => ({
    phase: "Canary",
    stage: 0,
    next,
    wait: wait(reason, message),
    installsInMs: undefined,
  });
  if (open.length > 0)
    return step(
      "WaitingForCanary",
      `Sovereign ${open.sort()[0]} takes the release first and is not verified on it yet: this one updates by itself afterwards`,
    );
  if (release.status?.reference?.image === image) return undefined;
  return step(
    "WaitingForReference",
    "the release has no reference yet: the operator measures it on Catalyst-Zero, once Catalyst-Zero runs this image",
  );
}

/**
 * The first stage with a Sovereign that still has to update. A Sovereign that waits for a person, or that ran no image yet,
 * does not keep a stage open.
 */
function openStage({ stages }: Tally): number {
  const index = stages.findIndex(
    ({ names, updating }, at) => at > 0 && names.waiting.length + names.moving.length + updating > 0,
  );
  return index === -1 ? stages.length - 1 : index;
}

function decideStage(release: BillingRelease, tally: Tally, at: number, nowMs: number): RolloutStep {
  const { plan, stages } = tally;
  const reached = stages.slice(0, at + 1);
  const stage = plan.stages[at];
  const counted = stages[at];
  if (stage === undefined || counted === undefined) throw new Error(`the rollout has no stage ${at}`);
  const { names } = counted;
  const installsInMs = Math.max(0, bakesForMs(tally, 0, nowMs));
  const isOpen = names.waiting.length + names.moving.length + counted.updating > 0;
  const bakeMs = Math.max(...reached.map((_, index) => bakesForMs(tally, index, nowMs)));
  // The last wave bakes too, because a failure during its bake still halts the rollout.
  if (bakeMs <= 0 && isFinished(tally)) return decideFollowers(release, tally);
  if (isOpen && isBlocked(plan, at) && bakeMs <= 0)
    return {
      phase: "WaitingForApproval",
      stage: at,
      next: [],
      wait: approvalWait(release, stage.name),
      installsInMs,
    };
  const unavailable = reached.reduce((sum, each) => sum + each.unavailable, 0);
  const most = mostOf(plan, at, counted);
  const next = isBlocked(plan, at)
    ? []
    : [
        ...names.waiting.slice(0, Math.max(0, most - unavailable)),
        // These Sovereigns do not serve reliably anyway, so they take no place in the wave.
        ...reached.flatMap((each, index) =>
          isBlocked(plan, index)
            ? []
            : [...each.names.moving, ...stuckNext(tally, each, mostOf(plan, index, each))],
        ),
      ];
  if (bakeMs <= 0) {
    const wait = isFinishedWhereReachable(tally) ? clusterWait(release, [...tally.awaited].sort()) : WAVE;
    return { phase: "Progressing", stage: at, next, wait, installsInMs };
  }
  const message = "the last wave must stay verified for its bake before the rollout goes on";
  return {
    phase: "Baking",
    stage: at,
    next,
    wait: { ...wait("Baking", message), retryAfterMs: bakeMs },
    installsInMs,
  };
}

/** How long a stage still bakes, in milliseconds. */
function bakesForMs({ plan, stages }: Tally, at: number, nowMs: number): number {
  const { bakeMs = 0, name = "" } = plan.stages[at] ?? {};
  if (bakeMs === 0 || plan.interventions.bakeSkipped.has(name)) return 0;
  const sinceMs = Math.max(0, ...(stages[at]?.baking.values() ?? []));
  // A clock that was ahead wrote a time that is not reached yet. The bake then ends at the latest one bake from now.
  return Math.min(nowMs, sinceMs) + bakeMs - nowMs;
}

/**
 * While the rollout goes back, all stages count as one. Sovereigns that are not verified go first and take no place. After
 * one failed on its previous image, no Sovereign that is verified on the image leaves it.
 */
function decideReturn(release: BillingRelease, tally: Tally): Partial<Pick<RolloutStep, "next" | "wait">> {
  const { name } = release.metadata;
  const { interventions, image } = tally.plan;
  if (interventions.pausedBy !== undefined)
    return {
      next: [],
      wait: wait(
        "RolloutPaused",
        `${interventions.pausedBy} paused the rollout, so no further Sovereign goes back: run \`catalyst rollout abort ${name}\` to let them go back, or \`catalyst rollout resume ${name}\` to roll the image out again`,
      ),
    };
  const moving = namesOf(tally, "moving");
  const failed = failedMembers(tally).find(({ pinnedImage }) => pinnedImage !== image);
  if (failed !== undefined)
    return {
      next: moving,
      wait: wait(
        RETURN_FAILED,
        `Sovereign ${failed.name} went back and failed on its previous image too (${failed.reason}), so no other that serves goes back: repair it, or run \`catalyst rollout skip ${name} ${failed.name}\``,
      ),
    };
  const unavailable = tally.stages.reduce((sum, each) => sum + each.unavailable, 0);
  const most = maxUnavailableOf(release.spec.rollout.maxUnavailable, tally.members.size);
  return { next: [...moving, ...namesOf(tally, "waiting", Math.max(0, most - unavailable))] };
}

const failedMembers = (tally: Tally): Member[] =>
  namesOf(tally, "failed").flatMap((name) => tally.members.get(name) ?? []);

const STOPPED: readonly Phase[] = ["Pending", "Paused", "Halted", "Aborted"];

/** Whether a Sovereign takes a release's image now, goes back to the one before, or waits. */
export type RolloutDecision = { kind: "update" } | { kind: "return" } | ({ kind: "wait" } & RolloutWait);

export function decideMember(
  member: Member,
  step: RolloutStep,
  { image, isReturning, interventions }: RolloutPlan,
  nowMs: number,
): RolloutDecision {
  const waits: RolloutDecision = { kind: "wait", ...(step.wait ?? WAVE) };
  const isOnImage = member.pinnedImage === image;
  const isNext = step.next.includes(member.name);
  if (isReturning) {
    if (!isOnImage) return waits;
    if (member.untilMs !== undefined) return leftOut(member, nowMs);
    // A Sovereign that may go back, but whose status does not say so yet, still stops for a pause.
    const mayReturn = isNext || (member.state === "updating" && interventions.pausedBy === undefined);
    return mayReturn ? { kind: "return" } : { kind: "update" };
  }
  if (isOnImage) return { kind: "update" };
  if (member.state === "leftOut") return leftOut(member, nowMs);
  // It may update, but its status does not say so yet. A halt in the meantime still stops it.
  if (member.state === "updating") return STOPPED.includes(step.phase) ? waits : { kind: "update" };
  const isBaking = step.wait?.retryAfterMs !== undefined;
  const mayInstall = member.state === "new" && step.installsInMs === 0;
  return (isNext && !isBaking) || mayInstall ? { kind: "update" } : waits;
}

const leftOut = ({ reason, message, untilMs }: Member, nowMs: number): RolloutDecision => ({
  ...{ kind: "wait", reason, message },
  ...(untilMs === undefined ? {} : { retryAfterMs: untilMs - nowMs }),
});

/** The references that were measured for a release: the newest first. */
export function referencesIn({ status }: BillingRelease): ReleaseReference[] {
  const { reference, earlierReferences = [] } = status ?? {};
  return reference === undefined ? earlierReferences : [reference, ...earlierReferences];
}
