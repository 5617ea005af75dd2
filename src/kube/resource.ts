import { GROUP, type KindDefinition, VERSION } from "../api/kind.ts";
import { KINDS } from "../api/kind-list.ts";

/** A kind as the API server serves it. The core group is `""`. */
export interface Resource {
  group: string;
  version: string;
  kind: string;
  plural: string;
  namespaced: boolean;
}

/** The key of an object. `namespace` is set for namespaced kinds only. */
export interface ObjectKey {
  name: string;
  namespace?: string;
}

const clusterWide = (group: string, version: string, kind: string, plural: string): Resource => ({
  group,
  version,
  kind,
  plural,
  namespaced: false,
});
const namespaced = (group: string, version: string, kind: string, plural: string): Resource => ({
  group,
  version,
  kind,
  plural,
  namespaced: true,
});

export const NAMESPACES = clusterWide("", "v1", "Namespace", "namespaces");
export const NODES = clusterWide("", "v1", "Node", "nodes");
export const PODS = namespaced("", "v1", "Pod", "pods");
export const SECRETS = namespaced("", "v1", "Secret", "secrets");
export const CONFIG_MAPS = namespaced("", "v1", "ConfigMap", "configmaps");
export const SERVICES = namespaced("", "v1", "Service", "services");
export const SERVICE_ACCOUNTS = namespaced("", "v1", "ServiceAccount", "serviceaccounts");
export const RESOURCE_QUOTAS = namespaced("", "v1", "ResourceQuota", "resourcequotas");
export const LIMIT_RANGES = namespaced("", "v1", "LimitRange", "limitranges");
export const EVENTS = namespaced("", "v1", "Event", "events");
export const DEPLOYMENTS = namespaced("apps", "v1", "Deployment", "deployments");
export const REPLICA_SETS = namespaced("apps", "v1", "ReplicaSet", "replicasets");
export const JOBS = namespaced("batch", "v1", "Job", "jobs");
export const ENDPOINT_SLICES = namespaced("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices");
export const INGRESSES = namespaced("networking.k8s.io", "v1", "Ingress", "ingresses");
export const NETWORK_POLICIES = namespaced("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies");
export const POD_DISRUPTION_BUDGETS = namespaced(
  "policy",
  "v1",
  "PodDisruptionBudget",
  "poddisruptionbudgets",
);
export const SELF_SUBJECT_REVIEWS = clusterWide(
  "authentication.k8s.io",
  "v1",
  "SelfSubjectReview",
  "selfsubjectreviews",
);
export const SELF_SUBJECT_ACCESS_REVIEWS = clusterWide(
  "authorization.k8s.io",
  "v1",
  "SelfSubjectAccessReview",
  "selfsubjectaccessreviews",
);
export const LEASES = namespaced("coordination.k8s.io", "v1", "Lease", "leases");
export const HORIZONTAL_POD_AUTOSCALERS = namespaced(
  "autoscaling",
  "v2",
  "HorizontalPodAutoscaler",
  "horizontalpodautoscalers",
);
/** The kinds of the Gateway API with hosts and addresses. */
export const GATEWAY_KINDS = [
  namespaced("gateway.networking.k8s.io", "v1", "Gateway", "gateways"),
  namespaced("gateway.networking.k8s.io", "v1", "HTTPRoute", "httproutes"),
  namespaced("gateway.networking.k8s.io", "v1", "GRPCRoute", "grpcroutes"),
];
export const HELM_RELEASES = namespaced("helm.toolkit.fluxcd.io", "v2", "HelmRelease", "helmreleases");
export const KUSTOMIZATIONS = namespaced(
  "kustomize.toolkit.fluxcd.io",
  "v1",
  "Kustomization",
  "kustomizations",
);
export const POLICY_REPORTS = namespaced("wgpolicyk8s.io", "v1alpha2", "PolicyReport", "policyreports");
/** Flux serves v1 since 2.6, and v1beta2 before. */
export const OCI_REPOSITORIES = ["v1", "v1beta2"].map((version) =>
  namespaced("source.toolkit.fluxcd.io", version, "OCIRepository", "ocirepositories"),
);
export const ROLES = namespaced("rbac.authorization.k8s.io", "v1", "Role", "roles");
export const ROLE_BINDINGS = namespaced("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings");
export const CLUSTER_ROLES = clusterWide("rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles");
export const CLUSTER_ROLE_BINDINGS = clusterWide(
  "rbac.authorization.k8s.io",
  "v1",
  "ClusterRoleBinding",
  "clusterrolebindings",
);
export const CUSTOM_RESOURCE_DEFINITIONS = clusterWide(
  "apiextensions.k8s.io",
  "v1",
  "CustomResourceDefinition",
  "customresourcedefinitions",
);
export const VALIDATING_WEBHOOK_CONFIGURATIONS = clusterWide(
  "admissionregistration.k8s.io",
  "v1",
  "ValidatingWebhookConfiguration",
  "validatingwebhookconfigurations",
);
export const VALIDATING_ADMISSION_POLICIES = clusterWide(
  "admissionregistration.k8s.io",
  "v1",
  "ValidatingAdmissionPolicy",
  "validatingadmissionpolicies",
);
export const VALIDATING_ADMISSION_POLICY_BINDINGS = clusterWide(
  "admissionregistration.k8s.io",
  "v1",
  "ValidatingAdmissionPolicyBinding",
  "validatingadmissionpolicybindings",
);

