import { isMap, listOf, mapOf, textOf } from "../../api/object.ts";
import { type AccountSet, EVERY } from "./account.ts";

/** A rule of a Role or ClusterRole, as far as it is well formed. */
export interface PolicyRule {
  verbs: readonly string[];
  apiGroups: readonly string[];
  /** `pods`, `pods/exec`, `*` for everything, or `*` with a subresource for that subresource of everything. */
  resources: readonly string[];
  /** Empty: objects of every name. */
  resourceNames: readonly string[];
  /** Paths that are no resource: `/metrics`, `/debug/*`, or `*` for all. */
  nonResourceURLs: readonly string[];
}

/** An action of a requester: `pods/exec` is resource `pods` with subresource `exec`. */
interface ResourceRight {
  verb: string;
  group: string;
  resource: string;
  subresource?: string;
  /** Empty for collections and creates. Undefined: any one object, so that a rule for some names grants the right. */
  name?: string | undefined;
}

export type Right = ResourceRight | { verb: string; path: string };

const texts = (value: unknown): string[] => listOf(value).map(textOf);

/**
 * Reads `rules` of a Role that may be hostile. An item that is not a rule grants nothing, because the API server refuses it
 * by its schema.
 */
export function parsePolicyRules(rules: unknown): PolicyRule[] {
  return listOf(rules)
    .filter(isMap)
    .map((rule) => ({
      verbs: texts(rule.verbs),
      apiGroups: texts(rule.apiGroups),
      resources: texts(rule.resources),
      resourceNames: texts(rule.resourceNames),
      nonResourceURLs: texts(rule.nonResourceURLs),
    }));
}

const holds = (list: readonly string[], ...values: string[]) => values.some((value) => list.includes(value));

/**
 * Whether a rule grants a right, by the semantics of the RBAC authorizer: `*` for verbs and groups, `*` for every resource and
 * subresource, `*` before a subresource, and `*` at the end of a path. `pods` does not grant `pods/exec`.
 */
export function grants(rule: PolicyRule, right: Right): boolean {
  if (!holds(rule.verbs, right.verb, "*")) return false;
  if ("path" in right) return rule.nonResourceURLs.some((url) => isUnder(right.path, url));
  const { group, resource, subresource = "", name } = right;
  const path = subresource === "" ? resource : `${resource}/${subresource}`;
  return (
    holds(rule.apiGroups, group, "*") &&
    holds(rule.resources, path, "*", ...(subresource === "" ? [] : [`*/${subresource}`])) &&
    (name === undefined || rule.resourceNames.length === 0 || rule.resourceNames.includes(name))
  );
}

const isUnder = (path: string, url: string): boolean =>
  url === path || (url.endsWith("*") && path.startsWith(url.replace(/\*+$/, "")));

/** The members of a ClusterRole that decide which rules it has after aggregation. */
export interface RoleObject {
  metadata: { name: string; labels?: Readonly<Record<string, string>> };
  rules?: unknown;
  aggregationRule?: unknown;
}

/**
 * The rules of a role, and of the roles that it aggregates, at any depth. A controller of Kubernetes writes these into the
 * role with a delay, so a rule counts before it is there.
 */
export function effectiveRules(role: RoleObject, clusterRoles: readonly RoleObject[]): PolicyRule[] {
  const seen = new Set([role.metadata.name]);
  const rules: PolicyRule[] = [];
  const open = [role];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    rules.push(...parsePolicyRules(next.rules));
    const selectors = selectorsOf(next);
    for (const other of clusterRoles) {
      const { name, labels = {} } = other.metadata;
      if (seen.has(name) || !selectors.some((selector) => isSelected(labels, selector))) continue;
      seen.add(name);
      open.push(other);
    }
  }
  return rules;
}

/** Whether the rules of a role depend on other roles. */
export const isAggregated = (role: RoleObject): boolean => selectorsOf(role).length > 0;

function selectorsOf({ aggregationRule }: RoleObject): Record<string, unknown>[] {
  return listOf(mapOf(aggregationRule).clusterRoleSelectors).filter(isMap);
}

