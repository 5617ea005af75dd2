import type { NewCondition } from "../../api/condition.ts";
import type { SovereignStatus } from "../../api/sovereign.ts";

/** Why a reconcile stopped before its last step. */
export type Stop =
  /** The operator tries again by itself. `isWatched`: a watch ends the wait, and the retry only covers a lost event. */
  | { kind: "waiting"; reason: string; message: string; retryAfterMs: number; isWatched?: true }
  /** A person has to act. */
  | { kind: "stalled"; reason: string; message: string }
  /** The operator does not observe the Sovereign: its cluster cannot be reached, or it is suspended. */
  | { kind: "unknown"; reason: string; message: string };

/** The observations of one reconcile, in the order of its steps. */
export interface Findings {
  conditions: NewCondition[];
  facts: Omit<SovereignStatus, "conditions" | "observedGeneration">;
  stop: Stop | undefined;
  /** Another writer keeps reverting a managed object, so the operator leaves that object alone for `retryAfterMs`. */
  fieldConflict?: { message: string; retryAfterMs: number };
  /** The schema version of a database that was verified before; null without a billing schema. */
  databaseVersion?: string | null;
  /** The recorded migration no longer describes the database, so it is dropped from the status. */
  isMigrationVoid?: true;
  /** The first error of an object that the API server refused. The others were still applied. */
  refusal?: unknown;
  /** A wait that exceeded its deadline. The Sovereign counts as stalled, and the operator still tries again. */
  overdue?: { reason: string; message: string };
  /** At the beginning of this reconcile, the API server had no namespace for the Sovereign. */
  hasNoNamespace?: boolean;
  /** The reconcile could not check the conditions that it did not set: those become `Unknown`. */
  isUnobserved?: boolean;
  /** When to reconcile again, if that is sooner than the resync. */
  requeueAfterMs?: number;
}

/** Reconciles again after this time, unless another finding asks for it sooner. */
export function requeueWithin(findings: Findings, afterMs: number): void {
  findings.requeueAfterMs = Math.min(findings.requeueAfterMs ?? afterMs, afterMs);
}

/** Ends the reconcile when the API server refused an object, after every other object was corrected. */
export function throwRefusal({ refusal }: Findings): void {
  if (refusal !== undefined) throw refusal;
}
