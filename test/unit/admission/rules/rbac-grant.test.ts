import { describe, expect, it } from "vitest";
import {
  effectiveRules,
  grantedIdentityRights,
  grants,
  isAggregated,
  parsePolicyRules,
  type Right,
  type RoleObject,
} from "../../../../src/admission/rules/rbac-grant.ts";

const rule = (verbs: string[], apiGroups: string[], resources: string[], resourceNames: string[] = []) => ({
  verbs,
  apiGroups,
  resources,
  resourceNames,
  nonResourceURLs: [] as string[],
});
const EXEC: Right = { verb: "create", group: "", resource: "pods", subresource: "exec" };
const GET: Right = { verb: "get", group: "", resource: "pods" };
const paths = (...nonResourceURLs: string[]) => ({ ...rule(["get"], [], []), nonResourceURLs });
const PODS: Right = { verb: "create", group: "", resource: "pods" };

describe("grants", () => {
  it.each<[string, ReturnType<typeof rule>, Right, boolean]>([
    ["the right by name", rule(["create"], [""], ["pods"]), PODS, true],
    ["every verb", rule(["*"], [""], ["pods"]), PODS, true],
    ["every group", rule(["create"], ["*"], ["pods"]), PODS, true],
    ["every resource", rule(["create"], [""], ["*"]), PODS, true],
    ["every resource, subresources included", rule(["create"], [""], ["*"]), EXEC, true],
    ["the subresource of every resource", rule(["create"], [""], ["*/exec"]), EXEC, true],
    ["the subresource by name", rule(["create"], [""], ["pods/exec"]), EXEC, true],
    ["objects by name", rule(["create"], [""], ["pods"], ["web"]), PODS, true],
    ["not a subresource by its resource", rule(["create"], [""], ["pods"]), EXEC, false],
    ["not a resource by its subresource", rule(["create"], [""], ["pods/exec"]), PODS, false],
    ["not pods/* : RBAC has no such wildcard", rule(["create"], [""], ["pods/*"]), EXEC, false],
    ["not another verb", rule(["get"], [""], ["pods"]), PODS, false],
    ["not another group", rule(["create"], ["apps"], ["pods"]), PODS, false],
    ["the named object", rule(["get"], [""], ["pods"], ["web"]), { ...GET, name: "web" }, true],
    ["not an object of another name", rule(["get"], [""], ["pods"], ["web"]), { ...GET, name: "db" }, false],
    ["not a list by a name", rule(["get"], [""], ["pods"], ["web"]), { ...GET, name: "" }, false],
    ["any object without names", rule(["get"], [""], ["pods"]), { ...GET, name: "db" }, true],
    ["a path", paths("/metrics"), { verb: "get", path: "/metrics" }, true],
    ["a path under a prefix", paths("/debug/*"), { verb: "get", path: "/debug/pprof" }, true],
    ["every path", paths("*"), { verb: "get", path: "/metrics" }, true],
    ["not a longer path", paths("/metrics"), { verb: "get", path: "/metrics/slis" }, false],
    ["not a path with another verb", paths("/metrics"), { verb: "post", path: "/metrics" }, false],
    ["not a path by every resource", rule(["*"], ["*"], ["*"]), { verb: "get", path: "/metrics" }, false],
    ["not a resource by every path", paths("*"), GET, false],
    ["not by a prefix", rule(["creat"], [""], ["pod"]), PODS, false],
  ])("%s", (_, given, right, expected) => {
    expect(grants(given, right)).toBe(expected);
  });

  it("reads hostile rules without a fault", () => {
    for (const rules of [undefined, null, "x", 7, {}, [null, "x", [], { verbs: "create" }, { verbs: [{}] }]])
      expect(() => parsePolicyRules(rules)).not.toThrow();
    expect(parsePolicyRules([{ verbs: "create", resources: null }])).toEqual([rule([], [], [])]);
  });
});

