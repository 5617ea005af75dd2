import type { PolicyRule } from "./policy-rule.ts";

// The ClusterRoles and bindings that a Kubernetes 1.36 API server writes at its first start. Those of the kubelet, the
// scheduler and the controllers are left out, because nothing here uses them.

const GROUP = "rbac.authorization.k8s.io";
const READ = ["get", "list", "watch"];
const WRITE = ["create", "delete", "deletecollection", "patch", "update"];

const META = {
  annotations: { "rbac.authorization.kubernetes.io/autoupdate": "true" },
  labels: { "kubernetes.io/bootstrapping": "rbac-defaults" },
};

interface BootstrapObject {
  apiVersion: string;
  kind: "ClusterRole" | "ClusterRoleBinding";
  metadata: { name: string; labels: Record<string, string>; annotations: Record<string, string> };
  [member: string]: unknown;
}

const rule = (apiGroups: string[], resources: string[], verbs: string[]): PolicyRule => ({
  apiGroups,
  resources,
  verbs,
});
const paths = (...nonResourceURLs: string[]): PolicyRule => ({ nonResourceURLs, verbs: ["get"] });

function clusterRole(name: string, rules: PolicyRule[], aggregateTo?: string): BootstrapObject {
  const labels: Record<string, string> = { ...META.labels };
  if (aggregateTo !== undefined) labels[`${GROUP}/aggregate-to-${aggregateTo}`] = "true";
  return {
    apiVersion: `${GROUP}/v1`,
    kind: "ClusterRole",
    metadata: { name, labels, annotations: META.annotations },
    rules,
  };
}

function aggregatedRole(name: string, aggregateTo?: string): BootstrapObject {
  return {
    ...clusterRole(name, [], aggregateTo),
    aggregationRule: {
      clusterRoleSelectors: [{ matchLabels: { [`${GROUP}/aggregate-to-${name}`]: "true" } }],
    },
  };
}

function clusterRoleBinding(role: string, ...groups: string[]): BootstrapObject {
  return {
    apiVersion: `${GROUP}/v1`,
    kind: "ClusterRoleBinding",
    metadata: { name: role, ...META },
    roleRef: { apiGroup: GROUP, kind: "ClusterRole", name: role },
    subjects: groups.map((name) => ({ apiGroup: GROUP, kind: "Group", name })),
  };
}

const VIEW: PolicyRule[] = [
  rule(
    [""],
    [
      "configmaps",
      "endpoints",
      "persistentvolumeclaims",
      "persistentvolumeclaims/status",
      "pods",
      "replicationcontrollers",
      "replicationcontrollers/scale",
      "serviceaccounts",
      "services",
      "services/status",
    ],
    READ,
  ),
  rule(
    [""],
    [
      "bindings",
      "limitranges",
      "namespaces/status",
      "pods/log",
      "pods/status",
      "replicationcontrollers/status",
      "resourcequotas",
      "resourcequotas/status",
    ],
    READ,
  ),
  rule([""], ["namespaces"], READ),
  rule(["", "events.k8s.io"], ["events"], READ),
  rule(["discovery.k8s.io"], ["endpointslices"], READ),
  rule(
    ["apps"],
    [
      "controllerrevisions",
      "daemonsets",
      "daemonsets/status",
      "deployments",
      "deployments/scale",
      "deployments/status",
      "replicasets",
      "replicasets/scale",
      "replicasets/status",
      "statefulsets",
      "statefulsets/scale",
      "statefulsets/status",
    ],
    READ,
  ),
  rule(["autoscaling"], ["horizontalpodautoscalers", "horizontalpodautoscalers/status"], READ),
  rule(["batch"], ["cronjobs", "cronjobs/status", "jobs", "jobs/status"], READ),
  rule(["policy"], ["poddisruptionbudgets", "poddisruptionbudgets/status"], READ),
  rule(["networking.k8s.io"], ["ingresses", "ingresses/status", "networkpolicies"], READ),
  rule(["resource.k8s.io"], ["resourceclaims", "resourceclaims/status", "resourceclaimtemplates"], READ),
];

