import type { KubernetesObject } from "../../api/object.ts";

const ALL = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];

/** What a Franchisee's administrator may ask of the API server here. */
interface PolicyRule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
  resourceNames?: string[];
}

/**
 * Wide enough that admission alone says no to what the story tries. What admission never sees is left out, as docs/admission.md
 * says: Secrets, impersonation, `bind` and `escalate`, tokens of ServiceAccounts, and the policies of admissionregistration.k8s.io
 * with their bindings. Of webhook configurations a policy keeps the one that counts.
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

/** The role, and who has it. */
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
