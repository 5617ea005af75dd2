import { findCondition, READY } from "../../api/condition.ts";
import type { ReconcileContext } from "./context.ts";
import { desiredProgress, judgeDeadlines } from "./desired-deadline.ts";
import { desiredRetryMs } from "./desired-retry.ts";

/** Records an Event when a condition gets another reason. A repeated reason, or a change of the message alone, gets none. */
export function recordNewReason(
  { deps, sovereign, findings }: ReconcileContext,
  type: string,
  { reason, message }: { reason: string; message: string },
): void {
  const current = findCondition(sovereign.status?.conditions, type);
  // Two steps of one reconcile may find the same reason.
  const isFoundTwice = findings.conditions.some((found) => found.type === type && found.reason === reason);
  if (current?.reason !== reason && !isFoundTwice) deps.events.record(sovereign, "Warning", reason, message);
}

/**
 * Records an Event about an Ingress without `trustedProxies`, once for each generation of the manifest. Only the platform may
 * write that field. The API server calls no webhook for the platform, so admission cannot warn of it.
 */
export function recordSharedAddress({ deps, sovereign }: ReconcileContext): void {
  const { metadata, spec, status } = sovereign;
  const { ingress } = spec.billing;
  if (ingress === undefined || (ingress.trustedProxies ?? []).length > 0) return;
  if (status?.observedGeneration === metadata.generation) return;
  const message =
    "spec.billing.ingress.trustedProxies: is empty, so all visitors behind the Ingress controller share one rate limit; set it to the addresses of the Ingress controller's Pods";
  deps.events.record(sovereign, "Warning", "NoTrustedProxies", message);
}

/** Lengthens the pause before the next try of a long wait that a watch ends. */
export function applyBackoff({ deps, sovereign, findings }: ReconcileContext, random = Math.random): void {
  const { stop } = findings;
  if (stop?.kind !== "waiting" || stop.isWatched !== true) return;
  const now = deps.now().toISOString();
  const since = desiredProgress(sovereign, findings, now)?.since ?? now;
  const waitedMs = Date.parse(now) - Date.parse(since);
  findings.stop = { ...stop, retryAfterMs: desiredRetryMs(waitedMs, random()) };
}

/**
 * Reports a wait that has lasted too long as stalled, with one Event. The operator still tries again, because a late
 * success counts.
 */
export function applyDeadlines({ deps, sovereign, findings }: ReconcileContext, ledSince: string): void {
  const verdict = judgeDeadlines(sovereign, findings, { now: deps.now().toISOString(), ledSince });
  const { stop } = findings;
  if (verdict.kind === "due" && stop?.kind === "waiting")
    findings.stop = { ...stop, retryAfterMs: Math.min(stop.retryAfterMs, verdict.inMs) };
  if (verdict.kind !== "overdue") return;
  const { reason, message } = verdict;
  findings.overdue = { reason, message };
  const current = findCondition(sovereign.status?.conditions, READY);
  if (current?.reason !== reason) deps.events.record(sovereign, "Warning", reason, message);
}
