import {
  type Condition,
  findCondition,
  isConditionTrue,
  type NewCondition,
  READY,
  RECONCILING,
  STALLED,
  setCondition,
} from "../../api/condition.ts";
import {
  ERROR_RATE_NORMAL,
  ISSUER_REACHABLE,
  SETTINGS_ACCEPTED,
  SOVEREIGN_CONDITION,
  type Sovereign,
  type SovereignStatus,
} from "../../api/sovereign.ts";
import { unknownCondition } from "../readiness.ts";
import { desiredProgress } from "./desired-deadline.ts";
import { WATCHED_RETRY_MS } from "./desired-retry.ts";
import type { Findings, Stop } from "./findings.ts";

export type { Findings, Stop } from "./findings.ts";

export const trueCondition = (type: string, reason: string, message: string): NewCondition => ({
  type,
  status: "True",
  reason,
  message,
});
export const falseCondition = (type: string, reason: string, message: string): NewCondition => ({
  type,
  status: "False",
  reason,
  message,
});

const ADMISSION_ENFORCED = "AdmissionEnforced";

/** A condition that says that admission denies nothing, while this is so. Afterwards, it says that admission denies again. */
export function admissionConditions({ status }: Sovereign, notice: string | undefined): NewCondition[] {
  if (notice !== undefined) return [falseCondition(ADMISSION_ENFORCED, "AuditOnly", notice)];
  return findCondition(status?.conditions, ADMISSION_ENFORCED) === undefined
    ? []
    : [trueCondition(ADMISSION_ENFORCED, "Enforcing", "admission denies what violates a rule")];
}

type StopOf<Kind> = Extract<Stop, { kind: Kind }>;

/** Without `retryAfterMs`, a watch ends the wait. */
export const waiting = (reason: string, message: string, retryAfterMs?: number): StopOf<"waiting"> => ({
  kind: "waiting",
  reason,
  message,
  ...(retryAfterMs === undefined ? { retryAfterMs: WATCHED_RETRY_MS, isWatched: true } : { retryAfterMs }),
});
export const stalled = (reason: string, message: string): StopOf<"stalled"> => ({
  ...{ kind: "stalled", reason, message },
});
export const unknown = (reason: string, message: string): Stop => ({ kind: "unknown", reason, message });

/**
 * The conditions that a reconcile measures. They become `Unknown` when it cannot check them. For a Sovereign on another
 * cluster, the hub shows those from there.
 */
export const OBSERVED_CONDITIONS: readonly string[] = [
  ...Object.values(SOVEREIGN_CONDITION),
  SETTINGS_ACCEPTED,
  ERROR_RATE_NORMAL,
  ISSUER_REACHABLE,
];

/** Conditions whose reasons decide a rollout. */
const DECISIVE: readonly string[] = [SOVEREIGN_CONDITION.voucherShapeVerified, ERROR_RATE_NORMAL];

/**
 * The status after a reconcile. Conditions that the reconcile did not set keep their last value, unless it could not check
 * them. `Ready` is True exactly when nothing stopped the reconcile and every condition of `SOVEREIGN_CONDITION` is True.
 * `now` is RFC 3339.
 */
export function desiredStatus(sovereign: Sovereign, findings: Findings, now: string): SovereignStatus {
  const { generation } = sovereign.metadata;
  const { facts } = findings;
  const stop =
    findings.overdue === undefined ? findings.stop : { kind: "stalled" as const, ...findings.overdue };
  const { progress: _, takenWhileFailing: before, migration, ...lasting } = sovereign.status ?? {};
  const taken = facts.takenWhileFailing ?? before;
  const isOnTaken = taken !== undefined && taken === (facts.pinnedImage ?? lasting.pinnedImage);
  const progress = desiredProgress(sovereign, findings, now);
  const found = [...unseenConditions(sovereign, findings), ...findings.conditions];
  const kept = (sovereign.status?.conditions ?? []).filter(
    ({ type }) => type !== RECONCILING && type !== STALLED,
  );
  // Only the last value of each condition counts. False and then True in one reconcile is no transition.
  const latest = new Map(found.map((condition) => [condition.type, condition]));
  const judged = [...latest.values()].reduce<Condition[]>(
    (all, condition) => setCondition(all, condition, generation, now),
    kept,
  );
  const summary = [...(stop === undefined ? [] : progressOf(stop)), readiness(judged, stop)];
  return {
    ...lasting,
    ...(migration === undefined || findings.isMigrationVoid ? {} : { migration }),
    ...facts,
    ...(isOnTaken ? { takenWhileFailing: taken } : {}),
    ...(progress === undefined ? {} : { progress }),
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    conditions: summary
      .map((condition) => keepTransition(condition, sovereign.status?.conditions))
      .reduce<Condition[]>(
        (all, { since, ...condition }) => setCondition(all, condition, generation, since ?? now),
        judged,
      ),
  };
}

function unseenConditions({ status }: Sovereign, { isUnobserved, stop }: Findings): NewCondition[] {
  if (isUnobserved !== true || stop === undefined) return [];
  return (status?.conditions ?? [])
    .filter(isUnseen)
    .map((before) => unknownCondition(before.type, unobservedReason(before, stop)));
}

/** A measurement that could not be made once, such as a baseline, is not made later: its text stays the only one. */
const isUnseen = ({ type, status }: Condition): boolean =>
  OBSERVED_CONDITIONS.includes(type) && !(DECISIVE.includes(type) && status === "Unknown");

/** A decisive condition that is not True keeps its reason, because a failed measurement does not clear it. */
const unobservedReason = ({ type, status, reason }: Condition, stop: Stop): string =>
  DECISIVE.includes(type) && status !== "True" ? reason : stop.reason;

/** kstatus: Reconciling while the operator retries by itself, Stalled while a person has to act. */
function progressOf(stop: Stop): NewCondition[] {
  if (stop.kind === "waiting") return [trueCondition(RECONCILING, stop.reason, stop.message)];
  if (stop.kind === "stalled") return [trueCondition(STALLED, stop.reason, stop.message)];
  return [];
}

function readiness(judged: Condition[], stop: Stop | undefined): NewCondition {
  if (stop !== undefined) {
    return {
      type: READY,
      status: stop.kind === "unknown" ? "Unknown" : "False",
      reason: stop.reason,
      message: stop.message,
    };
  }
  const pending = Object.values(SOVEREIGN_CONDITION).find((type) => !isConditionTrue(judged, type));
  if (pending === undefined) {
    const shape = findCondition(judged, SOVEREIGN_CONDITION.voucherShapeVerified);
    return trueCondition(READY, "Verified", `the pinned image runs: ${shape?.message}`);
  }
  const condition = findCondition(judged, pending);
  return falseCondition(
    READY,
    condition?.reason ?? "NotChecked",
    condition?.message ??
      `${pending} is not checked yet: the operator checks it after the conditions before it`,
  );
}

/** Reconciling and Stalled were removed from the list above; while one continues, it keeps its transition time. */
function keepTransition(
  condition: NewCondition,
  before: Condition[] | undefined,
): NewCondition & { since?: string } {
  const previous = findCondition(before, condition.type);
  return previous?.status === condition.status
    ? { ...condition, since: previous.lastTransitionTime }
    : condition;
}
