import type { Franchise, Subject } from "../api/franchise.ts";
import { accountsIn, EVERY, isEmptyAccountSet } from "./rules/account.ts";
import { type Identity, type IdentityLists, identityOf } from "./rules/identity.ts";
import { isInstallerGroup } from "./rules/install-source.ts";
import { placeOfNamespace, REVIEW_GROUPS } from "./rules/place.ts";
import {
  effectiveRules,
  grantedIdentityRights,
  grants,
  type PolicyRule,
  type RoleObject,
} from "./rules/rbac-grant.ts";

/** A RoleBinding, or a ClusterRoleBinding without a namespace. */
export interface BindingObject {
  metadata: { name: string; namespace?: string };
  roleRef: { kind: string; name: string };
  subjects?: readonly Subject[];
}

export interface ClusterRights {
  /** The namespaced Roles, each with its namespace. */
  roles: readonly (RoleObject & { metadata: { namespace?: string } })[];
  clusterRoles: readonly RoleObject[];
  bindings: readonly BindingObject[];
  /** Labels by name of the namespace. */
  namespaces: ReadonlyMap<string, Readonly<Record<string, string>>>;
  /** The Franchises whose term runs. */
  franchises: readonly Franchise[];
  /** The subjects of each Franchise and each Organization, whether or not its term runs. */
  parties: readonly (readonly Subject[])[];
  lists: IdentityLists;
}

/**
 * A subject of RBAC with the rights that admission will refuse. A controller or a Franchisee appears only when it may act
 * as an account of others. Admission cannot refuse that use, because the API server sends no request for an impersonation,
 * and the binding may be older than the list that names the account.
 */
export interface Outsider {
  kind: Subject["kind"];
  name: string;
  namespace?: string;
  rights: { what: RefusedRight; by: string }[];
}

type RefusedRight =
  | "writes in guarded namespaces"
  | "writes cluster-scoped kinds"
  | "installs software"
  | "connects to Pods in guarded namespaces"
  | "acts as accounts of others"
  | "gives out identities";

const WRITE_VERBS = ["create", "update", "patch", "delete", "deletecollection"];
/** Cluster-scoped kinds of Kubernetes that controllers write. */
const CLUSTER_KINDS: readonly (readonly [group: string, resource: string])[] = [
  ["", "nodes"],
  ["", "persistentvolumes"],
  ["rbac.authorization.k8s.io", "clusterroles"],
  ["rbac.authorization.k8s.io", "clusterrolebindings"],
  ["apiextensions.k8s.io", "customresourcedefinitions"],
  ["apiregistration.k8s.io", "apiservices"],
  ["admissionregistration.k8s.io", "mutatingwebhookconfigurations"],
  ["admissionregistration.k8s.io", "validatingwebhookconfigurations"],
  ["certificates.k8s.io", "certificatesigningrequests"],
  ["scheduling.k8s.io", "priorityclasses"],
  ["storage.k8s.io", "storageclasses"],
  ["storage.k8s.io", "volumeattachments"],
];
const CONNECTIONS = ["exec", "attach", "portforward", "proxy"];

/** The subjects with rights that admission will refuse, in the order of their names. */
export function findOutsiders(rights: ClusterRights): Outsider[] {
  const found = new Map<string, Outsider>();
  for (const binding of rights.bindings) {
    const rules = rulesOf(binding, rights);
    if (rules.length === 0) continue;
    const refused = refusedRights(binding, rules, rights);
    const { name, namespace } = binding.metadata;
    const by = namespace === undefined ? `ClusterRoleBinding ${name}` : `RoleBinding ${namespace}/${name}`;
    for (const subject of binding.subjects ?? []) {
      const identity = classOf(subject, rights);
      const listed = [
        ...(identity.kind === "tenant" ? refused : []),
        ...(actsAsOthers(binding, rules, { subject, identity, rights }) ? [ACTS_AS_OTHERS] : []),
      ];
      if (listed.length === 0) continue;
      const key = [subject.kind, subject.namespace ?? "", subject.name].join("/");
      const outsider = found.get(key) ?? { ...subjectOf(subject), rights: [] };
      outsider.rights.push(...listed.map((what) => ({ what, by })));
      found.set(key, outsider);
    }
  }
  return [...found.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, outsider]) => outsider);
}

function rulesOf({ metadata: { namespace }, roleRef }: BindingObject, rights: ClusterRights): PolicyRule[] {
  const role =
    roleRef.kind === "ClusterRole"
      ? rights.clusterRoles.find((it) => it.metadata.name === roleRef.name)
      : rights.roles.find((it) => it.metadata.name === roleRef.name && it.metadata.namespace === namespace);
  return role === undefined ? [] : effectiveRules(role, rights.clusterRoles);
}

