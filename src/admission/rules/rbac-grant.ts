import { isMap } from "../../api/object.ts";

/** A rule of a Role or ClusterRole, as far as it is well formed. */
export interface PolicyRule {
  verbs: readonly string[];
  apiGroups: readonly string[];
  /** `pods`, `pods/exec`, `*` for everything, or `*` with a subresource for that subresource of everything. */
  resources: readonly string[];
  /** Empty: objects of every name. */
  resourceNames: readonly string[];
}

/** What a requester could do: `pods/exec` is resource `pods` with subresource `exec`. */
export interface Right {
  verb: string;
  group: string;
  resource: string;
  subresource?: string;
}

const texts = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);

/** Reads `rules` of a hostile Role. What is not a rule grants nothing: the API server refuses it by schema. */
export function parsePolicyRules(rules: unknown): PolicyRule[] {
  return (Array.isArray(rules) ? rules : []).filter(isMap).map((rule) => ({
    verbs: texts(rule.verbs),
    apiGroups: texts(rule.apiGroups),
    resources: texts(rule.resources),
    resourceNames: texts(rule.resourceNames),
  }));
}

/**
 * Whether a rule grants a right on at least one object, by the semantics of the RBAC authorizer: `*` for verbs and groups,
 * `*` for every resource and subresource, and `*` before a subresource. `pods` does not grant `pods/exec`.
 */
export function grants(rule: PolicyRule, { verb, group, resource, subresource = "" }: Right): boolean {
  const path = subresource === "" ? resource : `${resource}/${subresource}`;
  const holds = (list: readonly string[], ...values: string[]) =>
    values.some((value) => list.includes(value));
  return (
    holds(rule.verbs, verb, "*") &&
    holds(rule.apiGroups, group, "*") &&
    holds(rule.resources, path, "*", ...(subresource === "" ? [] : [`*/${subresource}`]))
  );
}

const RBAC = "rbac.authorization.k8s.io";
const AUTHENTICATION = "authentication.k8s.io";

/** Rights by which their holder acts as another identity, or hands out more than it has. */
const IDENTITY_RIGHTS: readonly (Right & { what: string })[] = [
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

/** Kubernetes adds verbs such as `impersonate:user-info` and `impersonate-on:user-info:list`. */
const isImpersonation = (verb: string) => /^impersonate\b/.test(verb);

/** The identity rights that a role's rules grant, with the index of the rule that grants them. */
export function grantedIdentityRights(rules: unknown): { index: number; what: string }[] {
  return parsePolicyRules(rules).flatMap((rule, index) => {
    const named = IDENTITY_RIGHTS.filter((right) => grants(rule, right)).map(({ what }) => what);
    const verbs = rule.verbs.filter((verb) => isImpersonation(verb) && verb !== "impersonate");
    const extras = rule.verbs.includes("impersonate") && named.length === 0 ? ["impersonate"] : [];
    return [...named, ...verbs, ...extras].map((what) => ({ index, what }));
  });
}
