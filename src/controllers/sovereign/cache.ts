import type { BillingRelease } from "../../api/billing-release.ts";
import type { Franchise } from "../../api/franchise.ts";
import { LABEL } from "../../api/label.ts";
import type { KubernetesObject } from "../../api/object.ts";
import type { Sovereign } from "../../api/sovereign.ts";
import type { Informer } from "../../kube/informer.ts";
import { keyOf } from "../../kube/resource.ts";
import { namespaceOf } from "./desired-metadata.ts";
import type { DeploymentObject, JobObject, PodObject } from "./observed.ts";

/** What the controller reads: caches that follow the API server. `managed` has one for each kind that it writes. */
export interface SovereignCaches {
  /** Indexed by `SOVEREIGN_INDEXES`. */
  sovereigns: Informer<Sovereign>;
  releases: Informer<BillingRelease>;
  franchises: Informer<Franchise>;
  namespaces: Informer<KubernetesObject>;
  deployments: Informer<DeploymentObject>;
  jobs: Informer<JobObject>;
  /** Pods that bear a Sovereign's label; indexed by `namespace`. */
  pods: Informer<PodObject>;
  /** The other kinds that the controller writes: services, config maps and so on. */
  others: Informer<KubernetesObject>[];
}

export const POD_NAMESPACE_INDEX = "namespace";

export const SOVEREIGN_INDEX = {
  fqdn: "fqdn",
  role: "role",
  namespace: "namespace",
  release: "release",
  franchise: "franchise",
} as const;

export const SOVEREIGN_INDEXES: Record<string, (sovereign: Sovereign) => string[]> = {
  [SOVEREIGN_INDEX.fqdn]: ({ spec }) => [spec.fqdn],
  [SOVEREIGN_INDEX.role]: ({ spec }) => [spec.role],
  [SOVEREIGN_INDEX.namespace]: (sovereign) => [namespaceOf(sovereign)],
  [SOVEREIGN_INDEX.release]: ({ spec }) => [spec.billing.release],
  [SOVEREIGN_INDEX.franchise]: ({ spec }) => (spec.franchise === undefined ? [] : [spec.franchise]),
};

/** Caches of what the controller keeps in a Sovereign's namespace. */
const managedCaches = ({ deployments, jobs, others }: SovereignCaches): Informer<KubernetesObject>[] => [
  deployments as unknown as Informer<KubernetesObject>,
  jobs as unknown as Informer<KubernetesObject>,
  ...others,
];

export const managedResources = (caches: SovereignCaches) =>
  managedCaches(caches).map(({ resource }) => resource);

/** The live counterpart of a desired object, as the caches know it. */
export function liveObject(caches: SovereignCaches, desired: KubernetesObject): KubernetesObject | undefined {
  return [caches.namespaces, ...managedCaches(caches)]
    .find(({ resource }) => resource.kind === desired.kind)
    ?.get(keyOf(desired.metadata));
}

/** What bears the Sovereign's label in its namespace, but for Jobs: those stay, as what they did is done. */
export function ownedObjects(caches: SovereignCaches, sovereign: Sovereign): KubernetesObject[] {
  const namespace = namespaceOf(sovereign);
  return managedCaches(caches)
    .filter(({ resource }) => resource.kind !== caches.jobs.resource.kind)
    .flatMap((informer) => informer.list())
    .filter(
      ({ metadata }) =>
        metadata.namespace === namespace && metadata.labels?.[LABEL.sovereign] === sovereign.metadata.name,
    );
}

export function podsOf(caches: SovereignCaches, namespace: string, component: string): PodObject[] {
  return caches.pods
    .byIndex(POD_NAMESPACE_INDEX, namespace)
    .filter(({ metadata }) => metadata.labels?.["app.kubernetes.io/name"] === component);
}

/** The Pods that a Job made, oldest first: an earlier release's Job leaves its own beside them. */
export function podsOfJob(caches: SovereignCaches, { metadata }: JobObject): PodObject[] {
  return caches.pods
    .byIndex(POD_NAMESPACE_INDEX, metadata.namespace ?? "")
    .filter((pod) => pod.metadata.ownerReferences?.some(({ uid }) => uid === metadata.uid))
    .sort((a, b) => ((a.metadata.creationTimestamp ?? "") < (b.metadata.creationTimestamp ?? "") ? -1 : 1));
}