const ACTS_AS_OTHERS: RefusedRight = "acts as accounts of others";

/**
 * Whether a RoleBinding lets a subject act as a ServiceAccount of the namespace that belongs to the platform, to another
 * controller, or to a party that the subject is not part of.
 */
function actsAsOthers(
  { metadata: { namespace } }: BindingObject,
  rules: readonly PolicyRule[],
  { subject, identity, rights }: { subject: Subject; identity: Identity; rights: ClusterRights },
): boolean {
  if (namespace === undefined || identity.kind === "platform" || identity.kind === "controlPlane")
    return false;
  const { kind } = placeOfNamespace(namespace, rights.namespaces.get(namespace) ?? {}, rights.lists);
  const isAtHome = identity.kind === "controller" && identity.namespace === namespace;
  const holdsIdentities = kind === "platform" || kind === "controller";
  const foreign = rights.parties.filter((party) => !party.some((it) => isSameSubject(it, subject))).flat();
  const accounts = holdsIdentities && !isAtHome ? EVERY : accountsIn(namespace, foreign);
  return !isEmptyAccountSet(accounts) && grantedIdentityRights(rules, accounts).length > 0;
}

const isSameSubject = (one: Subject, other: Subject): boolean =>
  one.kind === other.kind && one.name === other.name && (one.namespace ?? "") === (other.namespace ?? "");

function refusedRights(
  { metadata: { namespace } }: BindingObject,
  all: readonly PolicyRule[],
  rights: ClusterRights,
): RefusedRight[] {
  const rules = all.filter(
    ({ apiGroups }) => apiGroups.length === 0 || apiGroups.some((group) => !REVIEW_GROUPS.includes(group)),
  );
  const isClusterWide = namespace === undefined;
  const isGuarded =
    isClusterWide ||
    placeOfNamespace(namespace, rights.namespaces.get(namespace) ?? {}, rights.lists).kind !== "ordinary";
  const checks: [RefusedRight, boolean][] = [
    ["writes in guarded namespaces", isGuarded && rules.some(writesInNamespaces)],
    ["writes cluster-scoped kinds", isClusterWide && rules.some(writesClusterScope)],
    ["installs software", rules.some(installs)],
    ["connects to Pods in guarded namespaces", isGuarded && rules.some(connects)],
    ["gives out identities", grantedIdentityRights(all).length > 0],
  ];
  return checks.flatMap(([what, applies]) => (applies ? [what] : []));
}

const isWrite = ({ verbs }: PolicyRule): boolean =>
  verbs.some((verb) => verb === "*" || WRITE_VERBS.includes(verb));

/** Whether the rule allows a write of any namespaced resource. */
function writesInNamespaces(rule: PolicyRule): boolean {
  const isClusterKind = (resource: string) =>
    CLUSTER_KINDS.some(([, name]) => resource === name || resource.startsWith(`${name}/`));
  return isWrite(rule) && rule.resources.some((resource) => !isClusterKind(resource));
}

const writesClusterScope = (rule: PolicyRule): boolean =>
  CLUSTER_KINDS.some(([group, resource]) =>
    WRITE_VERBS.some((verb) => grants(rule, { verb, group, resource })),
  );

const installs = (rule: PolicyRule): boolean =>
  isWrite(rule) &&
  rule.resources.length > 0 &&
  rule.apiGroups.some((group) => group === "*" || isInstallerGroup(group));

const connects = (rule: PolicyRule): boolean =>
  CONNECTIONS.some((subresource) =>
    ["create", "get"].some((verb) => grants(rule, { verb, group: "", resource: "pods", subresource })),
  );

/** The table of permissions has an entry for nodes that join. */
const JOINING_NODES = /^system:(?:nodes|bootstrappers(?::.*)?)$/;

function classOf({ kind, name, namespace }: Subject, { franchises, lists }: ClusterRights): Identity {
  if (kind === "Group" && JOINING_NODES.test(name)) return { kind: "controlPlane" };
  const [, accountsOf] = kind === "Group" ? (/^system:serviceaccounts:(.+)$/.exec(name) ?? []) : [];
  const username =
    kind === "ServiceAccount"
      ? `system:serviceaccount:${namespace}:${name}`
      : accountsOf === undefined
        ? name
        : `system:serviceaccount:${accountsOf}:any`;
  const user =
    kind === "Group" && accountsOf === undefined
      ? { username: "", groups: [name] }
      : { username, groups: [] };
  return identityOf(user, { franchises, isRunning: () => true }, lists);
}

const subjectOf = ({ kind, name, namespace }: Subject): Pick<Outsider, "kind" | "name" | "namespace"> => ({
  ...{ kind, name },
  ...(kind === "ServiceAccount" && namespace !== undefined ? { namespace } : {}),
});
