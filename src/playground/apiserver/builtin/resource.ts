import { ALL_VERBS, type ResourceType, storageKey } from "../resource-type.ts";
import { eventConversion } from "./event-conversion.ts";
import { builtinSchema } from "./schema.ts";

interface Row {
  kind: string;
  plural: string;
  shortNames?: string[];
  categories?: string[];
  cluster?: true;
  subresources?: ("status" | "scale")[];
  verbs?: string[];
}

const WITHOUT_COLLECTION_DELETE = ALL_VERBS.filter((verb) => verb !== "deletecollection");
const STATUS: ["status"] = ["status"];
const ALL = ["all"];
const EXTENSION = ["api-extensions"];

const CORE: Row[] = [
  { kind: "ConfigMap", plural: "configmaps", shortNames: ["cm"] },
  { kind: "Endpoints", plural: "endpoints", shortNames: ["ep"] },
  { kind: "Event", plural: "events", shortNames: ["ev"] },
  { kind: "LimitRange", plural: "limitranges", shortNames: ["limits"] },
  {
    kind: "Namespace",
    plural: "namespaces",
    shortNames: ["ns"],
    cluster: true,
    subresources: STATUS,
    verbs: WITHOUT_COLLECTION_DELETE,
  },
  { kind: "Node", plural: "nodes", shortNames: ["no"], cluster: true, subresources: STATUS },
  { kind: "Pod", plural: "pods", shortNames: ["po"], categories: ALL, subresources: STATUS },
  { kind: "ResourceQuota", plural: "resourcequotas", shortNames: ["quota"], subresources: STATUS },
  { kind: "Secret", plural: "secrets" },
  { kind: "ServiceAccount", plural: "serviceaccounts", shortNames: ["sa"] },
  { kind: "Service", plural: "services", shortNames: ["svc"], categories: ALL, subresources: STATUS },
];

const scaled = (kind: string, plural: string, shortName: string): Row => ({
  kind,
  plural,
  shortNames: [shortName],
  categories: ALL,
  subresources: ["status", "scale"],
});

const GROUPS: Record<string, Row[]> = {
  "": CORE,
  apps: [
    { kind: "DaemonSet", plural: "daemonsets", shortNames: ["ds"], categories: ALL, subresources: STATUS },
    scaled("Deployment", "deployments", "deploy"),
    scaled("ReplicaSet", "replicasets", "rs"),
    scaled("StatefulSet", "statefulsets", "sts"),
  ],
  batch: [
    { kind: "CronJob", plural: "cronjobs", shortNames: ["cj"], categories: ALL, subresources: STATUS },
    { kind: "Job", plural: "jobs", categories: ALL, subresources: STATUS },
  ],
  "networking.k8s.io": [
    { kind: "IngressClass", plural: "ingressclasses", cluster: true },
    { kind: "Ingress", plural: "ingresses", shortNames: ["ing"], subresources: STATUS },
    { kind: "NetworkPolicy", plural: "networkpolicies", shortNames: ["netpol"] },
  ],
  policy: [
    {
      kind: "PodDisruptionBudget",
      plural: "poddisruptionbudgets",
      shortNames: ["pdb"],
      subresources: STATUS,
    },
  ],
  "rbac.authorization.k8s.io": [
    { kind: "ClusterRoleBinding", plural: "clusterrolebindings", cluster: true },
    { kind: "ClusterRole", plural: "clusterroles", cluster: true },
    { kind: "RoleBinding", plural: "rolebindings" },
    { kind: "Role", plural: "roles" },
  ],
  "coordination.k8s.io": [{ kind: "Lease", plural: "leases" }],
  "discovery.k8s.io": [{ kind: "EndpointSlice", plural: "endpointslices" }],
  "events.k8s.io": [{ kind: "Event", plural: "events", shortNames: ["ev"] }],
  "apiextensions.k8s.io": [
    {
      kind: "CustomResourceDefinition",
      plural: "customresourcedefinitions",
      shortNames: ["crd", "crds"],
      categories: EXTENSION,
      cluster: true,
      subresources: STATUS,
    },
  ],
  "admissionregistration.k8s.io": [
    {
      kind: "MutatingWebhookConfiguration",
      plural: "mutatingwebhookconfigurations",
      categories: EXTENSION,
      cluster: true,
    },
    {
      kind: "ValidatingAdmissionPolicy",
      plural: "validatingadmissionpolicies",
      categories: EXTENSION,
      cluster: true,
      subresources: STATUS,
    },
    {
      kind: "ValidatingAdmissionPolicyBinding",
      plural: "validatingadmissionpolicybindings",
      categories: EXTENSION,
      cluster: true,
    },
    {
      kind: "ValidatingWebhookConfiguration",
      plural: "validatingwebhookconfigurations",
      categories: EXTENSION,
      cluster: true,
    },
  ],
  "apiregistration.k8s.io": [
    {
      kind: "APIService",
      plural: "apiservices",
      categories: EXTENSION,
      cluster: true,
      subresources: STATUS,
    },
  ],
};

function resourceType(group: string, row: Row): ResourceType {
  const type: ResourceType = {
    group,
    version: "v1",
    plural: row.plural,
    singular: row.kind.toLowerCase(),
    kind: row.kind,
    listKind: `${row.kind}List`,
    namespaced: row.cluster !== true,
    shortNames: row.shortNames ?? [],
    categories: row.categories ?? [],
    verbs: row.verbs ?? ALL_VERBS,
    subresources: new Set(row.subresources ?? []),
    storage: storageKey(group, row.plural),
    schema: builtinSchema(group, row.kind),
  };
  return group === "events.k8s.io"
    ? { ...type, storage: storageKey("", "events"), storageConversion: eventConversion }
    : type;
}

/** The built-in kinds that this server stores. */
export function builtinResourceTypes(): ResourceType[] {
  return Object.entries(GROUPS).flatMap(([group, rows]) => rows.map((row) => resourceType(group, row)));
}

/** Reviews, which are answered and not stored. */
export const REVIEWS: readonly { group: string; plural: string; kind: string; namespaced: boolean }[] = [
  {
    group: "authentication.k8s.io",
    plural: "selfsubjectreviews",
    kind: "SelfSubjectReview",
    namespaced: false,
  },
  { group: "authentication.k8s.io", plural: "tokenreviews", kind: "TokenReview", namespaced: false },
  {
    group: "authorization.k8s.io",
    plural: "localsubjectaccessreviews",
    kind: "LocalSubjectAccessReview",
    namespaced: true,
  },
  {
    group: "authorization.k8s.io",
    plural: "selfsubjectaccessreviews",
    kind: "SelfSubjectAccessReview",
    namespaced: false,
  },
  {
    group: "authorization.k8s.io",
    plural: "selfsubjectrulesreviews",
    kind: "SelfSubjectRulesReview",
    namespaced: false,
  },
  {
    group: "authorization.k8s.io",
    plural: "subjectaccessreviews",
    kind: "SubjectAccessReview",
    namespaced: false,
  },
];
