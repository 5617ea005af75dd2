import { RBAC } from "../../admission/rules/rbac-grant.ts";
import { LABEL, MANAGED_BY } from "../../api/label.ts";
import { organizationNamespace } from "../../api/name.ts";
import type { KubernetesObject } from "../../api/object.ts";
import { DEFAULT_QUOTA, type Organization } from "../../api/organization.ts";
import { ownedBy } from "../owner-reference.ts";
import { rbacSubject } from "../rbac-subject.ts";

/** The default request of a container. With a quota, Kubernetes refuses Pods that request nothing. */
const DEFAULT_REQUEST = { cpu: "100m", memory: "128Mi" } as const;

/**
 * The home namespace, the limits and the isolation of its Pods, and the RoleBinding that gives the owner and the members
 * `edit`. The RoleBinding is deleted with the Organization. The other objects stay with the namespace, because the tenant's
 * Pods continue to run in it.
 */
export function desiredHome(
  organization: Organization,
  /** Namespaces of the platform and of cluster controllers, which may connect to the tenant's Pods. */
  trustedNamespaces: readonly string[],
): KubernetesObject[] {
  const { name } = organization.metadata;
  const labels = {
    [LABEL.organization]: name,
    [LABEL.sovereign]: organization.spec.sovereign,
    [LABEL.managedBy]: MANAGED_BY.operator,
  };
  const namespace = organizationNamespace(name);
  const inHome = (objectName: string) => ({ name: objectName, namespace, labels });
  return [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace, labels } },
    ...desiredLimits(organization, inHome("organization")),
    desiredIsolation(name, trustedNamespaces, inHome("organization")),
    desiredMembership(organization, inHome("organization-members")),
  ];
}

function desiredLimits({ spec }: Organization, metadata: KubernetesObject["metadata"]): KubernetesObject[] {
  const { cpu, memory, storage, pods } = { ...DEFAULT_QUOTA, ...spec.quota };
  return [
    {
      ...{ apiVersion: "v1", kind: "ResourceQuota", metadata },
      spec: {
        hard: {
          "requests.cpu": cpu,
          "requests.memory": memory,
          "requests.storage": storage,
          pods: String(pods),
        },
      },
    } as KubernetesObject,
    {
      ...{ apiVersion: "v1", kind: "LimitRange", metadata },
      spec: { limits: [{ type: "Container", defaultRequest: DEFAULT_REQUEST }] },
    } as KubernetesObject,
  ];
}

/**
 * Selects namespaces by the label of the Organization. Admission lets only the platform write it, so no other client can
 * add a namespace.
 */
function desiredIsolation(
  organization: string,
  trustedNamespaces: readonly string[],
  metadata: KubernetesObject["metadata"],
): KubernetesObject {
  const named = { key: "kubernetes.io/metadata.name", operator: "In", values: [...trustedNamespaces] };
  return {
    ...{ apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy", metadata },
    spec: {
      podSelector: {},
      policyTypes: ["Ingress"],
      ingress: [
        {
          from: [
            { namespaceSelector: { matchLabels: { [LABEL.organization]: organization } } },
            { namespaceSelector: { matchExpressions: [named] } },
          ],
        },
      ],
    },
  } as KubernetesObject;
}

function desiredMembership(
  organization: Organization,
  metadata: KubernetesObject["metadata"],
): KubernetesObject {
  const { owner, members = [] } = organization.spec;
  return {
    apiVersion: `${RBAC}/v1`,
    kind: "RoleBinding",
    metadata: { ...metadata, ...ownedBy(organization) },
    roleRef: { apiGroup: RBAC, kind: "ClusterRole", name: "edit" },
    subjects: [{ kind: "User" as const, name: owner }, ...members].map(rbacSubject),
  } as KubernetesObject;
}
