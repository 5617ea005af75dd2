import { describe, expect, it } from "vitest";
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
    `the rule lets its holder ${what}, and so gain the rights of others: name only the verbs and resources that you need`,
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
        "only the platform may write Role x, because it affects the whole cluster: use a Role in your own namespace",
      ],
    ],
    [
      "a ClusterRoleBinding",
      creation({ group: RBAC, resource: "clusterrolebindings", namespace: "" }),
      facts({ place: CLUSTER }),
      [
        "cluster-scope",
        "clusterrolebindings/x",
        "only the platform may write clusterrolebindings x, because it affects the whole cluster: use a RoleBinding in your own namespace",
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