describe("grantedIdentityRights", () => {
  it.each<[string, ReturnType<typeof rule>, string[]]>([
    ["impersonation of users", rule(["impersonate"], [""], ["users"]), ["impersonate users"]],
    [
      "impersonation of extra attributes",
      rule(["impersonate"], ["authentication.k8s.io"], ["userextras/scopes"]),
      ["impersonate"],
    ],
    [
      "constrained impersonation",
      rule(["impersonate:user-info"], ["*"], ["users"]),
      ["impersonate:user-info"],
    ],
    [
      "impersonation on behalf",
      rule(["impersonate-on:user-info:list"], [""], ["pods"]),
      ["impersonate-on:user-info:list"],
    ],
    [
      "constrained impersonation of accounts by every verb",
      rule(["*"], ["authentication.k8s.io"], ["serviceaccounts"]),
      ["impersonate ServiceAccounts in part"],
    ],
    [
      "constrained impersonation of users and groups by every verb",
      rule(["*"], ["authentication.k8s.io"], ["users", "groups"]),
      ["impersonate users in part", "impersonate groups in part"],
    ],
    [
      "constrained impersonation of nodes by every verb",
      rule(["*"], ["authentication.k8s.io"], ["nodes"]),
      ["impersonate nodes"],
    ],
    ["nothing by reviews of tokens", rule(["create"], ["authentication.k8s.io"], ["tokenreviews"]), []],
    ["tokens", rule(["create"], [""], ["serviceaccounts/token"]), ["create tokens of ServiceAccounts"]],
    ["tokens by a wildcard", rule(["create"], ["*"], ["*/token"]), ["create tokens of ServiceAccounts"]],
    ["binding", rule(["bind"], ["rbac.authorization.k8s.io"], ["clusterroles"]), ["bind clusterroles"]],
    [
      "escalation by a wildcard",
      rule(["*"], ["rbac.authorization.k8s.io"], ["roles"]),
      ["escalate roles", "bind roles"],
    ],
    ["nothing by every verb on Deployments", rule(["*"], ["apps"], ["deployments"]), []],
    ["nothing by reading", rule(["get", "list", "watch"], ["*"], ["*"]), []],
  ])("finds %s", (_, given, expected) => {
    expect(grantedIdentityRights([given]).map(({ what }) => what)).toEqual(expected);
  });

  it("finds every identity right in the rule of cluster-admin", () => {
    expect(grantedIdentityRights([rule(["*"], ["*"], ["*"])]).map(({ what }) => what)).toEqual([
      "impersonate users",
      "impersonate groups",
      "impersonate ServiceAccounts",
      "impersonate uids",
      "create tokens of ServiceAccounts",
      "escalate roles",
      "bind roles",
      "escalate clusterroles",
      "bind clusterroles",
    ]);
  });

  it.each<[string, ReturnType<typeof rule>, string[]]>([
    [
      "an account by its name",
      rule(["impersonate"], [""], ["serviceaccounts"], ["seller"]),
      ["impersonate ServiceAccounts"],
    ],
    [
      "every account",
      rule(["create"], [""], ["serviceaccounts/token"]),
      ["create tokens of ServiceAccounts"],
    ],
    [
      "an account by every verb of constrained impersonation",
      rule(["*"], ["authentication.k8s.io"], ["serviceaccounts"], ["seller"]),
      ["impersonate ServiceAccounts in part"],
    ],
    [
      "no account of another name by every verb of constrained impersonation",
      rule(["*"], ["authentication.k8s.io"], ["serviceaccounts"], ["robot"]),
      [],
    ],
    ["no account of another name", rule(["impersonate"], [""], ["serviceaccounts"], ["robot"]), []],
    ["no token of another account", rule(["create"], [""], ["serviceaccounts/token"], ["robot"]), []],
    [
      "impersonation of extra attributes",
      rule(["impersonate"], ["authentication.k8s.io"], ["userextras/x"]),
      ["impersonate"],
    ],
  ])("counts for accounts that act for others: %s", (_, given, expected) => {
    expect(grantedIdentityRights([given], new Set(["seller"])).map(({ what }) => what)).toEqual(expected);
  });

  it("names the index of the rule", () => {
    const harmless = rule(["get"], [""], ["pods"]);
    expect(grantedIdentityRights([harmless, rule(["bind"], ["*"], ["roles"])])).toEqual([
      { index: 1, what: "bind roles" },
    ]);
  });
});

