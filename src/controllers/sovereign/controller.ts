import { findCondition } from "../../api/condition.ts";
import { SOVEREIGN_CONDITION as CONDITION, SOVEREIGN, type Sovereign } from "../../api/sovereign.ts";
import type { Outcome } from "../../kube/reconcile.ts";
import { resourceOf } from "../../kube/resource.ts";
import { createStatusWriter } from "../../kube/status.ts";
import type { SovereignDeps } from "./dependency.ts";
import { REVERIFY_MS } from "./evidence.ts";
import { desiredStatus, type Findings, fails, waiting } from "./status.ts";
import { reconcileSteps } from "./step/sequence.ts";
import { tearDown } from "./tear-down.ts";

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
      await tearDown(deps, cached);
      return { kind: "done" };
    }
    const sovereign = statuses.newest(cached);
    const findings: Findings = { conditions: [], facts: {}, stop: undefined };
    findings.stop = await reconcileSteps({
      deps,
      sovereign,
      findings,
      report: (seen) => report(sovereign, seen),
      signal,
    });
    if (findings.fight !== undefined) tellFight(sovereign, findings, findings.fight);
    await report(sovereign, findings);
    return outcomeOf(findings);
  };

  /** An object that is fought over stands last among what was found, and stops nothing else from being put back. */
  function tellFight(sovereign: Sovereign, findings: Findings, fight: NonNullable<Findings["fight"]>): void {
    const { message, retryAfterMs } = fight;
    const told = findCondition(sovereign.status?.conditions, CONDITION.inSync);
    if (told?.message !== message) deps.events.record(sovereign, "Warning", "FieldFight", message);
    findings.conditions.push(fails(CONDITION.inSync, "FieldFight", message));
    findings.stop ??= waiting("FieldFight", message, retryAfterMs);
  }
}

function outcomeOf({ stop, lookAgainMs = REVERIFY_MS }: Findings): Outcome {
  if (stop === undefined) return { kind: "done", requeueAfterMs: Math.min(lookAgainMs, REVERIFY_MS) };
  if (stop.kind === "unknown") return { kind: "done" };
  return stop;
}