const EDIT: PolicyRule[] = [
  rule(
    [""],
    ["pods/attach", "pods/exec", "pods/portforward", "pods/proxy", "secrets", "services/proxy"],
    READ,
  ),
  rule([""], ["serviceaccounts"], ["impersonate"]),
  rule([""], ["pods", "pods/attach", "pods/exec", "pods/portforward", "pods/proxy"], WRITE),
  rule([""], ["pods/eviction"], ["create"]),
  rule(
    [""],
    [
      "configmaps",
      "persistentvolumeclaims",
      "replicationcontrollers",
      "replicationcontrollers/scale",
      "secrets",
      "serviceaccounts",
      "services",
      "services/proxy",
    ],
    WRITE,
  ),
  rule([""], ["serviceaccounts/token"], ["create"]),
  rule(["", "events.k8s.io"], ["events"], WRITE),
  rule(
    ["apps"],
    [
      "daemonsets",
      "deployments",
      "deployments/rollback",
      "deployments/scale",
      "replicasets",
      "replicasets/scale",
      "statefulsets",
      "statefulsets/scale",
    ],
    WRITE,
  ),
  rule(["autoscaling"], ["horizontalpodautoscalers"], WRITE),
  rule(["batch"], ["cronjobs", "jobs"], WRITE),
  rule(["policy"], ["poddisruptionbudgets"], WRITE),
  rule(["networking.k8s.io"], ["ingresses", "networkpolicies"], WRITE),
  rule(["coordination.k8s.io"], ["leases"], [...WRITE, ...READ]),
  rule(["resource.k8s.io"], ["resourceclaims", "resourceclaimtemplates"], WRITE),
];

const ADMIN: PolicyRule[] = [
  rule(["authorization.k8s.io"], ["localsubjectaccessreviews"], ["create"]),
  rule([GROUP], ["rolebindings", "roles"], [...WRITE, ...READ]),
];

export const BOOTSTRAP_CLUSTER_ROLES: readonly BootstrapObject[] = [
  clusterRole("cluster-admin", [rule(["*"], ["*"], ["*"]), { nonResourceURLs: ["*"], verbs: ["*"] }]),
  aggregatedRole("admin"),
  aggregatedRole("edit", "admin"),
  aggregatedRole("view", "edit"),
  clusterRole("system:aggregate-to-admin", ADMIN, "admin"),
  clusterRole("system:aggregate-to-edit", EDIT, "edit"),
  clusterRole("system:aggregate-to-view", VIEW, "view"),
  clusterRole("system:basic-user", [
    rule(["authorization.k8s.io"], ["selfsubjectaccessreviews", "selfsubjectrulesreviews"], ["create"]),
    rule(["authentication.k8s.io"], ["selfsubjectreviews"], ["create"]),
  ]),
  clusterRole("system:discovery", [
    paths(
      "/api",
      "/api/*",
      "/apis",
      "/apis/*",
      "/healthz",
      "/livez",
      "/openapi",
      "/openapi/*",
      "/readyz",
      "/version",
      "/version/",
    ),
  ]),
  clusterRole("system:public-info-viewer", [paths("/healthz", "/livez", "/readyz", "/version", "/version/")]),
  clusterRole("system:monitoring", [
    paths(
      "/healthz",
      "/healthz/*",
      "/livez",
      "/livez/*",
      "/metrics",
      "/metrics/slis",
      "/readyz",
      "/readyz/*",
    ),
    rule([""], ["nodes/metrics"], ["get"]),
  ]),
  clusterRole("system:auth-delegator", [
    rule(["authentication.k8s.io"], ["tokenreviews"], ["create"]),
    rule(["authorization.k8s.io"], ["subjectaccessreviews"], ["create"]),
  ]),
  clusterRole("system:service-account-issuer-discovery", [
    paths(
      "/.well-known/openid-configuration",
      "/.well-known/openid-configuration/",
      "/openid/v1/jwks",
      "/openid/v1/jwks/",
    ),
  ]),
  // The rights that the process runner needs as a kubelet. As in Kubernetes, no binding exists.
  clusterRole("system:node", [
    rule(["authentication.k8s.io"], ["tokenreviews"], ["create"]),
    rule(["authorization.k8s.io"], ["localsubjectaccessreviews", "subjectaccessreviews"], ["create"]),
    rule([""], ["services"], READ),
    rule([""], ["nodes"], ["create", "get", "list", "watch", "patch", "update"]),
    rule([""], ["nodes/status"], ["patch", "update"]),
    rule([""], ["events"], ["create", "patch", "update"]),
    rule([""], ["pods"], ["create", "delete", ...READ]),
    rule([""], ["pods/status"], ["patch", "update"]),
    rule([""], ["pods/eviction"], ["create"]),
    rule([""], ["configmaps", "secrets"], READ),
    rule([""], ["serviceaccounts/token"], ["create"]),
    rule(["coordination.k8s.io"], ["leases"], ["create", "delete", "get", "patch", "update"]),
  ]),
];

export const BOOTSTRAP_CLUSTER_ROLE_BINDINGS: readonly BootstrapObject[] = [
  clusterRoleBinding("cluster-admin", "system:masters"),
  clusterRoleBinding("system:basic-user", "system:authenticated"),
  clusterRoleBinding("system:discovery", "system:authenticated"),
  clusterRoleBinding("system:public-info-viewer", "system:authenticated", "system:unauthenticated"),
  clusterRoleBinding("system:monitoring", "system:monitoring"),
  clusterRoleBinding("system:service-account-issuer-discovery", "system:serviceaccounts"),
];
