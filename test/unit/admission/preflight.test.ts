import { describe, expect, it } from "vitest";
import { type ClusterRights, findOutsiders } from "../../../src/admission/preflight.ts";
import { identityLists } from "../../../src/admission/rules/identity.ts";
import type { Subject } from "../../../src/api/franchise.ts";
import { franchise } from "../../support/builder/catalyst-object.ts";

interface RuleText {
  verbs: string[];
  apiGroups: string[];
  resources: string[];
}
const rule = (verb: string, resource: string, group = ""): RuleText => ({
  verbs: [verb],
  apiGroups: [group],
  resources: [resource],
});
const account = (namespace: string, name = "robot"): Subject => ({ kind: "ServiceAccount", name, namespace });

/** The rights that a subject holds by a role with these rules, bound in a namespace or in the cluster. */
function rightsOf(
  rules: RuleText[],
  {
    namespace,
    subject = { kind: "User", name: "salma" } as Subject,
    change = {} as Partial<ClusterRights>,
  } = {} as {
    namespace?: string;
    subject?: Subject;
    change?: Partial<ClusterRights>;
  },
): string[] {
  const outsiders = findOutsiders({
    roles: [],
    clusterRoles: [{ metadata: { name: "wide" }, rules }],
    bindings: [
      {
        metadata: { name: "wide", ...(namespace === undefined ? {} : { namespace }) },
        roleRef: { kind: "ClusterRole", name: "wide" },
        subjects: [subject],
      },
    ],
    namespaces: new Map([["org-acme", { "catalyst.openova.io/organization": "acme" }]]),
    franchises: [],
    parties: [],
    lists: identityLists(),
    ...change,
  });
  return outsiders.flatMap(({ rights }) => rights.map(({ what }) => what));
}

