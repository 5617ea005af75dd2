import { LABEL, MANAGED_BY } from "../../api/label.ts";
import { organizationNamespace } from "../../api/name.ts";
import type { KubernetesObject } from "../../api/object.ts";
import type { Organization } from "../../api/organization.ts";
import { ownedBy } from "../owner-reference.ts";
import { rbacSubject } from "../rbac-subject.ts";

/**
 * The home namespace, and the RoleBinding that gives the owner and the members `edit` in it. The RoleBinding goes with the
 * Organization. The namespace stays, because it holds the tenant's own objects.
 */
export function desiredHome(organization: Organization): KubernetesObject[] {
  const { name } = organization.metadata;
  const { owner, members = [], sovereign } = organization.spec;
  const labels = {
    [LABEL.organization]: name,
    [LABEL.sovereign]: sovereign,
    [LABEL.managedBy]: MANAGED_BY.operator,
  };
  const namespace = organizationNamespace(name);
  const subjects = [{ kind: "User" as const, name: owner }, ...members].map(rbacSubject);
  return [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace, labels } },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "RoleBinding",
      metadata: { name: "organization-members", namespace, labels, ...ownedBy(organization) },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "edit" },
      subjects,
    } as KubernetesObject,
  ];
}
