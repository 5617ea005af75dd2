import { type BillingRelease, type BillingReleaseStatus, IMAGE_FOUND } from "../../api/billing-release.ts";
import { findCondition, READY } from "../../api/condition.ts";
import type { Intervention, Phase } from "../../api/rollout-status.ts";
import type { Transition } from "../status-reconciler.ts";
import { rolloutOf } from "./desired-completion.ts";
import { CHECKING_IMAGE, IMAGE_NOT_FOUND, REGISTRY_UNAVAILABLE } from "./desired-image-check.ts";
import { RETURN_FAILED, WAITING_FOR_CLUSTER } from "./desired-step.ts";

/** Reason for Ready of a release that no Catalyst-Zero can measure. */
export const NOT_MEASURABLE = "NotMeasurable";

const PHASE_REASON: Record<Phase, string> = {
  Pending: "RolloutPending",
  Canary: "RolloutStarted",
  Progressing: "StageStarted",
  Baking: "BakeStarted",
  WaitingForApproval: "WaitingForApproval",
  Paused: "RolloutPaused",
  Halted: "RolloutHalted",
  Aborted: "RolloutAborted",
  Complete: "RolloutComplete",
  Degraded: "RolloutDegraded",
};

const INTERVENTION_REASON: Record<Intervention["kind"], string> = {
  Pause: "PauseRequested",
  Approve: "StageApproved",
  Skip: "SovereignSkipped",
  SkipBake: "BakeSkipped",
  Abort: "AbortRequested",
  Resume: "ResumeRequested",
};

const WARNINGS: readonly Phase[] = ["Halted", "Aborted", "Degraded"];
const IMAGE_WARNINGS: readonly string[] = [IMAGE_NOT_FOUND, REGISTRY_UNAVAILABLE];
const OBSTACLES: readonly string[] = [NOT_MEASURABLE, WAITING_FOR_CLUSTER, RETURN_FAILED];
/** While one of these is the reason of Ready, no new phase is reported, because no Sovereign may start yet. */
const WAITS_FOR_IMAGE: readonly string[] = [IMAGE_NOT_FOUND, CHECKING_IMAGE];

/** The changes between the present status of a release and the next one, for Events and the log. */
export function transitionsOf(release: BillingRelease, after: BillingReleaseStatus): Transition[] {
  const before = release.status;
  const known = rolloutOf(release) === undefined ? undefined : before;
  const found = [...interventionTransitions(known, after), ...obstacleTransitions(before, after)];
  const check = findCondition(after.conditions, IMAGE_FOUND);
  const isSameAnswer = known !== undefined && known.imageCheck?.result === after.imageCheck?.result;
  if (check !== undefined && IMAGE_WARNINGS.includes(check.reason) && !isSameAnswer)
    found.push({ type: "Warning", reason: check.reason, message: check.message });
  const ready = findCondition(after.conditions, READY);
  const waitsForImage = ready !== undefined && WAITS_FOR_IMAGE.includes(ready.reason);
  return waitsForImage ? found : [...found, ...phaseTransitions(known, after)];
}

function interventionTransitions(
  before: BillingReleaseStatus | undefined,
  after: BillingReleaseStatus,
): Transition[] {
  const known = before?.rollout?.interventions ?? [];
  return (after.rollout?.interventions ?? [])
    .filter(
      ({ kind, subject, by }) =>
        !known.some((each) => each.kind === kind && each.subject === subject && each.by === by),
    )
    .map(({ kind, subject, by }) => ({
      type: "Normal",
      reason: INTERVENTION_REASON[kind],
      message: subject === "" ? `by ${by}` : `${subject}, by ${by}`,
    }));
}

function obstacleTransitions(
  before: BillingReleaseStatus | undefined,
  after: BillingReleaseStatus,
): Transition[] {
  const [was, is] = [before, after].map((status) => findCondition(status?.conditions, READY));
  return is !== undefined && is.reason !== was?.reason && OBSTACLES.includes(is.reason)
    ? [{ type: "Warning", reason: is.reason, message: is.message }]
    : [];
}

/** `before` is of the same image. */
function phaseTransitions(
  before: BillingReleaseStatus | undefined,
  after: BillingReleaseStatus,
): Transition[] {
  const { phase, rollout } = after;
  const message = findCondition(after.conditions, READY)?.message ?? "";
  const isComplete = rollout?.completedAt !== undefined && before?.rollout?.completedAt === undefined;
  const found: Transition[] = isComplete
    ? [{ type: "Normal", reason: PHASE_REASON.Complete, message }]
    : failureTransitions(before, after);
  const isMoved =
    before?.phase !== phase || before?.rollout?.stage !== rollout?.stage || isHaltedAgain(before, after);
  if (phase === undefined || !isMoved || (isComplete && phase === "Complete")) return found;
  const stage = rollout?.stage === undefined ? "" : `stage ${rollout.stage}: `;
  return [
    ...found,
    {
      type: WARNINGS.includes(phase) ? "Warning" : "Normal",
      reason: phase === "Complete" && before?.phase === "Degraded" ? "RolloutRecovered" : PHASE_REASON[phase],
      message: `${stage}${message}`,
    },
  ];
}

/** A person resumed, and a Sovereign still fails. */
const isHaltedAgain = (before: BillingReleaseStatus | undefined, { phase, rollout }: BillingReleaseStatus) =>
  phase === "Halted" && before?.rollout?.halt?.number !== rollout?.halt?.number;

/** Sovereigns that failed while the rollout was halted already, or degraded. A halt whose Sovereigns go back has its own. */
function failureTransitions(
  before: BillingReleaseStatus | undefined,
  { phase, rollout }: BillingReleaseStatus,
): Transition[] {
  const isSameHalt =
    phase === "Halted" &&
    rollout?.halt?.returns === false &&
    rollout.halt.number === before?.rollout?.halt?.number;
  if ((phase !== "Degraded" && !isSameHalt) || before?.phase !== phase) return [];
  const failed = (of: BillingReleaseStatus["rollout"]) =>
    (of?.heldUpBy ?? []).filter(({ state }) => state === "Failed");
  const known = new Set(failed(before.rollout).map(({ name }) => name));
  return failed(rollout)
    .filter(({ name }) => !known.has(name))
    .map(({ name, reason, message }) => ({
      type: "Warning",
      reason: PHASE_REASON[phase],
      message: `Sovereign ${name} failed (${reason}): ${message}`,
    }));
}
