import { blueprintArtifact, exceededGrant } from "../../admission/rules/blueprint.ts";
import type { ArtifactCheck } from "../../admission/trust-policy.ts";
import { BLUEPRINT, type Blueprint } from "../../api/blueprint.ts";
import type { Franchise } from "../../api/franchise.ts";
import type { ConfigMapObject } from "../../api/object.ts";
import { termAt, termChangeMs } from "../../api/term.ts";
import type { Informer } from "../../kube/informer.ts";
import { isRequestChanged, type Watch, watchInformer, watchPrimary } from "../../kube/reconcile.ts";
import { keyOf } from "../../kube/resource.ts";
import { createStatusReconciler, type StatusReconcilerDeps } from "../status-reconciler.ts";
import { type BlueprintVerdict, desiredStatus, isTrusted } from "./status.ts";

export interface BlueprintDeps extends StatusReconcilerDeps {
  blueprints: Informer<Blueprint>;
  franchises: Informer<Franchise>;
  /** ConfigMap `catalyst-trust`. */
  trust: Informer<ConfigMapObject>;
  checkArtifact: ArtifactCheck;
}

/** A trusted artifact is checked again, because its registry may have lost it. */
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
      const franchise = franchises.get(spec.franchise ?? "");
      const excess = exceededGrant(blueprint, blueprints.list(), franchise);
      const artifact = blueprintArtifact(metadata.namespace ?? "", spec);
      const verdict: BlueprintVerdict =
        excess === undefined
          ? await deps.checkArtifact(artifact, franchises.list())
          : { kind: "withheld", reason: excess };
      return {
        status: desiredStatus(blueprint, verdict, at.toISOString()),
        outcome: {
          kind: "done",
          requeueAfterMs: Math.min(
            isTrusted(verdict) ? RECHECK_MS : RETRY_MS,
            termChangesInMs(franchise, at),
          ),
        },
      };
    },
  });
}

/** The signers of a Franchise count while its term runs, so its Blueprints are checked again when the term begins or ends. */
function termChangesInMs(franchise: Franchise | undefined, at: Date): number {
  const changesInMs = franchise === undefined ? undefined : termChangeMs(termAt(franchise, at.getTime()));
  return changesInMs ?? Number.POSITIVE_INFINITY;
}

/** A change of the trust or of a Franchise also affects existing Blueprints, so these are checked again. */
export function blueprintWatches({
  blueprints,
  franchises,
  trust,
}: Pick<BlueprintDeps, "blueprints" | "franchises" | "trust">): Watch[] {
  const keysOf = (some: Blueprint[]) => some.map(({ metadata }) => keyOf(metadata));
  return [
    watchPrimary(blueprints, isRequestChanged),
    watchInformer(trust, () => keysOf(blueprints.list())),
    watchInformer(
      franchises,
      ({ metadata }) => keysOf(blueprints.list().filter(({ spec }) => spec.franchise === metadata.name)),
      isRequestChanged,
    ),
  ];
}
