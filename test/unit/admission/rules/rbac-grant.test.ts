import { describe, expect, it } from "vitest";
import {
  grantedIdentityRights,
  grants,
  parsePolicyRules,
  type Right,
} from "../../../../src/admission/rules/rbac-grant.ts";

const rule = (verbs: string[], apiGroups: string[], resources: string[], resourceNames: string[] = []) => ({
  verbs,
  apiGroups,
  resources,
  resourceNames,
});
const EXEC: Right = { verb: "create", group: "", resource: "pods", subresource: "exec" };
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

  it("names the index of the rule", () => {
    const harmless = rule(["get"], [""], ["pods"]);
    expect(grantedIdentityRights([harmless, rule(["bind"], ["*"], ["roles"])])).toEqual([
      { index: 1, what: "bind roles" },
    ]);
  });
});
