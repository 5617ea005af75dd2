import { findCondition } from "../../api/condition.ts";
import { SOVEREIGN_CONDITION as CONDITION, SOVEREIGN, type Sovereign } from "../../api/sovereign.ts";
import type { Outcome } from "../../kube/reconcile.ts";
import { resourceOf } from "../../kube/resource.ts";
import { createStatusWriter } from "../../kube/status.ts";
import type { SovereignDeps } from "./dependency.ts";
import { REVERIFY_MS } from "./evidence.ts";
import { finalize } from "./finalizer.ts";
import { reconcileSovereign } from "./sequence.ts";
import { admissionConditions, desiredStatus, type Findings, falseCondition, waiting } from "./status.ts";

export function createSovereignReconciler(deps: SovereignDeps) {
  const { caches, now } = deps;
  const statuses = createStatusWriter<Sovereign>(deps, resourceOf(SOVEREIGN));

  async function report(sovereign: Sovereign, findings: Findings): Promise<void> {
    const newest = statuses.newest(sovereign);
    await statuses.write(newest, desiredStatus(newest, findings, now().toISOString()));
  }

  return async function reconcile(key: string, signal: AbortSignal): Promise<Outcome> {
    const cached = caches.sovereigns.get(key);
    if (cached === undefined) {
      statuses.forget(key);
      return { kind: "done" };
    }
    if (cached.metadata.deletionTimestamp !== undefined) {
      await finalize(deps, cached);
      return { kind: "done" };
    }
    const sovereign = statuses.newest(cached);
    const findings: Findings = {
      conditions: admissionConditions(sovereign, deps.admissionNotice),
      facts: {},
      stop: undefined,
    };
    findings.stop = await reconcileSovereign({
      deps,
      sovereign,
      findings,
      report: (interim) => report(sovereign, interim),
      signal,
    });
    if (findings.fieldConflict !== undefined)
      reportFieldConflict(sovereign, findings, findings.fieldConflict);
    await report(sovereign, findings);
    return outcomeOf(findings);
  };

  /** A field conflict over one object is reported last: the operator still puts back every other object. */
  function reportFieldConflict(
    sovereign: Sovereign,
    findings: Findings,
    conflict: NonNullable<Findings["fieldConflict"]>,
  ): void {
    const { message, retryAfterMs } = conflict;
    const reported = findCondition(sovereign.status?.conditions, CONDITION.inSync);
    if (reported?.message !== message) deps.events.record(sovereign, "Warning", "FieldConflict", message);
    findings.conditions.push(falseCondition(CONDITION.inSync, "FieldConflict", message));
    findings.stop ??= waiting("FieldConflict", message, retryAfterMs);
  }
}

function outcomeOf({ stop, requeueAfterMs }: Findings): Outcome {
  if (stop === undefined)
    return { kind: "done", requeueAfterMs: Math.min(requeueAfterMs ?? REVERIFY_MS, REVERIFY_MS) };
  if (stop.kind === "unknown") return { kind: "done" };
  if (stop.kind === "stalled" && requeueAfterMs !== undefined) return { kind: "done", requeueAfterMs };
  return stop;
}
