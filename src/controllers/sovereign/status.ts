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
import { SOVEREIGN_CONDITION, type Sovereign, type SovereignStatus } from "../../api/sovereign.ts";

/** Why a reconcile went no further. */
export type Stop =
  | { kind: "waiting"; reason: string; message: string; retryAfterMs: number }
  | { kind: "stalled"; reason: string; message: string }
  /** Nothing can be said: the Sovereign is elsewhere, or suspended. */
  | { kind: "unknown"; reason: string; message: string };

/** What one reconcile found, in the order in which it looked. */
export interface Findings {
  conditions: NewCondition[];
  facts: Omit<SovereignStatus, "conditions" | "observedGeneration">;
  stop: Stop | undefined;
  /** Another writer keeps changing a managed field; corrections of the object pause for `retryAfterMs`. */
  fieldConflict?: { message: string; retryAfterMs: number };
  /** Earlier than evidence grows old. */
  lookAgainMs?: number;
}

export const holds = (type: string, reason: string, message: string): NewCondition => ({
  type,
  status: "True",
  reason,
  message,
});
export const fails = (type: string, reason: string, message: string): NewCondition => ({
  type,
  status: "False",
  reason,
  message,
});

const LATER_MS = 15_000;

export const waiting = (reason: string, message: string, retryAfterMs = LATER_MS): Stop => ({
  kind: "waiting",
  reason,
  message,
  retryAfterMs,
});
export const stalled = (reason: string, message: string): Stop => ({ kind: "stalled", reason, message });
export const unknown = (reason: string, message: string): Stop => ({ kind: "unknown", reason, message });

/**
 * The status after a reconcile. Conditions that it did not get to keep what they said; `Ready` is True exactly when
 * nothing stopped it and every condition holds. `now` is RFC 3339.
 */
export function desiredStatus(sovereign: Sovereign, findings: Findings, now: string): SovereignStatus {
  const { generation } = sovereign.metadata;
  const { conditions: found, facts, stop } = findings;
  const kept = (sovereign.status?.conditions ?? []).filter(
    ({ type }) => type !== RECONCILING && type !== STALLED,
  );
  // The last word on each: a condition that was said twice has not changed in between.
  const lastWords = new Map(found.map((condition) => [condition.type, condition]));
  const judged = [...lastWords.values()].reduce<Condition[]>(
    (all, condition) => setCondition(all, condition, generation, now),
    kept,
  );
  const summary = [...(stop === undefined ? [] : progressOf(stop)), readiness(judged, stop)];
  return {
    ...sovereign.status,
    ...facts,
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    conditions: summary
      .map((condition) => keepTransition(condition, sovereign.status?.conditions))
      .reduce<Condition[]>(
        (all, { since, ...condition }) => setCondition(all, condition, generation, since ?? now),
        judged,
      ),
  };
}

/** kstatus: Reconciling while it gets there by itself, Stalled while somebody has to act. */
function progressOf(stop: Stop): NewCondition[] {
  if (stop.kind === "waiting") return [holds(RECONCILING, stop.reason, stop.message)];
  if (stop.kind === "stalled") return [holds(STALLED, stop.reason, stop.message)];
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
  const open = Object.values(SOVEREIGN_CONDITION).find((type) => !isConditionTrue(judged, type));
  if (open === undefined)
    return holds(READY, "Verified", "the pinned image runs and its voucher shape is the reference's");
  const condition = findCondition(judged, open);
  return fails(READY, condition?.reason ?? "NotJudged", condition?.message ?? `${open} is not judged yet`);
}

/** Reconciling and Stalled were taken out of the list; while they go on, so does their time. */
function keepTransition(
  condition: NewCondition,
  before: Condition[] | undefined,
): NewCondition & { since?: string } {
  const previous = findCondition(before, condition.type);
  return previous?.status === condition.status
    ? { ...condition, since: previous.lastTransitionTime }
    : condition;
}
