import { hostsOf } from "../../admission/rules/sovereign-host.ts";
import type { BillingRelease } from "../../api/billing-release.ts";
import { ANNOTATION, LABEL } from "../../api/label.ts";
import type { KubernetesObject } from "../../api/object.ts";
import type { Sovereign } from "../../api/sovereign.ts";
import {
  isRequestChanged,
  type Watch,
  watchInformer,
  watchLaterChanges,
  watchPrimary,
} from "../../kube/reconcile.ts";
import { keyOf } from "../../kube/resource.ts";
import { canonicalJson } from "../../platform/canonical-json.ts";
import { isRolloutComplete } from "../billing-release/desired-completion.ts";
import { referencesIn } from "../billing-release/desired-rollout.ts";
import type { Fleets } from "../billing-release/fleet.ts";
import { SOVEREIGN_INDEX, type SovereignCaches } from "./cache.ts";
import { conflictCandidates } from "./conflict.ts";
import { isCatalogEntryChanged, isOfferedBy } from "./desired-catalog.ts";

/**
 * Watches every object whose change can affect a Sovereign. The Sovereign's own status writes are left out, because they
 * would cause a loop.
 */
export function sovereignWatches(caches: SovereignCaches, fleets: Pick<Fleets, "watch">): Watch[] {
  const { sovereigns } = caches;
  const labelled = (object: KubernetesObject) => {
    const name = object.metadata.labels?.[LABEL.sovereign];
    return name === undefined ? [] : [name];
  };
  const indexed =
    (index: string, indexedAs: typeof keyOf = ({ name }) => name) =>
    (object: KubernetesObject) =>
      sovereigns.byIndex(index, indexedAs(object.metadata)).map(({ metadata }) => metadata.name);
  const namesOfRemote = (found: readonly Sovereign[]) =>
    found.filter(({ spec }) => spec.cluster !== undefined).map(({ metadata }) => metadata.name);
  return [
    watchPrimary(
      sovereigns,
      (before, after) => isRequestChanged(before, after) || isImageGiven(before, after),
    ),
    // When a Sovereign is deleted or loses a host, one that conflicted with it may continue. That one is stalled, so no
    // other event enqueues it.
    watchInformer(
      sovereigns,
      (changed) =>
        conflictCandidates(sovereigns, changed)
          .map(({ metadata }) => metadata.name)
          .filter((name) => name !== changed.metadata.name),
      (before, after) => hostsOf(before).join() !== hostsOf(after).join(),
    ),
    fleets.watch,
    watchInformer(caches.releases, indexed(SOVEREIGN_INDEX.release), isReferenceOrRequestChanged),
    // The hub writes to each cluster whether a rollout is running.
    watchInformer(
      caches.releases,
      ({ metadata }) => namesOfRemote(sovereigns.byIndex(SOVEREIGN_INDEX.release, metadata.name)),
      (before, after) => isRolloutComplete(before) !== isRolloutComplete(after),
    ),
    watchInformer(
      caches.franchises,
      indexed(SOVEREIGN_INDEX.franchise),
      (before, after) => isRequestChanged(before, after) || before.status?.inTerm !== after.status?.inTerm,
    ),
    watchInformer(
      caches.blueprints,
      (blueprint) =>
        sovereigns
          .list()
          .filter((sovereign) => isOfferedBy(sovereign, blueprint))
          .map(({ metadata }) => metadata.name),
      isCatalogEntryChanged,
    ),
    // The hub copies every policy to each cluster.
    watchInformer(caches.policies, () => namesOfRemote(sovereigns.list()), isRequestChanged),
    watchInformer(caches.namespaces, (object) => [
      ...labelled(object),
      ...indexed(SOVEREIGN_INDEX.namespace)(object),
    ]),
    watchInformer(caches.secretVersions, indexed(SOVEREIGN_INDEX.secret, keyOf)),
    watchInformer(caches.authorityVersions, indexed(SOVEREIGN_INDEX.authority, keyOf)),
    watchLaterChanges(caches.deployments, labelled),
    watchLaterChanges(caches.jobs, labelled),
    watchLaterChanges(caches.pods, labelled),
    ...caches.others.map((informer) => watchLaterChanges(informer, labelled)),
  ];
}

/** The hub gave the Sovereign another image on this cluster. */
const isImageGiven = ({ metadata: before }: Sovereign, { metadata }: Sovereign): boolean =>
  before.annotations?.[ANNOTATION.image] !== metadata.annotations?.[ANNOTATION.image];

function isReferenceOrRequestChanged(before: BillingRelease, after: BillingRelease): boolean {
  const referencesOf = (release: BillingRelease) => canonicalJson(referencesIn(release));
  return isRequestChanged(before, after) || referencesOf(before) !== referencesOf(after);
}
