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

/** The reason of a Sovereign that has waited longer than the deadline. */
const REASON: Record<Deadline, string> = {
  migration: "MigrationDeadlineExceeded",
  rollout: "RolloutDeadlineExceeded",
  ready: "ReadyDeadlineExceeded",
};

/** The event that did not happen in time, for the message. */
const WHAT: Record<Deadline, string> = {
  migration: "the migration has not ended",
  rollout: "the rollout has not ended",
  ready: "the Sovereign is not Ready",
};

/** A deletion has the deadline of the Sovereign as a whole. */
const DELETION = { reason: "DeletionDeadlineExceeded", what: "the Sovereign is not deleted" };
const REASONS: readonly string[] = [...Object.values(REASON), DELETION.reason];

/**
 * Reasons of a Sovereign that waits for the rollout. Its own deadlines do not count then, and the BillingRelease names the
 * cause.
 */
const WAITS_FOR_ROLLOUT = new Set([
  ...["WaitingForWave", "WaitingForCanary", "WaitingForReference", "Baking", "RolloutHalted"],
  ...["WaitingForApproval", "RolloutPaused", "RolloutAborted", "Held", "Skipped"],
  ...["CheckingImage", "ImageNotFound", "WaitingForCluster", "WaitingForHub"],
]);

/** A deadline in milliseconds; 0 means none. */
export const deadlineMs = ({ spec }: Sovereign, which: Deadline): number =>
  parseDurationMs(spec.billing.deadlines?.[which] ?? DEADLINE_DEFAULT[which]);

/**
 * When the Sovereign began to move to its present goal, which is a spec and an image. A new goal restarts this time. A clock
 * that was set back to before it restarts it too, because the deadline would otherwise pass later by the size of the jump.
 * Undefined while nothing is left to do, while the operator must not act, and while the Sovereign waits for the rollout.
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
  const isSame = before?.generation === generation && before.image === image;
  if (isSame && Date.parse(before.since) <= Date.parse(now)) return before;
  return { generation, ...(image === undefined ? {} : { image }), since: now };
}

/** A deadline that has passed, or the time until the next one passes. */
type Verdict =
  | { kind: "overdue"; reason: string; message: string }
  | { kind: "due"; inMs: number }
  | { kind: "none" };

/** Times in RFC 3339. `ledSince` is the beginning of this term of leadership, or the last jump of the clock in it. */
export interface LedTime {
  now: string;
  ledSince: string;
}

/**
 * Whether a Sovereign has waited too long. Only time in this term of leadership counts, because nothing could end the wait
 * while no operator ran. Time before a jump of the clock does not count, because it cannot be measured. A wait that was
 * reported as too long stays so.
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
  // For a step that was already False before this goal, the time starts with the goal. For a step that has just become
  // False, it starts now. A time in the future is from before the clock was set back.
  const falseSinceMs = Date.parse(before?.status === "False" ? before.lastTransitionTime : now);
  const stepSinceMs = falseSinceMs > Date.parse(now) ? sinceMs : falseSinceMs;
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
  const isDeleting = sovereign.metadata.deletionTimestamp !== undefined;
  const { reason, what } = isDeleting ? DELETION : { reason: REASON[which], what: WHAT[which] };
  return {
    kind: "overdue",
    reason,
    message: `${what} within ${limit} (spec.billing.deadlines.${which}): ${stop.message}`,
  };
}

function isReported({ status }: Sovereign, progress: SovereignStatus["progress"]): boolean {
  const current = findCondition(status?.conditions, READY)?.reason;
  return status?.progress === progress && REASONS.some((reason) => reason === current);
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
