import { RBAC } from "../../admission/rules/rbac-grant.ts";
import type { Franchise } from "../../api/franchise.ts";
import { GROUP } from "../../api/kind.ts";
import { LABEL, MANAGED_BY } from "../../api/label.ts";
import { CATALOG_NAMESPACE, PRIVATE_CATALOG_NAMESPACE } from "../../api/name.ts";
import type { KubernetesObject } from "../../api/object.ts";
import { ownedBy } from "../owner-reference.ts";
import { rbacSubject } from "../rbac-subject.ts";

/** The existing objects and namespaces to which a Franchisee may have rights. */
export interface AccessScope {
  /** Names of its Sovereigns on this cluster. */
  sovereigns: readonly string[];
  /** The namespaces that exist: those of its Sovereigns, and the catalogs. */
  namespaces: readonly string[];
}

/** The name of all RBAC objects that give a Franchisee its rights. */
export const accessName = (franchise: string): string => `catalyst-franchisee-${franchise}`;

/**
 * The rights of a Franchisee while its term runs, with each role before its bindings. Admission also judges each write, so
 * RBAC gives only the least rights that the grants need. Rights to cluster-scoped objects are by name, because a right to
 * list them would show the Franchisee those of others.
 */
export function desiredAccess(franchise: Franchise, scope: AccessScope): KubernetesObject[] {
  const name = accessName(franchise.metadata.name);
  const metadata = (namespace?: string) => ({
    name,
    ...(namespace === undefined ? {} : { namespace }),
    labels: { [LABEL.managedBy]: MANAGED_BY.operator },
    ...ownedBy(franchise),
  });
  const bind = (kind: string, role: string, namespace?: string) => ({
    apiVersion: `${RBAC}/v1`,
    kind,
    metadata: metadata(namespace),
    roleRef: { apiGroup: RBAC, kind: "ClusterRole", name: role },
    subjects: franchise.spec.subjects.map(rbacSubject),
  });
  return [
    {
      ...{ apiVersion: `${RBAC}/v1`, kind: "ClusterRole", metadata: metadata() },
      rules: rulesOf(franchise, scope),
    } as KubernetesObject,
    bind("ClusterRoleBinding", name),
    ...bindingsOf(franchise, scope).map(({ namespace, role }) => bind("RoleBinding", role, namespace)),
  ];
}

function rulesOf({ metadata }: Franchise, { sovereigns }: AccessScope): object[] {
  const byName = (resource: string, resourceNames: string[], verbs: string[]) => ({
    apiGroups: [GROUP],
    resources: [resource],
    resourceNames,
    verbs,
  });
  return [
    byName("franchises", [metadata.name], ["get"]),
    // Without names, the rule would cover all Sovereigns.
    ...(sovereigns.length === 0
      ? []
      : [byName("sovereigns", [...sovereigns].sort(), ["get", "patch", "update"])]),
  ];
}

/** The namespaces in which the subjects get a role, by name. */
export const bindingsOf = (franchise: Franchise, { namespaces }: AccessScope) =>
  [...namespaces].sort().flatMap((namespace) => {
    const role = roleIn(namespace, franchise);
    return role === undefined ? [] : [{ namespace, role }];
  });

/**
 * The operator manages everything in a Sovereign's namespace, so its Franchisee may only read there. `view` shows no
 * Secrets.
 */
function roleIn(namespace: string, { spec }: Franchise): string | undefined {
  if (namespace === CATALOG_NAMESPACE) return "catalyst-catalog-reader";
  if (namespace !== PRIVATE_CATALOG_NAMESPACE) return "view";
  return (spec.grants.privateBlueprints?.max ?? 0) > 0 ? "catalyst-franchisee" : undefined;
}