/** Whether a label selector selects a role. An empty selector, and one with an unknown operator, select every role. */
function isSelected(
  labels: Readonly<Record<string, string>>,
  { matchLabels, matchExpressions }: Record<string, unknown>,
): boolean {
  const pairs = Object.entries(mapOf(matchLabels));
  const expressions = listOf(matchExpressions).filter(isMap);
  return (
    pairs.every(([key, value]) => labels[key] === value) &&
    expressions.every(({ key, operator, values }) => {
      const label = labels[textOf(key)];
      if (operator === "Exists") return label !== undefined;
      if (operator === "DoesNotExist") return label === undefined;
      if (operator === "In") return label !== undefined && texts(values).includes(label);
      if (operator === "NotIn") return label === undefined || !texts(values).includes(label);
      return true;
    })
  );
}

export const RBAC = "rbac.authorization.k8s.io";
const AUTHENTICATION = "authentication.k8s.io";

/** Rights that let their holder act as another identity, or give out more rights than it has. */
const IDENTITY_RIGHTS: readonly (ResourceRight & { what: string })[] = [
  { verb: "impersonate", group: "", resource: "users", what: "impersonate users" },
  { verb: "impersonate", group: "", resource: "groups", what: "impersonate groups" },
  { verb: "impersonate", group: "", resource: "serviceaccounts", what: "impersonate ServiceAccounts" },
  { verb: "impersonate", group: AUTHENTICATION, resource: "uids", what: "impersonate uids" },
  {
    verb: "create",
    group: "",
    resource: "serviceaccounts",
    subresource: "token",
    what: "create tokens of ServiceAccounts",
  },
  ...["roles", "clusterroles"].flatMap((resource) => [
    { verb: "escalate", group: RBAC, resource, what: `escalate ${resource}` },
    { verb: "bind", group: RBAC, resource, what: `bind ${resource}` },
  ]),
];

/**
 * Constrained impersonation, which Kubernetes 1.36 has on by default. Rules that name its verbs are found by
 * `isImpersonation`. These entries are for `*`, which grants the verbs only in a group of their own.
 */
const CONSTRAINED_RIGHTS: readonly (ResourceRight & { what: string })[] = [
  { verb: "impersonate:user-info", resource: "users", what: "impersonate users in part" },
  { verb: "impersonate:user-info", resource: "groups", what: "impersonate groups in part" },
  {
    verb: "impersonate:serviceaccount",
    resource: "serviceaccounts",
    what: "impersonate ServiceAccounts in part",
  },
  { verb: "impersonate:arbitrary-node", resource: "nodes", what: "impersonate nodes" },
].map((it) => ({ ...it, group: AUTHENTICATION }));

/** Kubernetes adds verbs such as `impersonate:user-info` and `impersonate-on:user-info:list`. */
const isImpersonation = (verb: string) => /^impersonate\b/.test(verb);

/**
 * The identity rights that rules grant, with the index of the rule that grants them. Rights to ServiceAccounts count when
 * they reach one of `accounts`.
 */
export function grantedIdentityRights(
  rules: unknown,
  accounts: AccountSet = EVERY,
): { index: number; what: string }[] {
  const isGranted = (rule: PolicyRule, right: ResourceRight) =>
    right.resource === "serviceaccounts" && accounts !== EVERY
      ? [...accounts].some((name) => grants(rule, { ...right, name }))
      : grants(rule, right);
  return parsePolicyRules(rules).flatMap((rule, index) => {
    // `*` in every group grants the older rights too, which are reported.
    const isWide = rule.verbs.includes("*") && !rule.apiGroups.includes("*");
    const rights = isWide ? [...IDENTITY_RIGHTS, ...CONSTRAINED_RIGHTS] : IDENTITY_RIGHTS;
    const named = rights.filter((right) => isGranted(rule, right)).map(({ what }) => what);
    const verbs = rule.verbs.filter((verb) => isImpersonation(verb) && verb !== "impersonate");
    // `impersonate` on something else, such as userextras/scopes.
    const isOther = rule.resources.some((resource) => resource !== "serviceaccounts");
    const extras = rule.verbs.includes("impersonate") && named.length === 0 && isOther ? ["impersonate"] : [];
    return [...named, ...verbs, ...extras].map((what) => ({ index, what }));
  });
}