describe("effectiveRules", () => {
  const READ = rule(["get"], [""], ["pods"]);
  const WRITE = rule(["create"], [""], ["pods"]);
  const IMPERSONATE = rule(["impersonate"], [""], ["serviceaccounts"]);
  const role = (name: string, rules: unknown, to?: string, from?: object): RoleObject => ({
    metadata: { name, ...(to === undefined ? {} : { labels: { [`aggregate-to-${to}`]: "true" } }) },
    rules,
    ...(from === undefined ? {} : { aggregationRule: { clusterRoleSelectors: [from] } }),
  });
  const labelled = (to: string) => ({ matchLabels: { [`aggregate-to-${to}`]: "true" } });
  const ROLES = [
    role("view", [], "edit", labelled("view")),
    role("edit", [], "admin", labelled("edit")),
    role("view-parts", [READ], "view"),
    role("edit-parts", [WRITE], "edit"),
    role("crd-edit", [IMPERSONATE], "edit"),
    role("unrelated", [rule(["*"], ["*"], ["*"])]),
  ];

  it("joins the rules of the roles that a role aggregates, and of those that these aggregate", () => {
    const admin = role("admin", [], undefined, labelled("admin"));
    const found = effectiveRules(admin, [admin, ...ROLES]);
    expect(found).toHaveLength(3);
    expect(found).toEqual(expect.arrayContaining([READ, WRITE, IMPERSONATE]));
    expect(isAggregated(admin)).toBe(true);
  });

  it("counts the rules that a controller has written into the role", () => {
    expect(effectiveRules(role("stored", [READ], undefined, labelled("none")), ROLES)).toEqual([READ]);
  });

  it("returns the rules of a role that aggregates nothing", () => {
    expect(effectiveRules(role("plain", [READ]), ROLES)).toEqual([READ]);
    expect(isAggregated(role("plain", [READ]))).toBe(false);
  });

  it("ends when roles aggregate each other", () => {
    const [a, b] = [role("a", [READ], "b", labelled("a")), role("b", [WRITE], "a", labelled("b"))];
    expect(effectiveRules(a, [a, b])).toEqual([READ, WRITE]);
  });

  it.each<[string, object, string[]]>([
    ["In", { key: "tier", operator: "In", values: ["a", "b"] }, ["a"]],
    ["NotIn", { key: "tier", operator: "NotIn", values: ["a"] }, ["c", "none"]],
    ["Exists", { key: "tier", operator: "Exists" }, ["a", "c"]],
    ["DoesNotExist", { key: "tier", operator: "DoesNotExist" }, ["none"]],
    ["an operator that is not known", { key: "tier", operator: "Gt", values: ["a"] }, ["a", "c", "none"]],
  ])("selects by %s", (_, expression, expected) => {
    const others = ["a", "c", "none"].map((name) => ({
      metadata: { name, labels: name === "none" ? {} : { tier: name } },
      rules: [rule(["get"], [""], [name])],
    }));
    const all = role("all", [], undefined, { matchExpressions: [expression] });
    const found = effectiveRules(all, others).flatMap(({ resources }) => resources);
    expect(found.sort()).toEqual(expected);
  });

  it.each([
    ["an empty selector selects every role", [{}], 1],
    ["no selector selects none", [], 0],
    ["selectors that are none select none", [null, "x", 7], 0],
  ])("%s", (_, clusterRoleSelectors, count) => {
    const hostile = { metadata: { name: "x" }, rules: "x", aggregationRule: { clusterRoleSelectors } };
    expect(effectiveRules(hostile, [role("other", [READ])])).toHaveLength(count);
  });
});
