import { ORGANIZATION_INDEXES } from "../admission/fact-collector.ts";
import { NATIVE_POLICY_LABELS } from "../admission/policy/native/policy-list.ts";
import type { BillingRelease } from "../api/billing-release.ts";
import { BILLING_RELEASE } from "../api/billing-release.ts";
import { BLUEPRINT, type Blueprint } from "../api/blueprint.ts";
import { ENVIRONMENT_POLICY, type EnvironmentPolicy } from "../api/environment-policy.ts";
import { FRANCHISE, type Franchise } from "../api/franchise.ts";
import type { KindDefinition } from "../api/kind.ts";
import { LABEL, MANAGED_BY } from "../api/label.ts";
import {
  FIELD_MANAGER,
  OPERATOR_KEY_SECRET,
  SYSTEM_NAMESPACE,
  TRUST_CONFIG_MAP,
  WEBHOOK_TLS_SECRET,
} from "../api/name.ts";
import {
  type ConfigMapObject,
  type KubernetesObject,
  presentFields,
  type SecretObject,
} from "../api/object.ts";
import { ORGANIZATION, type Organization } from "../api/organization.ts";
import { FINDING_REPORT } from "../api/policy-finding.ts";
import { SOAK_LABEL } from "../api/soak-record.ts";
import { SOVEREIGN, type Sovereign } from "../api/sovereign.ts";
import { OWNER_INDEX, ownerKeys } from "../controllers/owner-reference.ts";
import { NAMESPACE_INDEX, SOVEREIGN_INDEX, SOVEREIGN_INDEXES } from "../controllers/sovereign/cache.ts";
import { leanJob, leanPod } from "../controllers/sovereign/lean-object.ts";
import type { DeploymentObject, JobObject, PodObject } from "../controllers/sovereign/observed.ts";
import { type KubeClient, labelSelectorOf } from "../kube/client.ts";
import { createInformer, type Informer, type InformerOptions, withForeignFields } from "../kube/informer.ts";
import {
  CLUSTER_ROLE_BINDINGS,
  CLUSTER_ROLES,
  CONFIG_MAPS,
  DEPLOYMENTS,
  INGRESSES,
  JOBS,
  keyOf,
  LIMIT_RANGES,
  NAMESPACES,
  NETWORK_POLICIES,
  POD_DISRUPTION_BUDGETS,
  PODS,
  RESOURCE_QUOTAS,
  type Resource,
  ROLE_BINDINGS,
  resourceOf,
  SECRETS,
  SERVICE_ACCOUNTS,
  SERVICES,
  VALIDATING_ADMISSION_POLICIES,
  VALIDATING_ADMISSION_POLICY_BINDINGS,
  VALIDATING_WEBHOOK_CONFIGURATIONS,
} from "../kube/resource.ts";
import type { Logger } from "../platform/log.ts";
import { aborted } from "../platform/shutdown.ts";
import { loadNamedSecrets } from "./secret-version.ts";
import { ORGANIZATION_SOVEREIGN_INDEX } from "./subscription-standing.ts";

const MANAGED = { labelSelector: labelSelectorOf({ [LABEL.managedBy]: MANAGED_BY.operator }) };
const BY_NAMESPACE = {
  [NAMESPACE_INDEX]: ({ metadata }: KubernetesObject) => [String(metadata.namespace)],
};
/** Objects that the operator applies are read only when their owner is reconciled. */
const COMPACT = { ...MANAGED, isCompact: true };
const APPLIED = {
  ...COMPACT,
  transform: <T extends KubernetesObject>(object: T) => withForeignFields<T>(FIELD_MANAGER)(object),
};
const IN_NAMESPACE = { ...APPLIED, indexes: BY_NAMESPACE };

/** An API server may not serve policies. The operator then starts without them, and reports that. */
const POLICY = {
  labelSelector: labelSelectorOf(NATIVE_POLICY_LABELS),
};

/**
 * Creates all caches of the operator. Most built-in kinds are watched only with the operator's own label. Of the Secrets
 * that Sovereigns name, the cache keeps only the versions. The operator starts without this cache, because a platform may
 * withhold the right to watch Secrets.
 */
