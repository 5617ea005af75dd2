import { BLUEPRINT, type Blueprint } from "../../api/blueprint.ts";
import type { Informer } from "../../kube/informer.ts";
import { isRequestChanged, type Watch, watchPrimary } from "../../kube/reconcile.ts";
import { createStatusReconciler, type StatusReconcilerDeps } from "../status-reconciler.ts";
import { desiredStatus, type Verdict } from "./status.ts";

export interface BlueprintDeps extends StatusReconcilerDeps {
  blueprints: Informer<Blueprint>;
  /** Verifies the artifact's signatures against the trust that applies to the Blueprint's namespace. */
  verify(blueprint: Blueprint, signal: AbortSignal): Promise<Verdict>;
}

/** A key may be removed from the trust, so a verified signature is verified again. */
const REVERIFY_MS = 10 * 60_000;
/** A missing signature may still be pushed. */
const RETRY_MS = 30_000;

export function createBlueprintReconciler(deps: BlueprintDeps) {
  return createStatusReconciler<Blueprint>(deps, {
    kind: BLUEPRINT,
    objects: deps.blueprints,
    async desiredReport(blueprint, at, signal) {
      const verdict = await deps.verify(blueprint, signal);
      return {
        status: desiredStatus(blueprint, verdict, at.toISOString()),
        outcome: { kind: "done", requeueAfterMs: verdict.kind === "verified" ? REVERIFY_MS : RETRY_MS },
      };
    },
  });
}

export const blueprintWatches = ({ blueprints }: BlueprintDeps): Watch[] => [
  watchPrimary(blueprints, isRequestChanged),
];
