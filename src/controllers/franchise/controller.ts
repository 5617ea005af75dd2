import type { Blueprint } from "../../api/blueprint.ts";
import { FRANCHISE, type Franchise } from "../../api/franchise.ts";
import { PRIVATE_CATALOG_NAMESPACE } from "../../api/name.ts";
import type { Sovereign } from "../../api/sovereign.ts";
import { termAt } from "../../api/term.ts";
import type { KubeClient } from "../../kube/client.ts";
import type { Informer } from "../../kube/informer.ts";
import {
  isRequestChanged,
  type Outcome,
  type Watch,
  watchInformer,
  watchPrimary,
} from "../../kube/reconcile.ts";
import { resourceOf } from "../../kube/resource.ts";
import { createStatusWriter } from "../../kube/status.ts";
import { desiredStatus } from "./status.ts";

export interface FranchiseDeps {
  client: KubeClient;
  fieldManager: string;
  franchises: Informer<Franchise>;
  sovereigns: Informer<Sovereign>;
  blueprints: Informer<Blueprint>;
  now: () => Date;
}

/** setTimeout holds no more than this. */
const LONGEST_WAIT_MS = 2 ** 31 - 1;

/** Keeps an agreement's term and its users true. */
export function createFranchiseReconciler(deps: FranchiseDeps) {
  const statuses = createStatusWriter<Franchise>(deps, resourceOf(FRANCHISE));
  return async function reconcile(key: string): Promise<Outcome> {
    const cached = deps.franchises.get(key);
    if (cached === undefined) {
      statuses.forget(key);
      return { kind: "done" };
    }
    const franchise = statuses.newest(cached);
    const at = deps.now();
    const term = termAt(franchise, at.getTime());
    const observed = {
      term,
      sovereigns: deps.sovereigns.list().filter(({ spec }) => spec.franchise === key),
      privateBlueprints: deps.blueprints
        .list()
        .filter(
          ({ metadata, spec }) =>
            metadata.namespace === PRIVATE_CATALOG_NAMESPACE && spec.visibility === "private",
        ),
    };
    await statuses.write(franchise, desiredStatus(franchise, observed, at.toISOString()));
    const changesInMs =
      term.kind === "notBegun" ? term.startsInMs : term.kind === "running" ? term.endsInMs : undefined;
    return changesInMs === undefined
      ? { kind: "done" }
      : { kind: "done", requeueAfterMs: Math.min(changesInMs, LONGEST_WAIT_MS) };
  };
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
