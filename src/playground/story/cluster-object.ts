import type { KubernetesObject } from "../../api/object.ts";
import { UnmetExpectation } from "./expectation.ts";

/** API path and plural of each kind in the story. */
const KINDS = {
  Namespace: ["/api/v1", "namespaces"],
  Secret: ["/api/v1", "secrets"],
  Service: ["/api/v1", "services"],
  ConfigMap: ["/api/v1", "configmaps"],
  ServiceAccount: ["/api/v1", "serviceaccounts"],
  Pod: ["/api/v1", "pods"],
  Event: ["/api/v1", "events"],
  Deployment: ["/apis/apps/v1", "deployments"],
  Job: ["/apis/batch/v1", "jobs"],
  Role: ["/apis/rbac.authorization.k8s.io/v1", "roles"],
  RoleBinding: ["/apis/rbac.authorization.k8s.io/v1", "rolebindings"],
  ClusterRole: ["/apis/rbac.authorization.k8s.io/v1", "clusterroles"],
  ClusterRoleBinding: ["/apis/rbac.authorization.k8s.io/v1", "clusterrolebindings"],
  CustomResourceDefinition: ["/apis/apiextensions.k8s.io/v1", "customresourcedefinitions"],
  ValidatingWebhookConfiguration: [
    "/apis/admissionregistration.k8s.io/v1",
    "validatingwebhookconfigurations",
  ],
  ValidatingAdmissionPolicy: ["/apis/admissionregistration.k8s.io/v1", "validatingadmissionpolicies"],
  ValidatingAdmissionPolicyBinding: [
    "/apis/admissionregistration.k8s.io/v1",
    "validatingadmissionpolicybindings",
  ],
  Sovereign: ["/apis/catalyst.openova.io/v1alpha1", "sovereigns"],
  BillingRelease: ["/apis/catalyst.openova.io/v1alpha1", "billingreleases"],
  Franchise: ["/apis/catalyst.openova.io/v1alpha1", "franchises"],
  Blueprint: ["/apis/catalyst.openova.io/v1alpha1", "blueprints"],
  EnvironmentPolicy: ["/apis/catalyst.openova.io/v1alpha1", "environmentpolicies"],
  Organization: ["/apis/catalyst.openova.io/v1alpha1", "organizations"],
} as const;

export type Kind = keyof typeof KINDS;

export interface ObjectReference {
  kind: Kind;
  name: string;
  namespace?: string;
}

export function collectionPath(kind: Kind, namespace?: string): string {
  const [groupVersion, plural] = KINDS[kind];
  return namespace === undefined
    ? `${groupVersion}/${plural}`
    : `${groupVersion}/namespaces/${namespace}/${plural}`;
}

export const objectPath = ({ kind, name, namespace }: ObjectReference) =>
  `${collectionPath(kind, namespace)}/${name}`;

export function referenceOf({ kind, metadata }: KubernetesObject): ObjectReference {
  if (!Object.hasOwn(KINDS, kind))
    throw new UnmetExpectation(
      `${kind}: the story has no API path for this kind; add it to cluster-object.ts`,
    );
  const { name, namespace } = metadata;
  return { kind: kind as Kind, name, ...(namespace === undefined ? {} : { namespace }) };
}
