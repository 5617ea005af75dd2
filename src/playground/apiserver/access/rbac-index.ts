import { matchesLabels, requirementsOf } from "../label-selector.ts";
import type { PolicyRule } from "./policy-rule.ts";

/** The members of a stored object that the index reads. */
export interface RbacObject {
  metadata?: { name?: string; namespace?: string; labels?: Record<string, string> };
  [member: string]: unknown;
}

export type RbacResource = "roles" | "rolebindings" | "clusterroles" | "clusterrolebindings";

type LabelSelector = Parameters<typeof requirementsOf>[0];

interface RoleRef {
  kind: string;
  name: string;
}

interface Subject {
  kind: string;
  name: string;
  namespace?: string;
}

/** A role that one subject has. `namespace` is undefined when the grant applies everywhere. */
interface Grant {
  rules: readonly PolicyRule[];
  /** The authorizer's reason: `ClusterRoleBinding "a" of ClusterRole "b" to Group "c"`. */
  source: string;
}

export interface RbacIndex {
  /** Cluster-wide grants to the subject, and those in one namespace. */
  grants(subjectKeys: readonly string[], namespace: string): Iterable<Grant>;
  clusterRoleRules(name: string): readonly PolicyRule[] | undefined;
  roleRules(namespace: string, name: string): readonly PolicyRule[] | undefined;
}

export const userKey = (name: string) => `User/${name}`;
export const groupKey = (name: string) => `Group/${name}`;

/** Reads all RBAC objects once. A check then costs a few map look-ups for each group of the user. */
export function buildRbacIndex(list: (resource: RbacResource) => Iterable<RbacObject>): RbacIndex {
  const clusterRoles = [...list("clusterroles")];
  const clusterRules = new Map(
    clusterRoles.map((role) => [role.metadata?.name ?? "", effectiveRules(role, clusterRoles)]),
  );
  const roleRules = new Map<string, readonly PolicyRule[]>();
  for (const role of list("roles")) {
    roleRules.set(`${role.metadata?.namespace}/${role.metadata?.name}`, rulesOf(role));
  }

  const everywhere = new Map<string, Grant[]>();
  const byNamespace = new Map<string, Map<string, Grant[]>>();

  for (const binding of list("clusterrolebindings")) {
    const ref = binding.roleRef as RoleRef | undefined;
    const rules = ref && clusterRules.get(ref.name);
    if (ref === undefined || rules === undefined) continue;
    for (const subject of subjectsOf(binding)) {
      const source = `ClusterRoleBinding ${quote(binding.metadata?.name)} of ${ref.kind} ${quote(ref.name)} to ${describeSubject(subject, "")}`;
      add(everywhere, subjectKey(subject, ""), { rules, source });
    }
  }
  for (const binding of list("rolebindings")) {
    const ref = binding.roleRef as RoleRef | undefined;
    const namespace = binding.metadata?.namespace ?? "";
    if (ref === undefined) continue;
    const rules =
      ref.kind === "ClusterRole" ? clusterRules.get(ref.name) : roleRules.get(`${namespace}/${ref.name}`);
    if (rules === undefined) continue;
    const grants = byNamespace.get(namespace) ?? new Map<string, Grant[]>();
    byNamespace.set(namespace, grants);
    for (const subject of subjectsOf(binding)) {
      const source = `RoleBinding ${quote(`${binding.metadata?.name}/${namespace}`)} of ${ref.kind} ${quote(ref.name)} to ${describeSubject(subject, namespace)}`;
      add(grants, subjectKey(subject, namespace), { rules, source });
    }
  }

  return {
    *grants(subjectKeys, namespace) {
      for (const key of subjectKeys) yield* everywhere.get(key) ?? [];
      const local = namespace === "" ? undefined : byNamespace.get(namespace);
      if (local === undefined) return;
      for (const key of subjectKeys) yield* local.get(key) ?? [];
    },
    clusterRoleRules: (name) => clusterRules.get(name),
    roleRules: (namespace, name) => roleRules.get(`${namespace}/${name}`),
  };
}

function add(grants: Map<string, Grant[]>, key: string | undefined, grant: Grant): void {
  if (key === undefined) return;
  const known = grants.get(key);
  if (known === undefined) grants.set(key, [grant]);
  else known.push(grant);
}

function rulesOf(role: RbacObject): readonly PolicyRule[] {
  return Array.isArray(role.rules) ? (role.rules as PolicyRule[]) : [];
}

function subjectsOf(binding: RbacObject): readonly Subject[] {
  return Array.isArray(binding.subjects) ? (binding.subjects as Subject[]) : [];
}

function subjectKey(subject: Subject, bindingNamespace: string): string | undefined {
  switch (subject.kind) {
    case "User":
      return userKey(subject.name);
    case "Group":
      return groupKey(subject.name);
    case "ServiceAccount":
      return userKey(`system:serviceaccount:${subject.namespace || bindingNamespace}:${subject.name}`);
    default:
      return undefined;
  }
}

function describeSubject(subject: Subject, bindingNamespace: string): string {
  if (subject.kind !== "ServiceAccount") return `${subject.kind} ${quote(subject.name)}`;
  return `ServiceAccount ${quote(`${subject.name}/${subject.namespace || bindingNamespace}`)}`;
}

const quote = (text: string | undefined) => JSON.stringify(text ?? "");

/**
 * The rules of a ClusterRole. If the role has an `aggregationRule`, it has the union of the rules of the roles that its
 * selectors match, instead of its own `rules`. Aggregation is recursive: `edit` is part of `admin`. In a cluster a
 * controller writes these rules, here they are computed. A cycle adds nothing.
 */
function effectiveRules(
  role: RbacObject,
  all: readonly RbacObject[],
  visited: ReadonlySet<RbacObject> = new Set(),
): readonly PolicyRule[] {
  const selectors = (role.aggregationRule as { clusterRoleSelectors?: LabelSelector[] } | undefined)
    ?.clusterRoleSelectors;
  if (!selectors?.length) return rulesOf(role);
  const seen = new Set(visited).add(role);
  return all
    .filter((other) => !seen.has(other))
    .filter((other) =>
      selectors.some((selector) => matchesLabels(requirementsOf(selector), other.metadata?.labels)),
    )
    .flatMap((other) => effectiveRules(other, all, seen));
}