/** The resource of a Catalyst kind. */
export function resourceOf(definition: KindDefinition): Resource {
  const { kind, plural, scope } = definition;
  return { group: GROUP, version: VERSION, kind, plural, namespaced: scope === "Namespaced" };
}

const BUILT_IN: readonly Resource[] = [
  NAMESPACES,
  NODES,
  PODS,
  SECRETS,
  CONFIG_MAPS,
  SERVICES,
  SERVICE_ACCOUNTS,
  RESOURCE_QUOTAS,
  LIMIT_RANGES,
  EVENTS,
  DEPLOYMENTS,
  REPLICA_SETS,
  JOBS,
  INGRESSES,
  NETWORK_POLICIES,
  POD_DISRUPTION_BUDGETS,
  LEASES,
  ROLES,
  ROLE_BINDINGS,
  CLUSTER_ROLES,
  CLUSTER_ROLE_BINDINGS,
  CUSTOM_RESOURCE_DEFINITIONS,
  VALIDATING_WEBHOOK_CONFIGURATIONS,
  VALIDATING_ADMISSION_POLICIES,
  VALIDATING_ADMISSION_POLICY_BINDINGS,
];

const BY_KIND = new Map(
  [...BUILT_IN, ...KINDS.map(resourceOf)].map((resource) => [
    `${apiVersionOf(resource)}/${resource.kind}`,
    resource,
  ]),
);

/** `v1`, `apps/v1`. */
export function apiVersionOf({ group, version }: Resource): string {
  return group === "" ? version : `${group}/${version}`;
}

/** The resource of a manifest. Throws for a kind that this program does not write. */
export function resourceOfManifest({ apiVersion, kind }: { apiVersion: string; kind: string }): Resource {
  const resource = BY_KIND.get(`${apiVersion}/${kind}`);
  if (resource === undefined) throw new Error(`no resource is known for ${apiVersion} ${kind}`);
  return resource;
}

/** `/apis/apps/v1/namespaces/NS/deployments`, followed by the name and subresource if given. */
export function pathOf(
  resource: Resource,
  key: { name?: string; namespace?: string } = {},
  subresource?: string,
): string {
  const root =
    resource.group === "" ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  const scope = key.namespace === undefined ? "" : `/namespaces/${segment(key.namespace)}`;
  const name = key.name === undefined ? "" : `/${segment(key.name)}`;
  return `${root}${scope}/${resource.plural}${name}${subresource === undefined ? "" : `/${subresource}`}`;
}

const KIND_OF = new Map(
  [...BUILT_IN, ...KINDS.map(resourceOf)].map(({ group, plural, kind }) => [`${group}/${plural}`, kind]),
);

/**
 * The object that a request addresses, as a person would name it: `Deployment sovereign-omantel/billing`. A create request
 * has the name only in its `body`.
 */
export function targetOf(path: string, body?: unknown): string {
  const [, root, ...rest] = path.split("/").map(decodeURIComponent);
  const group = root === "apis" ? (rest[0] ?? "") : "";
  const steps = rest.slice(root === "apis" ? 2 : 1);
  const isNamespaced = steps[0] === "namespaces" && steps.length > 2;
  const [plural = "", named, subresource] = isNamespaced ? steps.slice(2) : steps;
  const created = (body as { metadata?: { name?: string } } | undefined)?.metadata?.name;
  const key = [isNamespaced ? steps[1] : undefined, named ?? created].filter((part) => part !== undefined);
  const kind = KIND_OF.get(`${group}/${plural}`) ?? plural;
  return `${kind} ${key.join("/")}`.trimEnd() + (subresource === undefined ? "" : `, ${subresource}`);
}

/** A name must stay one segment of the path. An empty name or dots would address another resource. */
function segment(name: string): string {
  if (name === "" || name === "." || name === "..") throw new Error(`'${name}' is not a valid object name`);
  return encodeURIComponent(name);
}

/** `namespace/name`, or `name` for a cluster-scoped object. */
export function keyOf({ name, namespace }: ObjectKey): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}
