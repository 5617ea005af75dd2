import { privateBlueprintsOf } from "../../admission/rules/blueprint.ts";
import type { Blueprint } from "../../api/blueprint.ts";
import { FRANCHISE, type Franchise } from "../../api/franchise.ts";
import { FRANCHISE_FINALIZER } from "../../api/label.ts";
import type { Sovereign } from "../../api/sovereign.ts";
import { type Term, termAt } from "../../api/term.ts";
import { addFinalizer, removeFinalizer } from "../../kube/finalizer.ts";
import type { Informer } from "../../kube/informer.ts";
import {
  isRequestChanged,
  type Outcome,
  type Watch,
  watchInformer,
  watchPrimary,
} from "../../kube/reconcile.ts";
import { resourceOf } from "../../kube/resource.ts";
import { SOVEREIGN_INDEX } from "../sovereign/cache.ts";
import { createStatusReconciler, type StatusReconcilerDeps } from "../status-reconciler.ts";
import { desiredStatus } from "./status.ts";

export interface FranchiseDeps extends StatusReconcilerDeps {
  franchises: Informer<Franchise>;
  sovereigns: Informer<Sovereign>;
  blueprints: Informer<Blueprint>;
  /** Why a public key counts for no signature, as the end of a sentence; undefined for one that counts. */
  keyProblem(publicKeyPem: string): string | undefined;
}

/** The longest delay that setTimeout accepts, about 25 days. */
const LONGEST_WAIT_MS = 2 ** 31 - 1;

/** Keeps accurate whether a Franchise is in its term, and who uses it. A Franchise in use is not deleted. */
export function createFranchiseReconciler(deps: FranchiseDeps) {
  const usersOf = (name: string) => deps.sovereigns.byIndex(SOVEREIGN_INDEX.franchise, name);
  const reconcileStatus = createStatusReconciler<Franchise>(deps, {
    kind: FRANCHISE,
    objects: deps.franchises,
    isGone: ({ metadata }) => metadata.deletionTimestamp !== undefined && usersOf(metadata.name).length === 0,
    async desiredReport(franchise, at) {
      const { name } = franchise.metadata;
      const term = termAt(franchise, at.getTime());
      const sovereigns = usersOf(name);
      if (sovereigns.length > 0)
        await addFinalizer(deps.client, resourceOf(FRANCHISE), franchise, FRANCHISE_FINALIZER);
      const privateBlueprints = privateBlueprintsOf(name, deps.blueprints.list());
      const keyProblems = (franchise.spec.blueprintTrust ?? []).map(({ publicKey }) =>
        publicKey === undefined ? undefined : deps.keyProblem(publicKey),
      );
      const observed = { term, sovereigns, privateBlueprints, keyProblems };
      const status = desiredStatus(franchise, observed, at.toISOString());
      return { status, outcome: outcomeAt(term) };
    },
  });
  return async function reconcile(key: string, signal: AbortSignal, attempt?: number): Promise<Outcome> {
    const franchise = deps.franchises.get(key);
    if (franchise !== undefined && usersOf(key).length === 0)
      await removeFinalizer(deps.client, resourceOf(FRANCHISE), franchise, FRANCHISE_FINALIZER);
    return reconcileStatus(key, signal, attempt);
  };
}

/** Looks again when the term begins or ends. */
function outcomeAt(term: Term): Outcome {
  const changesInMs =
    term.kind === "notStarted" ? term.startsInMs : term.kind === "running" ? term.endsInMs : undefined;
  return changesInMs === undefined
    ? { kind: "done" }
    : { kind: "done", requeueAfterMs: Math.min(changesInMs, LONGEST_WAIT_MS) };
}

export function franchiseWatches({ franchises, sovereigns, blueprints }: FranchiseDeps): Watch[] {
  return [
    watchPrimary(franchises, isRequestChanged),
    watchInformer(
      sovereigns,
      ({ spec }) => (spec.franchise === undefined ? [] : [spec.franchise]),
      isRequestChanged,
    ),
    watchInformer(blueprints, () => franchises.list().map(({ metadata }) => metadata.name), isRequestChanged),
  ];
}