export function createCaches(deps: { client: KubeClient; logger: Logger }) {
  const all: Informer<KubernetesObject>[] = [];
  function cache<T extends KubernetesObject>(
    resource: Resource,
    options: InformerOptions<T> = {},
  ): Informer<T> {
    const informer = createInformer<T>(deps, resource, options);
    all.push(informer as unknown as Informer<KubernetesObject>);
    return informer;
  }
  const kind = <T extends KubernetesObject>(definition: KindDefinition) => cache<T>(resourceOf(definition));

  const sovereigns = cache<Sovereign>(resourceOf(SOVEREIGN), { indexes: SOVEREIGN_INDEXES });
  const networkPolicies = cache<KubernetesObject>(NETWORK_POLICIES, IN_NAMESPACE);
  const configMaps = cache<KubernetesObject>(CONFIG_MAPS, IN_NAMESPACE);
  const caches = {
    sovereigns,
    releases: kind<BillingRelease>(BILLING_RELEASE),
    franchises: kind<Franchise>(FRANCHISE),
    blueprints: kind<Blueprint>(BLUEPRINT),
    policies: kind<EnvironmentPolicy>(ENVIRONMENT_POLICY),
    organizations: cache<Organization>(resourceOf(ORGANIZATION), {
      indexes: { ...ORGANIZATION_INDEXES, [ORGANIZATION_SOVEREIGN_INDEX]: ({ spec }) => [spec.sovereign] },
    }),
    namespaces: cache<KubernetesObject>(NAMESPACES),
    deployments: cache<DeploymentObject>(DEPLOYMENTS, IN_NAMESPACE),
    jobs: cache<JobObject>(JOBS, { ...COMPACT, indexes: BY_NAMESPACE, transform: leanJob }),
    pods: cache<PodObject>(PODS, { ...COMPACT, indexes: BY_NAMESPACE, transform: leanPod }),
    roleBindings: cache<KubernetesObject>(ROLE_BINDINGS, {
      ...APPLIED,
      indexes: { [OWNER_INDEX]: ownerKeys },
    }),
    clusterRoles: cache<KubernetesObject>(CLUSTER_ROLES, APPLIED),
    clusterRoleBindings: cache<KubernetesObject>(CLUSTER_ROLE_BINDINGS, APPLIED),
    resourceQuotas: cache<KubernetesObject>(RESOURCE_QUOTAS, APPLIED),
    limitRanges: cache<KubernetesObject>(LIMIT_RANGES, APPLIED),
    networkPolicies,
    configMaps,
    others: [SERVICE_ACCOUNTS, SERVICES, INGRESSES, POD_DISRUPTION_BUDGETS]
      .map((resource) => cache<KubernetesObject>(resource, IN_NAMESPACE))
      .concat(networkPolicies, configMaps),
    trust: cache<ConfigMapObject>(CONFIG_MAPS, {
      namespace: SYSTEM_NAMESPACE,
      fieldSelector: `metadata.name=${TRUST_CONFIG_MAP}`,
    }),
    soakRecords: cache<ConfigMapObject>(CONFIG_MAPS, {
      namespace: SYSTEM_NAMESPACE,
      labelSelector: labelSelectorOf(SOAK_LABEL),
    }),
    policyFindings: cache<ConfigMapObject>(CONFIG_MAPS, {
      namespace: SYSTEM_NAMESPACE,
      fieldSelector: `metadata.name=${FINDING_REPORT.configMap}`,
    }),
    webhookSecrets: cache<SecretObject>(SECRETS, {
      namespace: SYSTEM_NAMESPACE,
      fieldSelector: `metadata.name=${WEBHOOK_TLS_SECRET}`,
    }),
    signingKeys: cache<SecretObject>(SECRETS, {
      namespace: SYSTEM_NAMESPACE,
      fieldSelector: `metadata.name=${OPERATOR_KEY_SECRET}`,
    }),
    webhookConfigurations: cache<KubernetesObject>(VALIDATING_WEBHOOK_CONFIGURATIONS, APPLIED),
  };
  const required = [...all];
  const versionsOf = (resource: Resource, index: string) =>
    cache<KubernetesObject>(resource, {
      metadataOnly: true,
      isWanted: ({ metadata }) => sovereigns.byIndex(index, keyOf(metadata)).length > 0,
      transform: versionOnly,
    });
  const secretVersions = versionsOf(SECRETS, SOVEREIGN_INDEX.secret);
  const authorityVersions = versionsOf(CONFIG_MAPS, SOVEREIGN_INDEX.authority);
  const admissionPolicies = [VALIDATING_ADMISSION_POLICIES, VALIDATING_ADMISSION_POLICY_BINDINGS].map(
    (resource) => cache<KubernetesObject>(resource, POLICY),
  );
  return {
    ...caches,
    admissionPolicies,
    secretVersions,
    authorityVersions,
    /** The cache whose server was silent for the longest time, in milliseconds. */
    oldest: () => oldestOf(all),
    synced: () => Promise.all(required.map(({ synced }) => synced)),
    async run(signal: AbortSignal): Promise<void> {
      const named = { ...deps, sovereigns, secretVersions, namespaces: caches.namespaces, signal };
      await Promise.all([
        ...all.filter((informer) => informer !== secretVersions).map((informer) => informer.run(signal)),
        // The Sovereigns name the Secrets that are wanted, so their cache is filled first.
        Promise.race([sovereigns.synced, aborted(signal)]).then(() => secretVersions.run(signal)),
        loadNamedSecrets(named),
      ]);
    },
  };
}

function oldestOf(
  caches: readonly Informer<KubernetesObject>[],
): { resource: string; silentForMs: number } | undefined {
  return caches
    .flatMap(({ resource, silentForMs }) => {
      const silent = silentForMs();
      return silent === undefined ? [] : [{ resource: resource.plural, silentForMs: silent }];
    })
    .sort((one, other) => other.silentForMs - one.silentForMs)[0];
}

/**
 * Keeps nothing else: `kubectl apply` stores a Secret's values in an annotation, and the ownership of fields is larger than
 * the rest.
 */
const versionOnly = ({ apiVersion, kind, metadata }: KubernetesObject): KubernetesObject => ({
  ...{ apiVersion, kind },
  metadata: { name: metadata.name, ...presentFields(metadata, ["namespace", "uid", "resourceVersion"]) },
});

export type OperatorCaches = ReturnType<typeof createCaches>;
