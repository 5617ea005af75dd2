import { privateBlueprintsOf } from "../../admission/rules/blueprint.ts";
import type { Blueprint } from "../../api/blueprint.ts";
import { FRANCHISE, type Franchise } from "../../api/franchise.ts";
import { FRANCHISE_FINALIZER } from "../../api/label.ts";
import { type Term, termAt, termChangeMs } from "../../api/term.ts";
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
import { ownerNames } from "../owner-reference.ts";
import { SOVEREIGN_INDEX } from "../sovereign/cache.ts";
import { createStatusReconciler, type StatusReconcilerDeps } from "../status-reconciler.ts";
import { type AccessDeps, accessWatches, reconcileAccess } from "./access.ts";
import { desiredStatus } from "./status.ts";

export interface FranchiseDeps extends StatusReconcilerDeps, AccessDeps {
  franchises: Informer<Franchise>;
  blueprints: Informer<Blueprint>;
  /** Why a public key cannot verify signatures, as the end of a sentence; undefined for a valid key. */
  keyProblem(publicKeyPem: string): string | undefined;
}

/**
 * Gives a Franchisee its rights while the term runs, and lists in the status who uses the Franchise. A Franchise in use is
 * not deleted.
 */
export function createFranchiseReconciler(deps: FranchiseDeps) {
  const usersOf = (name: string) => deps.sovereigns.byIndex(SOVEREIGN_INDEX.franchise, name);
  return createStatusReconciler<Franchise>(deps, {
    kind: FRANCHISE,
    objects: deps.franchises,
    async prepare(franchise) {
      const write = usersOf(franchise.metadata.name).length === 0 ? removeFinalizer : addFinalizer;
      await write(deps.client, resourceOf(FRANCHISE), franchise, FRANCHISE_FINALIZER);
    },
    forget: (key) => deps.applier.forget((object) => ownerNames(FRANCHISE.kind, object).includes(key)),
    isGone: ({ metadata }) => metadata.deletionTimestamp !== undefined && usersOf(metadata.name).length === 0,
    async desiredReport(franchise, at) {
      const { name } = franchise.metadata;
      const term = termAt(franchise, at.getTime());
      const sovereigns = usersOf(name);
      const privateBlueprints = privateBlueprintsOf(name, deps.blueprints.list());
      const keyProblems = (franchise.spec.blueprintTrust ?? []).map(({ publicKey }) =>
        publicKey === undefined ? undefined : deps.keyProblem(publicKey),
      );
      const scope = await reconcileAccess(deps, franchise, { isInTerm: term.kind === "running", sovereigns });
      const observed = { term, sovereigns, privateBlueprints, keyProblems, scope };
      const status = desiredStatus(franchise, observed, at.toISOString());
      return { status, outcome: outcomeAt(term) };
    },
  });
}

/** Reconciles again when the term begins or ends. */
function outcomeAt(term: Term): Outcome {
  const changesInMs = termChangeMs(term);
  return { kind: "done", ...(changesInMs === undefined ? {} : { requeueAfterMs: changesInMs }) };
}

export function franchiseWatches(deps: FranchiseDeps): Watch[] {
  const { franchises, sovereigns, blueprints } = deps;
  const all = () => franchises.list().map(({ metadata }) => metadata.name);
  return [
    watchPrimary(franchises, isRequestChanged),
    watchInformer(
      sovereigns,
      ({ spec }) => (spec.franchise === undefined ? [] : [spec.franchise]),
      isRequestChanged,
    ),
    watchInformer(blueprints, all, isRequestChanged),
    ...accessWatches(deps, all),
  ];
}
