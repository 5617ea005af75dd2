import type { BillingRelease } from "../../api/billing-release.ts";
import type { Franchise } from "../../api/franchise.ts";
import type { KubernetesObject } from "../../api/object.ts";
import type { Sovereign } from "../../api/sovereign.ts";
import type { Informer } from "../../kube/informer.ts";
import { keyOf } from "../../kube/resource.ts";
import type { DeploymentObject, JobObject, PodObject } from "./observed.ts";

/** What the controller reads: caches that follow the API server. `managed` has one for each kind that it writes. */
export interface SovereignCaches {
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

/** The live counterpart of a desired object, as the caches know it. */
export function liveObject(caches: SovereignCaches, desired: KubernetesObject): KubernetesObject | undefined {
  const all: Informer<KubernetesObject>[] = [
    caches.namespaces,
    caches.deployments as unknown as Informer<KubernetesObject>,
    caches.jobs as unknown as Informer<KubernetesObject>,
    ...caches.others,
  ];
  return all.find(({ resource }) => resource.kind === desired.kind)?.get(keyOf(desired.metadata));
}

export function podsOf(caches: SovereignCaches, namespace: string, component: string): PodObject[] {
  return caches.pods
    .byIndex(POD_NAMESPACE_INDEX, namespace)
    .filter(({ metadata }) => metadata.labels?.["app.kubernetes.io/name"] === component);
}

/** The Pods that a Job made: an earlier release's Job leaves its own beside them. */
export function podsOfJob(caches: SovereignCaches, { metadata }: JobObject): PodObject[] {
  return caches.pods
    .byIndex(POD_NAMESPACE_INDEX, metadata.namespace ?? "")
    .filter((pod) => pod.metadata.ownerReferences?.some(({ uid }) => uid === metadata.uid));
}
