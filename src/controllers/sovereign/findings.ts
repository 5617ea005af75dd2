import type { NewCondition } from "../../api/condition.ts";
import type { SovereignStatus } from "../../api/sovereign.ts";

/** Why a reconcile went no further. */
export type Stop =
  /** The operator tries again by itself. `isWatched`: a watch ends the wait, and the retry is for an event that was lost. */
  | { kind: "waiting"; reason: string; message: string; retryAfterMs: number; isWatched?: true }
  /** A person has to act. */
  | { kind: "stalled"; reason: string; message: string }
  /** The operator cannot observe the Sovereign: it does not reach its cluster, or the Sovereign is suspended. */
  | { kind: "unknown"; reason: string; message: string };

/** What one reconcile observed, in the order of its steps. */
export interface Findings {
  conditions: NewCondition[];
  facts: Omit<SovereignStatus, "conditions" | "observedGeneration">;
  stop: Stop | undefined;
  /** Another writer keeps reverting a managed object, so the operator leaves that object alone for `retryAfterMs`. */
  fieldConflict?: { message: string; retryAfterMs: number };
  /** A wait that has lasted beyond its deadline: the Sovereign is stalled, and the operator still tries again. */
  overdue?: { reason: string; message: string };
  /** The API server said at the beginning of this reconcile that the Sovereign's namespace does not exist. */
  hasNoNamespace?: boolean;
  /** The reconcile could not look at what it did not find: those conditions become `Unknown`. */
  isBlind?: boolean;
  /** When to reconcile again, if that is sooner than the evidence expires. */
  requeueAfterMs?: number;
}

/** Reconciles again after this time, unless another finding asks for it sooner. */
export function requeueWithin(findings: Findings, afterMs: number): void {
  findings.requeueAfterMs = Math.min(findings.requeueAfterMs ?? afterMs, afterMs);
}
