import { findCondition } from "../../api/condition.ts";
import type { ReconcileContext } from "./context.ts";

/** Records an Event when a condition gets another reason. What repeats, and what only words differently, is no news. */
export function recordNews(
  { deps, sovereign, findings }: ReconcileContext,
  type: string,
  { reason, message }: { reason: string; message: string },
): void {
  const told = findCondition(sovereign.status?.conditions, type);
  // Two steps of one reconcile may find the same.
  const isFoundTwice = findings.conditions.some((found) => found.type === type && found.reason === reason);
  if (told?.reason !== reason && !isFoundTwice) deps.events.record(sovereign, "Warning", reason, message);
}
