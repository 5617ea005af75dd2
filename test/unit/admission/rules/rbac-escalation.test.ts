import { describe, expect, it } from "vitest";
import type { PolicyRule } from "../../../../src/admission/rules/rbac-grant.ts";
import type { AdmissionInput } from "../../../../src/admission/rules/request.ts";
import {
  CLUSTER,
  creation,
  type Denial,
  deletion,
  expected,
  facts,
  request,
  violationsOf,
} from "../../../support/builder/admission-request.ts";

const RBAC = "rbac.authorization.k8s.io";
const role = (rules: unknown, change: Partial<AdmissionInput> = {}) =>
  creation({ group: RBAC, resource: "roles", object: { kind: "Role", rules }, ...change });
const rule = (verbs: string[], apiGroups: string[], resources: string[]) => ({ verbs, apiGroups, resources });
const escalates = (index: number, what: string) =>
  [
    "rbac-escalation",
    `rules[${index}]`,
    `the rule lets its holder ${what}, and so gain the rights of others; name only the verbs and resources that you need`,
  ] as const;

describe("the rules for roles", () => {
  it.each<Denial>([
    [
      "a Role that impersonates",
      role([rule(["get", "impersonate"], [""], ["serviceaccounts"])]),
      facts(),
      [...escalates(0, "impersonate ServiceAccounts")],
    ],
    [
      "a Role that escalates and binds, in its second rule",
      role([rule(["get"], [""], ["pods"]), rule(["escalate", "bind"], [RBAC], ["roles"])]),
      facts(),
      [...escalates(1, "escalate roles")],
      [...escalates(1, "bind roles")],
    ],
    [
      "a Role that grants tokens of ServiceAccounts by a wildcard",
      role([rule(["create"], ["*"], ["*/token"])]),
      facts(),
      [...escalates(0, "create tokens of ServiceAccounts")],
    ],
    [
      "an update that adds a verb",
      request({
        group: RBAC,
        resource: "roles",
        oldObject: { rules: [rule(["get"], [RBAC], ["roles"])] },
        object: { rules: [rule(["get", "bind"], [RBAC], ["roles"])] },
      }),
      facts(),
      [...escalates(0, "bind roles")],
    ],
    [
      "a ClusterRole that binds",
      role([rule(["bind"], [RBAC], ["clusterroles"])], { resource: "clusterroles", namespace: "" }),
      facts({ place: CLUSTER }),
      [...escalates(0, "bind clusterroles")],
    ],
    [
      "an ordinary ClusterRole",
      role([rule(["get"], [""], ["pods"])], { resource: "clusterroles", namespace: "" }),
      facts({ place: CLUSTER }),
      [
        "cluster-scope",
        "clusterroles/x",
        "only the platform may write Role x, because it affects the whole cluster; use a Role in your own namespace",
      ],
    ],
    [
      "a ClusterRoleBinding",
      creation({ group: RBAC, resource: "clusterrolebindings", namespace: "" }),
      facts({ place: CLUSTER }),
      [
        "cluster-scope",
        "clusterrolebindings/x",
        "only the platform may write clusterrolebindings x, because it affects the whole cluster; use a RoleBinding in your own namespace",
      ],
    ],
  ])("deny %s", (_, input, known, ...violations) =>
    expect(violationsOf(input, known)).toEqual(expected(violations)),
  );

  it.each([
    ["a Role with every verb on ordinary kinds", role([rule(["*"], ["", "apps"], ["pods", "deployments"])])],
    ["a Role without rules", role(undefined)],
    ["a Role with rules that are none", role([null, "impersonate", { verbs: "impersonate" }])],
    [
      "deleting a Role that impersonates",
      deletion({
        group: RBAC,
        resource: "roles",
        oldObject: { rules: [rule(["impersonate"], [""], ["users"])] },
      }),
    ],
    [
      "a RoleBinding that has members like a Role",
      role([rule(["bind"], [RBAC], ["roles"])], { resource: "rolebindings" }),
    ],
    ["a Role of another API group", role([rule(["bind"], [RBAC], ["roles"])], { group: "example.com" })],
  ])("allow %s", (_, input) => expect(violationsOf(input)).toEqual([]));
});

