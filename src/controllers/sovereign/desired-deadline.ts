import { findCondition, READY } from "../../api/condition.ts";
import { parseDurationMs } from "../../api/duration.ts";
import {
  SOVEREIGN_CONDITION as CONDITION,
  DEADLINE_DEFAULT,
  type Sovereign,
  type SovereignStatus,
} from "../../api/sovereign.ts";
import type { Findings, Stop } from "./findings.ts";

type Deadline = keyof typeof DEADLINE_DEFAULT;

/** The reason of a Sovereign that waits beyond a deadline. */
const REASON: Record<Deadline, string> = {
  migration: "MigrationDeadlineExceeded",
  rollout: "RolloutDeadlineExceeded",
  ready: "ReadyDeadlineExceeded",
};

/** What a Sovereign waits for in vain. */
const WHAT: Record<Deadline, string> = {
  migration: "the migration has not ended",
  rollout: "the rollout has not ended",
  ready: "the Sovereign is not Ready",
};

/** Waits for the rollout. No deadline of this Sovereign counts: the BillingRelease says who or what holds it up. */
const WAITS_FOR_ROLLOUT = new Set([
  ...["WaitingForWave", "WaitingForCanary", "WaitingForReference", "Baking", "RolloutHalted"],
  ...["WaitingForApproval", "RolloutPaused", "RolloutAborted", "Held", "Skipped"],
  ...["CheckingImage", "ImageNotFound"],
]);

/** A deadline in milliseconds; 0 means none. */
export const deadlineMs = ({ spec }: Sovereign, which: Deadline): number =>
  parseDurationMs(spec.billing.deadlines?.[which] ?? DEADLINE_DEFAULT[which]);

/**
 * Since when a Sovereign moves to its present goal, which is a spec and an image. Another goal starts the clock again.
 * Undefined while nothing is left to do, or while the operator is not to act.
 */
export function desiredProgress(
  { metadata, status }: Sovereign,
  { stop, facts }: Findings,
  now: string,
): SovereignStatus["progress"] {
  if (stop === undefined || stop.kind === "unknown" || WAITS_FOR_ROLLOUT.has(stop.reason)) return undefined;
  const { generation = 0 } = metadata;
  const image = facts.pinnedImage ?? status?.pinnedImage;
  const before = status?.progress;
  if (before?.generation === generation && before.image === image) return before;
  return { generation, ...(image === undefined ? {} : { image }), since: now };
}

/** A deadline that is over, or the time until the next one is. */
type Verdict =
  | { kind: "overdue"; reason: string; message: string }
  | { kind: "due"; inMs: number }
  | { kind: "none" };

/** RFC 3339. `ledSince` is the beginning of this term of leadership. */
export interface LedTime {
  now: string;
  ledSince: string;
}

/**
 * Whether a waiting Sovereign has waited too long. Only this term of leadership counts: while the operator was away, nothing could
 * end the wait. A wait that was reported as too long stays so.
 */
export function judgeDeadlines(
  sovereign: Sovereign,
  findings: Findings,
  { now, ledSince }: LedTime,
): Verdict {
  const { stop } = findings;
  const progress = desiredProgress(sovereign, findings, now);
  if (stop?.kind !== "waiting" || progress === undefined) return { kind: "none" };
  const earliestMs = isReported(sovereign, progress) ? 0 : Date.parse(ledSince);
  const sinceMs = Math.max(Date.parse(progress.since), earliestMs);
  const step = stepOf(findings, stop);
  const before = step && findCondition(sovereign.status?.conditions, step.type);
  // A step that was False before this goal counts from the goal on, and one that is False since now from now on.
  const stepSinceMs = before?.status === "False" ? Date.parse(before.lastTransitionTime) : Date.parse(now);
  const waits: [Deadline, number][] = [
    ...(step === undefined ? [] : [[step.deadline, Math.max(sinceMs, stepSinceMs)] as [Deadline, number]]),
    ["ready", sinceMs],
  ];
  const limited = waits.flatMap(([which, fromMs]) => {
    const limitMs = deadlineMs(sovereign, which);
    return limitMs === 0 ? [] : [{ which, inMs: fromMs + limitMs - Date.parse(now) }];
  });
  const over = limited.find(({ inMs }) => inMs <= 0);
  if (over === undefined)
    return limited.length === 0
      ? { kind: "none" }
      : { kind: "due", inMs: Math.min(...limited.map(({ inMs }) => inMs)) };
  const { which } = over;
  const limit = sovereign.spec.billing.deadlines?.[which] ?? DEADLINE_DEFAULT[which];
  return {
    kind: "overdue",
    reason: REASON[which],
    message: `${WHAT[which]} within ${limit} (spec.billing.deadlines.${which}): ${stop.message}`,
  };
}

function isReported({ status }: Sovereign, progress: SovereignStatus["progress"]): boolean {
  const told = findCondition(status?.conditions, READY)?.reason;
  return status?.progress === progress && Object.values(REASON).some((reason) => reason === told);
}

function stepOf({ conditions }: Findings, stop: Stop) {
  const steps = [
    { type: CONDITION.migrated, deadline: "migration" },
    { type: CONDITION.rolledOut, deadline: "rollout" },
  ] as const;
  return steps.find(({ type }) =>
    conditions.some(
      (found) => found.type === type && found.status === "False" && found.reason === stop.reason,
    ),
  );
}
