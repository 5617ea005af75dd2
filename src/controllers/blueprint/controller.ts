import { blueprintArtifact, exceededGrant } from "../../admission/rules/blueprint.ts";
import type { ArtifactCheck } from "../../admission/trust-policy.ts";
import { BLUEPRINT, type Blueprint } from "../../api/blueprint.ts";
import type { Franchise } from "../../api/franchise.ts";
import type { Informer } from "../../kube/informer.ts";
import { isRequestChanged, type Watch, watchPrimary } from "../../kube/reconcile.ts";
import { createStatusReconciler, type StatusReconcilerDeps } from "../status-reconciler.ts";
import { type BlueprintVerdict, desiredStatus, isTrusted } from "./status.ts";

export interface BlueprintDeps extends StatusReconcilerDeps {
  blueprints: Informer<Blueprint>;
  franchises: Informer<Franchise>;
  checkArtifact: ArtifactCheck;
}

/** A trusted artifact is checked again, because its key may be removed from the trust. */
const RECHECK_MS = 10 * 60_000;
/** An artifact that is not trusted is checked again sooner, because a missing signature may still be pushed. */
const RETRY_MS = 30_000;

export function createBlueprintReconciler(deps: BlueprintDeps) {
  return createStatusReconciler<Blueprint>(deps, {
    kind: BLUEPRINT,
    objects: deps.blueprints,
    async desiredReport(blueprint, at) {
      const { metadata, spec } = blueprint;
      const { blueprints, franchises } = deps;
      const excess = exceededGrant(blueprint, blueprints.list(), franchises.get(spec.franchise ?? ""));
      const artifact = blueprintArtifact(metadata.namespace ?? "", spec);
      const verdict: BlueprintVerdict =
        excess === undefined
          ? await deps.checkArtifact(artifact, franchises.list())
          : { kind: "withheld", reason: excess };
      return {
        status: desiredStatus(blueprint, verdict, at.toISOString()),
        outcome: { kind: "done", requeueAfterMs: isTrusted(verdict) ? RECHECK_MS : RETRY_MS },
      };
    },
  });
}

export const blueprintWatches = ({ blueprints }: BlueprintDeps): Watch[] => [
  watchPrimary(blueprints, isRequestChanged),
];
