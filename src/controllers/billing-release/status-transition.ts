import { type BillingRelease, type BillingReleaseStatus, IMAGE_FOUND } from "../../api/billing-release.ts";
import { findCondition, READY } from "../../api/condition.ts";
import type { Intervention, Phase } from "../../api/rollout-status.ts";
import { CHECKING_IMAGE, IMAGE_NOT_FOUND, REGISTRY_UNAVAILABLE } from "./desired-image-check.ts";

/** Reason for Ready of a release that no Catalyst-Zero can measure. */
export const NOT_MEASURABLE = "NotMeasurable";

export interface Transition {
  type: "Normal" | "Warning";
  reason: string;
  message: string;
}

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
};

const INTERVENTION_REASON: Record<Intervention["kind"], string> = {
  Pause: "PauseRequested",
  Approve: "StageApproved",
  Skip: "SovereignSkipped",
  SkipBake: "BakeSkipped",
  Abort: "AbortRequested",
  Resume: "ResumeRequested",
};

const IMAGE_WARNINGS: readonly string[] = [IMAGE_NOT_FOUND, REGISTRY_UNAVAILABLE];
/** Not the start of a phase: what comes next says more. */
const WAITS_FOR_IMAGE: readonly string[] = [IMAGE_NOT_FOUND, CHECKING_IMAGE];

/** What a new status of a release says that the one before did not, for Events and the log. */
export function transitionsOf(
  { spec, status: before }: BillingRelease,
  after: BillingReleaseStatus,
): Transition[] {
  const isSameImage = before?.rollout?.image === spec.image;
  const known = isSameImage ? (before.rollout?.interventions ?? []) : [];
  const requested = (after.rollout?.interventions ?? []).filter(
    ({ kind, subject, by }) =>
      !known.some((each) => each.kind === kind && each.subject === subject && each.by === by),
  );
  const found: Transition[] = requested.map(({ kind, subject, by }) => ({
    type: "Normal",
    reason: INTERVENTION_REASON[kind],
    message: subject === "" ? `by ${by}` : `${subject}, by ${by}`,
  }));
  const [was, is] = [before, after].map((status) => findCondition(status?.conditions, READY));
  if (is?.reason === NOT_MEASURABLE && was?.reason !== NOT_MEASURABLE)
    found.push({ type: "Warning", reason: NOT_MEASURABLE, message: is.message });
  const check = findCondition(after.conditions, IMAGE_FOUND);
  const isSameAnswer = isSameImage && before.imageCheck?.result === after.imageCheck?.result;
  if (check !== undefined && IMAGE_WARNINGS.includes(check.reason) && !isSameAnswer)
    found.push({ type: "Warning", reason: check.reason, message: check.message });
  const { phase, rollout } = after;
  if (is !== undefined && WAITS_FOR_IMAGE.includes(is.reason)) return found;
  const isNews = !isSameImage || before.phase !== phase || before.rollout?.stage !== rollout?.stage;
  if (phase === undefined || !isNews) return found;
  const message = is?.message ?? "";
  const stage = rollout?.stage === undefined ? "" : `stage ${rollout.stage}: `;
  return [
    ...found,
    {
      type: phase === "Halted" || phase === "Aborted" ? "Warning" : "Normal",
      reason: PHASE_REASON[phase],
      message: `${stage}${message}`,
    },
  ];
}