describe("the rule for RoleBindings", () => {
  const binding = (roleName: string, ...subjects: string[]) => ({
    kind: "RoleBinding",
    roleRef: { apiGroup: RBAC, kind: "ClusterRole", name: roleName },
    subjects: subjects.map((name) => ({ kind: "User", name })),
  });
  const bind = (roleName: string, change: Partial<AdmissionInput> = {}) =>
    creation({ group: RBAC, resource: "rolebindings", object: binding(roleName, "mallory"), ...change });
  const known = (rules: PolicyRule[] | undefined, accounts: string[] | "*" = ["seller"]) =>
    facts({ foreignAccounts: accounts === "*" ? "*" : new Set(accounts), boundRules: rules });
  const policyRule = (verbs: string[], resources: string[], resourceNames: string[] = []): PolicyRule => ({
    ...{ verbs, apiGroups: [""], resources, resourceNames },
    nonResourceURLs: [],
  });
  const EDIT = [
    policyRule(["create", "get"], ["pods", "pods/exec", "secrets"]),
    policyRule(["impersonate"], ["serviceaccounts"]),
    policyRule(["create"], ["serviceaccounts/token"]),
  ];
  const denied = (role: string, what: string): Denial[3] => [
    "rbac-escalation",
    "roleRef",
    `ClusterRole ${role} lets its holder ${what}, and this namespace has an account of a Franchisee or an Organization that you do not belong to; bind a role without this right, or work in a namespace of your own`,
  ];
  const oldObject = binding("edit", "ann");

  it.each<Denial>([
    ["edit, which impersonates", bind("edit"), known(EDIT), denied("edit", "impersonate ServiceAccounts")],
    [
      "a role for tokens alone",
      bind("minter"),
      known([policyRule(["create"], ["serviceaccounts/token"])]),
      denied("minter", "create tokens of ServiceAccounts"),
    ],
    [
      "a role that names the account",
      bind("one"),
      known([policyRule(["impersonate"], ["serviceaccounts"], ["robot", "seller"])]),
      denied("one", "impersonate ServiceAccounts"),
    ],
    [
      "a role that names an account, where every account acts for others",
      bind("one"),
      known([policyRule(["impersonate"], ["serviceaccounts"], ["robot"])], "*"),
      denied("one", "impersonate ServiceAccounts"),
    ],
    [
      "a role that does not exist",
      bind("later"),
      known(undefined),
      [
        "rbac-escalation",
        "roleRef",
        "ClusterRole later does not exist, so its rights are not known; add the role before you bind it",
      ],
    ],
    [
      "an update that adds a subject",
      bind("edit", { operation: "UPDATE", oldObject, object: binding("edit", "ann", "mallory") }),
      known(EDIT),
      denied("edit", "impersonate ServiceAccounts"),
    ],
    [
      "a binding without a role",
      bind("edit", { object: { subjects: [] } }),
      known(undefined),
      [
        "rbac-escalation",
        "roleRef",
        "Role  does not exist, so its rights are not known; add the role before you bind it",
      ],
    ],
  ])("denies %s", (_, input, cluster, ...violations) =>
    expect(violationsOf(input, cluster)).toEqual(expected(violations)),
  );

  it.each<[string, AdmissionInput, ReturnType<typeof facts>]>([
    ["edit where no account acts for others", bind("edit"), known(EDIT, [])],
    ["a role that only reads", bind("view"), known([policyRule(["get"], ["pods"])])],
    [
      "a role for another account",
      bind("one"),
      known([policyRule(["impersonate"], ["serviceaccounts"], ["robot"])]),
    ],
    [
      "an update that removes a subject",
      bind("edit", { operation: "UPDATE", oldObject: binding("edit", "ann", "bob"), object: oldObject }),
      known(EDIT),
    ],
    [
      "an update of labels",
      bind("edit", {
        ...{ operation: "UPDATE", oldObject },
        object: { ...oldObject, metadata: { labels: { a: "b" } } },
      }),
      known(EDIT),
    ],
    ["deleting a binding", deletion({ group: RBAC, resource: "rolebindings", oldObject }), known(EDIT)],
    ["a RoleBinding of another API group", bind("edit", { group: "example.com" }), known(EDIT)],
  ])("allows %s", (_, input, cluster) => expect(violationsOf(input, cluster)).toEqual([]));
});
