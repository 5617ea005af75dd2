import type { KubernetesObject } from "../../api/object.ts";

const ALL = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];

/** A rule of the role that a Franchisee's administrator gets in the playground. */
interface PolicyRule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
  resourceNames?: string[];
}

/**
 * This role is too wide on purpose: RBAC allows every write of the story, so that only admission denies. The role in
 * the chart (files/franchisee-role.yaml) has only a few of these rights. This role omits rights that admission does not
 * review (see docs/admission.md): Secrets, impersonation, `bind` and `escalate`, ServiceAccount tokens, and the
 * policies of admissionregistration.k8s.io with their bindings. A native policy protects the operator's webhook
 * configuration.
 */
const RULES: PolicyRule[] = [
  { apiGroups: ["catalyst.openova.io"], resources: ["*"], verbs: ALL },
  {
    apiGroups: [""],
    resources: [
      "namespaces",
      "pods",
      "pods/log",
      "pods/exec",
      "pods/attach",
      "pods/portforward",
      "pods/proxy",
      "pods/ephemeralcontainers",
      "services",
      "services/proxy",
      "endpoints",
      "configmaps",
      "serviceaccounts",
      "persistentvolumeclaims",
      "replicationcontrollers",
      "resourcequotas",
      "limitranges",
      "events",
    ],
    verbs: ALL,
  },
  {
    apiGroups: ["apps", "batch", "autoscaling", "policy", "networking.k8s.io"],
    resources: ["*"],
    verbs: ALL,
  },
  { apiGroups: ["coordination.k8s.io", "discovery.k8s.io"], resources: ["*"], verbs: ALL },
  {
    apiGroups: ["rbac.authorization.k8s.io"],
    resources: ["roles", "rolebindings", "clusterroles", "clusterrolebindings"],
    verbs: ALL,
  },
  {
    apiGroups: ["apiextensions.k8s.io", "apiregistration.k8s.io"],
    resources: ["customresourcedefinitions", "apiservices"],
    verbs: ALL,
  },
  {
    apiGroups: ["admissionregistration.k8s.io"],
    resources: ["validatingwebhookconfigurations"],
    verbs: ["get", "list", "watch", "update", "patch", "delete"],
  },
  { apiGroups: [""], resources: ["nodes"], verbs: ["get", "list", "watch"] },
];

/** The role and its binding. */
export function desiredFranchiseeAccess(user: string): KubernetesObject[] {
  const name = `playground-${user}`;
  const role: KubernetesObject & { rules: PolicyRule[] } = {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRole",
    metadata: { name },
    rules: RULES,
  };
  const binding: KubernetesObject & { roleRef: object; subjects: object[] } = {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRoleBinding",
    metadata: { name },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name },
    subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: user }],
  };
  return [role, binding];
}
