import { findCondition } from "../../api/condition.ts";
import { SOVEREIGN_CONDITION as CONDITION, SOVEREIGN, type Sovereign } from "../../api/sovereign.ts";
import { createSteadySince } from "../../kube/clock-watch.ts";
import { isInvalid } from "../../kube/error.ts";
import { describeFailure, type Failure } from "../../kube/failure.ts";
import { isWatched } from "../../kube/informer.ts";
import type { Outcome } from "../../kube/reconcile.ts";
import { resourceOf } from "../../kube/resource.ts";
import { createStatusWriter } from "../../kube/status.ts";
import { recordFailure } from "../failure-event.ts";
import { isStalledBy } from "../readiness.ts";
import type { SovereignDeps } from "./dependency.ts";
import { finalize } from "./finalizer.ts";
import { applyBackoff, applyDeadlines } from "./report.ts";
import { reconcileSovereign } from "./sequence.ts";
import {
  admissionConditions,
  desiredStatus,
  type Findings,
  falseCondition,
  stalled,
  waiting,
} from "./status.ts";

/** One for each term of leadership. */
export function createSovereignReconciler(deps: SovereignDeps) {
  const { caches, now } = deps;
  const ledSince = createSteadySince({ now });
  const statuses = createStatusWriter<Sovereign>(deps, resourceOf(SOVEREIGN));

  async function report(sovereign: Sovereign, findings: Findings): Promise<void> {
    const newest = statuses.newest(sovereign);
    await statuses.write(newest, desiredStatus(newest, findings, now().toISOString()));
  }

  return async function reconcile(key: string, signal: AbortSignal, attempt = 1): Promise<Outcome> {
    statuses.follow(caches.sovereigns, signal);
    const cached = caches.sovereigns.get(key);
    if (cached === undefined) {
      statuses.forget(key);
      deps.secrets.forget(key);
      deps.probes.forget(key);
      deps.smokeTests.forget(key);
      deps.issuerProbes.forget(key);
      deps.errorRates.forget(key);
      deps.autoscalers.forget(key);
      deps.verification.clear(key);
      deps.spokes.forget(key);
      return { kind: "done" };
    }
    const sovereign = statuses.newest(cached);
    const findings: Findings = {
      conditions: admissionConditions(sovereign, deps.admissionNotice),
      facts: {},
      stop: undefined,
    };
    const context = {
      ...{ deps, sovereign, findings, signal },
      report: (interim: Findings) => report(sovereign, interim),
    };
    try {
      if (cached.metadata.deletionTimestamp !== undefined) {
        findings.stop = await finalize(context);
        if (findings.stop === undefined) return { kind: "done" };
        applyDeadlines(context, ledSince());
        await report(sovereign, findings);
        return findings.stop.kind === "waiting" ? findings.stop : { kind: "done" };
      }
      findings.stop = await reconcileSovereign(context);
      if (findings.fieldConflict !== undefined)
        reportFieldConflict(sovereign, findings, findings.fieldConflict);
      applyBackoff(context);
      applyDeadlines(context, ledSince());
      await report(sovereign, findings);
      dropRecorded(key, findings);
      return outcomeOf(findings, isWatched(caches.secretVersions) ? RESYNC_MS : UNWATCHED_RESYNC_MS);
    } catch (error) {
      const failure = describeFailure(error, attempt);
      // The first error is the one that is thrown. When the status cannot be written either, only the log has it.
      if (failure !== undefined) await reportFailure(sovereign, findings, failure).catch(() => undefined);
      throw error;
    } finally {
      deps.probes.endReconcile(key);
      deps.smokeTests.endReconcile(key);
      deps.issuerProbes.endReconcile(key);
      deps.errorRates.endReconcile(key);
    }
  };

  /** The status of a Ready Sovereign has the results of its measurements. */
  function dropRecorded(key: string, { stop }: Findings): void {
    if (stop !== undefined) return;
    deps.probes.recorded(key);
    deps.smokeTests.recorded(key);
  }

  /**
   * Also writes the findings from before the failure. An object that is already stalled for the same reason stays stalled.
   */
  async function reportFailure(sovereign: Sovereign, findings: Findings, failure: Failure): Promise<void> {
    const { reason, message, isFinal } = failure;
    const isStalled = isFinal || isStalledBy(sovereign.status?.conditions, reason);
    findings.stop = isStalled ? stalled(reason, message) : waiting(reason, message);
    findings.isUnobserved = true;
    recordFailure(deps.events, sovereign, failure);
    await report(sovereign, findings).catch((error: unknown) => {
      // The API server refuses a finding itself, such as a value from the Sovereign's own cluster.
      if (!isInvalid(error)) throw error;
      return report(sovereign, { ...findings, conditions: [], facts: {} });
    });
  }

  /** A field conflict about one object is reported last, because the operator still corrects every other object. */
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

/**
 * Watches report every change. A resync covers lost events. While nothing has changed, it costs one request for a Sovereign
 * with `auth.caCertificateRef`, and none for others.
 */
const RESYNC_MS = 5 * 3_600_000;
/** Without the right to watch Secrets, the operator detects a changed one at the next resync. */
const UNWATCHED_RESYNC_MS = 5 * 60_000;

function outcomeOf({ stop, requeueAfterMs }: Findings, resyncMs: number): Outcome {
  // Up to a half sooner, so that the Sovereigns of one rollout do not resync together.
  const jitteredMs = resyncMs * (0.5 + Math.random() / 2);
  if (stop === undefined)
    return { kind: "done", requeueAfterMs: Math.min(requeueAfterMs ?? jitteredMs, jitteredMs) };
  if (stop.kind === "unknown") return { kind: "done" };
  if (stop.kind === "stalled" && requeueAfterMs !== undefined) return { kind: "done", requeueAfterMs };
  return stop;
}