describe("findOutsiders", () => {
  it.each<[string, RuleText[], string | undefined, string[]]>([
    [
      "a write in all namespaces",
      [rule("create", "configmaps")],
      undefined,
      ["writes in guarded namespaces"],
    ],
    [
      "a write in a guarded namespace",
      [rule("patch", "configmaps")],
      "kube-system",
      ["writes in guarded namespaces"],
    ],
    ["a write in an Organization's", [rule("*", "pods")], "org-acme", ["writes in guarded namespaces"]],
    ["a write in an ordinary namespace", [rule("*", "configmaps")], "shop", []],
    ["reads", [rule("get", "configmaps"), rule("list", "secrets"), rule("watch", "nodes")], undefined, []],
    [
      "a cluster-scoped kind",
      [rule("update", "customresourcedefinitions", "apiextensions.k8s.io")],
      undefined,
      ["writes cluster-scoped kinds"],
    ],
    ["a cluster-scoped kind, bound in a namespace", [rule("update", "nodes")], "shop", []],
    ["an installer", [rule("create", "applications", "argoproj.io")], "shop", ["installs software"]],
    ["exec everywhere", [rule("get", "pods/exec")], undefined, ["connects to Pods in guarded namespaces"]],
    ["exec in an ordinary namespace", [rule("get", "pods/exec")], "shop", []],
    ["impersonation", [rule("impersonate", "users")], undefined, ["gives out identities"]],
    [
      "constrained impersonation",
      [rule("impersonate:serviceaccount", "serviceaccounts", "authentication.k8s.io")],
      "shop",
      ["gives out identities"],
    ],
    ["tokens", [rule("create", "serviceaccounts/token")], "shop", ["gives out identities"]],
    ["reviews", [rule("create", "subjectaccessreviews", "authorization.k8s.io")], undefined, []],
    [
      "everything",
      [rule("*", "*", "*")],
      undefined,
      [
        "writes in guarded namespaces",
        "writes cluster-scoped kinds",
        "installs software",
        "connects to Pods in guarded namespaces",
        "gives out identities",
      ],
    ],
  ])("finds the rights of %s that admission refuses", (_, rules, namespace, expected) => {
    expect(rightsOf(rules, namespace === undefined ? {} : { namespace })).toEqual(expected);
  });

  it.each<[string, Subject, boolean]>([
    ["a user", { kind: "User", name: "salma" }, true],
    ["every user", { kind: "Group", name: "system:authenticated" }, true],
    ["an account of an unlisted controller", account("argocd"), true],
    ["the accounts of an unlisted namespace", { kind: "Group", name: "system:serviceaccounts:argocd" }, true],
    ["the platform's group", { kind: "Group", name: "catalyst:platform" }, false],
    ["an account of the platform", account("flux-system"), false],
    ["the accounts of the platform", { kind: "Group", name: "system:serviceaccounts:kube-system" }, false],
    ["the scheduler", { kind: "User", name: "system:kube-scheduler" }, false],
    ["nodes", { kind: "Group", name: "system:nodes" }, false],
    ["joining nodes", { kind: "Group", name: "system:bootstrappers:kubeadm:default-node-token" }, false],
    ["a listed controller", account("cert-manager"), false],
    ["a Franchisee", { kind: "User", name: "omantel-admin" }, false],
  ])("lists %s or not", (_, subject, isListed) => {
    const found = rightsOf([rule("create", "configmaps")], {
      subject,
      change: { franchises: [franchise("omantel")] },
    });
    expect(found.length > 0).toBe(isListed);
  });

  it("follows the flags that add to the lists", () => {
    const change = { lists: identityLists({ controllerNamespaces: ["argocd"] }) };
    expect(rightsOf([rule("*", "*", "*")], { subject: account("argocd"), change })).toEqual([]);
  });

  describe("a RoleBinding that is older than the list that names the account", () => {
    const SELLER = account("bazaar", "seller");
    const omantel = franchise("omantel");
    const franchises = [omantel];
    const parties = [[...omantel.spec.subjects, SELLER]];
    const FRANCHISEE: Subject = { kind: "User", name: "omantel-admin" };
    const MALLORY: Subject = { kind: "User", name: "mallory" };
    const ACTS = "acts as accounts of others";
    const IMPERSONATION = [rule("impersonate", "serviceaccounts")];

    it.each<[string, string, Subject, RuleText[], boolean]>([
      ["a Franchisee in a controller's namespace", "cert-manager", FRANCHISEE, IMPERSONATION, true],
      ["a Franchisee in a namespace of the platform", "kube-system", FRANCHISEE, IMPERSONATION, true],
      [
        "a controller in a namespace of the platform",
        "kube-system",
        account("cert-manager"),
        IMPERSONATION,
        true,
      ],
      ["a controller in another's namespace", "velero", account("cert-manager"), IMPERSONATION, true],
      ["a controller in its own namespace", "cert-manager", account("cert-manager"), IMPERSONATION, false],
      ["an account of the platform", "cert-manager", account("flux-system"), IMPERSONATION, false],
      ["a user beside a Franchisee's account", "bazaar", MALLORY, IMPERSONATION, true],
      [
        "a token beside a Franchisee's account",
        "bazaar",
        MALLORY,
        [rule("create", "serviceaccounts/token")],
        true,
      ],
      ["a Franchisee beside its own account", "bazaar", FRANCHISEE, IMPERSONATION, false],
      ["a user beside other accounts", "shop", MALLORY, IMPERSONATION, false],
      ["no impersonation", "cert-manager", FRANCHISEE, [rule("*", "configmaps")], false],
    ])("lists a subject only if it may act as others: %s", (_, namespace, subject, rules, isListed) => {
      const found = rightsOf(rules, { namespace, subject, change: { franchises, parties } });
      expect(found.includes(ACTS)).toBe(isListed);
    });

    it("lists a subject only for the accounts that a rule names", () => {
      const named = (name: string) => [{ ...rule("impersonate", "serviceaccounts"), resourceNames: [name] }];
      const found = (name: string) =>
        rightsOf(named(name), { namespace: "bazaar", subject: MALLORY, change: { parties } }).includes(ACTS);
      expect(found("seller")).toBe(true);
      expect(found("clerk")).toBe(false);
    });
  });

  it("reads Roles of the binding's own namespace, and what a ClusterRole aggregates", () => {
    const role = (namespace: string, verb: string) => ({
      metadata: { name: "local", namespace },
      rules: [rule(verb, "configmaps")],
    });
    const bound = (kind: string, name: string, namespace: string) => ({
      metadata: { name: "b", namespace },
      roleRef: { kind, name },
      subjects: [account("shop")],
    });
    const change: Partial<ClusterRights> = {
      roles: [role("kube-public", "get"), role("kube-system", "update")],
      clusterRoles: [
        {
          metadata: { name: "sum" },
          aggregationRule: { clusterRoleSelectors: [{ matchLabels: { part: "x" } }] },
        },
        { metadata: { name: "part", labels: { part: "x" } }, rules: [rule("delete", "pods")] },
      ],
    };
    const of = (binding: ReturnType<typeof bound>) =>
      rightsOf([], { change: { ...change, bindings: [binding] } });
    expect(of(bound("Role", "local", "kube-public"))).toEqual([]);
    expect(of(bound("Role", "local", "kube-system"))).toEqual(["writes in guarded namespaces"]);
    expect(of(bound("ClusterRole", "sum", "kube-system"))).toEqual(["writes in guarded namespaces"]);
    expect(of(bound("ClusterRole", "missing", "kube-system"))).toEqual([]);
  });

  it("lists a subject once, with every binding", () => {
    const binding = (name: string, namespace?: string) => ({
      metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
      roleRef: { kind: "ClusterRole", name: "writer" },
      subjects: [account("argocd")],
    });
    expect(
      findOutsiders({
        roles: [],
        clusterRoles: [{ metadata: { name: "writer" }, rules: [rule("create", "configmaps")] }],
        bindings: [binding("all"), binding("one", "kube-system"), binding("ordinary", "shop")],
        namespaces: new Map(),
        franchises: [],
        parties: [],
        lists: identityLists(),
      }),
    ).toEqual([
      {
        ...account("argocd"),
        rights: [
          { what: "writes in guarded namespaces", by: "ClusterRoleBinding all" },
          { what: "writes in guarded namespaces", by: "RoleBinding kube-system/one" },
        ],
      },
    ]);
  });
});
