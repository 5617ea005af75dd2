import type { BillingRelease } from "../../api/billing-release.ts";
import { LABEL } from "../../api/label.ts";
import type { KubernetesObject } from "../../api/object.ts";
import { isRequestChanged, type Watch, watchInformer, watchPrimary } from "../../kube/reconcile.ts";
import { canonicalJson } from "../../platform/canonical-json.ts";
import { SOVEREIGN_INDEX, type SovereignCaches } from "./cache.ts";
import { rivals } from "./conflict.ts";
import { watchTurns } from "./rollout-watch.ts";

/** Everything whose change concerns a Sovereign. What its own reconcile reports of it does not: that would be a loop. */
export function sovereignWatches(caches: SovereignCaches, now: () => Date): Watch[] {
  const { sovereigns } = caches;
  const labelled = (object: KubernetesObject) => {
    const name = object.metadata.labels?.[LABEL.sovereign];
    return name === undefined ? [] : [name];
  };
  const indexed = (index: string) => (object: KubernetesObject) =>
    sovereigns.byIndex(index, object.metadata.name).map(({ metadata }) => metadata.name);
  return [
    watchPrimary(sovereigns, isRequestChanged),
    // The end of one may be the beginning of another.
    watchInformer(
      sovereigns,
      (changed) => rivals(sovereigns, changed).map(({ metadata }) => metadata.name),
      () => false,
    ),
    watchTurns(caches, now),
    watchInformer(caches.releases, indexed(SOVEREIGN_INDEX.release), isMeasuredOrChanged),
    watchInformer(
      caches.franchises,
      indexed(SOVEREIGN_INDEX.franchise),
      (before, after) => isRequestChanged(before, after) || before.status?.inTerm !== after.status?.inTerm,
    ),
    watchInformer(caches.namespaces, (object) => [
      ...labelled(object),
      ...indexed(SOVEREIGN_INDEX.namespace)(object),
    ]),
    watchInformer(caches.deployments, labelled),
    watchInformer(caches.jobs, labelled),
    watchInformer(caches.pods, labelled),
    ...caches.others.map((informer) => watchInformer(informer, labelled)),
  ];
}

function isMeasuredOrChanged(before: BillingRelease, after: BillingRelease): boolean {
  const measured = ({ status }: BillingRelease) => canonicalJson([status?.reference ?? null]);
  return isRequestChanged(before, after) || measured(before) !== measured(after);
}
