import { hostsOf } from "../../admission/rules/sovereign-host.ts";
import type { BillingRelease } from "../../api/billing-release.ts";
import type { Blueprint } from "../../api/blueprint.ts";
import type { EnvironmentPolicy } from "../../api/environment-policy.ts";
import type { Franchise } from "../../api/franchise.ts";
import { LABEL } from "../../api/label.ts";
import { SYSTEM_NAMESPACE } from "../../api/name.ts";
import type { KubernetesObject } from "../../api/object.ts";
import type { Sovereign } from "../../api/sovereign.ts";
import type { Informer } from "../../kube/informer.ts";
import { keyOf } from "../../kube/resource.ts";
import { namespaceOf } from "./desired-metadata.ts";
import { authorityKeys } from "./issuer-authority.ts";
import type { DeploymentObject, JobObject, PodObject } from "./observed.ts";
import { allSecretNames } from "./secret.ts";

/** The caches that the controller reads. */
export interface SovereignCaches {
  /** Indexed by `SOVEREIGN_INDEXES`. */
  sovereigns: Informer<Sovereign>;
  releases: Informer<BillingRelease>;
  franchises: Informer<Franchise>;
  blueprints: Informer<Blueprint>;
  policies: Informer<EnvironmentPolicy>;
  namespaces: Informer<KubernetesObject>;
  /** Indexed by `NAMESPACE_INDEX`, as are `jobs`, `pods` and `others`. */
  deployments: Informer<DeploymentObject>;
  jobs: Informer<JobObject>;
  /** Pods with the operator's label. */
  pods: Informer<PodObject>;
  /** The other kinds that the controller writes in a namespace: Services, ConfigMaps and so on. */
  others: Informer<KubernetesObject>[];
  /** Uids and versions of the Secrets that Sovereigns name, without their values and without an index. */
  secretVersions: Informer<KubernetesObject>;
  /** Versions of the ConfigMaps with issuers' authorities that Sovereigns name, without their values. */
  authorityVersions: Informer<KubernetesObject>;
}

export const NAMESPACE_INDEX = "namespace";

export const SOVEREIGN_INDEX = {
  fqdn: "fqdn",
  host: "host",
  role: "role",
  namespace: "namespace",
  release: "release",
  franchise: "franchise",
  secret: "secret",
  authority: "authority",
} as const;

export const SOVEREIGN_INDEXES: Record<string, (sovereign: Sovereign) => string[]> = {
  [SOVEREIGN_INDEX.fqdn]: ({ spec }) => [spec.fqdn],
  [SOVEREIGN_INDEX.host]: (sovereign) => [...hostsOf(sovereign)],
  [SOVEREIGN_INDEX.role]: ({ spec }) => [spec.role],
  [SOVEREIGN_INDEX.namespace]: (sovereign) => [namespaceOf(sovereign)],
  [SOVEREIGN_INDEX.release]: ({ spec }) => [spec.billing.release],
  [SOVEREIGN_INDEX.franchise]: ({ spec }) => (spec.franchise === undefined ? [] : [spec.franchise]),
  [SOVEREIGN_INDEX.secret]: (sovereign) =>
    sovereign.spec.cluster === undefined
      ? [
          ...allSecretNames(sovereign).map((name) => keyOf({ name, namespace: namespaceOf(sovereign) })),
          ...authorityKeys(sovereign, "Secret"),
        ]
      : [keyOf({ name: sovereign.spec.cluster.kubeconfigSecretRef.name, namespace: SYSTEM_NAMESPACE })],
  [SOVEREIGN_INDEX.authority]: (sovereign) =>
    sovereign.spec.cluster === undefined ? authorityKeys(sovereign, "ConfigMap") : [],
};

/** The caches of every kind that the controller writes in a Sovereign's namespace. */
const managedCaches = ({ deployments, jobs, others }: SovereignCaches): Informer<KubernetesObject>[] => [
  deployments as unknown as Informer<KubernetesObject>,
  jobs as unknown as Informer<KubernetesObject>,
  ...others,
];

export const managedResources = (caches: SovereignCaches) =>
  managedCaches(caches).map(({ resource }) => resource);

/** The live object of the same kind and name as `desired`, from the caches. */
export function liveObject(caches: SovereignCaches, desired: KubernetesObject): KubernetesObject | undefined {
  return [caches.namespaces, ...managedCaches(caches)]
    .find(({ resource }) => resource.kind === desired.kind)
    ?.get(keyOf(desired.metadata));
}

/**
 * Every object in the Sovereign's namespace that carries its label, except Jobs: finished migrations are kept as a record.
 */
export function ownedObjects(caches: SovereignCaches, sovereign: Sovereign): KubernetesObject[] {
  return managedCaches(caches)
    .filter(({ resource }) => resource.kind !== caches.jobs.resource.kind)
    .flatMap((informer) => informer.byIndex(NAMESPACE_INDEX, namespaceOf(sovereign)))
    .filter(({ metadata }) => metadata.labels?.[LABEL.sovereign] === sovereign.metadata.name);
}

export function podsOf(
  caches: Pick<SovereignCaches, "pods">,
  namespace: string,
  component: string,
): PodObject[] {
  return caches.pods
    .byIndex(NAMESPACE_INDEX, namespace)
    .filter(({ metadata }) => metadata.labels?.["app.kubernetes.io/name"] === component);
}

/** The migration Jobs of a Sovereign, for its present image and for earlier ones. */
export function migrationJobs(caches: SovereignCaches, sovereign: Sovereign): JobObject[] {
  return caches.jobs
    .byIndex(NAMESPACE_INDEX, namespaceOf(sovereign))
    .filter(({ metadata }) => metadata.labels?.[LABEL.sovereign] === sovereign.metadata.name);
}

/** The Pods of one Job, oldest first. Jobs of earlier releases leave their own Pods in the same namespace. */
export function podsOfJob(caches: SovereignCaches, { metadata }: JobObject): PodObject[] {
  return caches.pods
    .byIndex(NAMESPACE_INDEX, metadata.namespace ?? "")
    .filter((pod) => isPodOf(pod, metadata.uid))
    .sort((a, b) => ((a.metadata.creationTimestamp ?? "") < (b.metadata.creationTimestamp ?? "") ? -1 : 1));
}

export const isPodOf = ({ metadata }: PodObject, jobUid: string | undefined): boolean =>
  metadata.ownerReferences?.some(({ uid }) => uid === jobUid) === true;
