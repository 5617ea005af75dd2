import { describe, expect, it } from "vitest";
import {
  creation,
  type Denial,
  deletion,
  expected,
  facts,
  GROUP,
  memberOf,
  request,
  TENANT,
  violationsOf,
} from "../../../support/builder/admission-request.ts";

const RBAC = "rbac.authorization.k8s.io";
const role = (rules: unknown, resource = "roles") =>
  creation({ group: RBAC, resource, object: { kind: "Role", rules } });
const OWNERS = [{ apiVersion: "v1", kind: "ConfigMap", name: "other" }];
const inShop = { namespaceLabels: { [`${GROUP}/organization`]: "shop" } };
const owned = { metadata: { ownerReferences: OWNERS } };
const OWNER_REFERENCE = [
  "owner-reference",
  "metadata.ownerReferences",
  "only members of the namespace's Organization may change this field: leave it unchanged",
] as const;
const NOT_MEMBER = [
  "organization-namespace",
  "configmaps/x",
  "only members of its Organization may work in namespace shop: ask its owner for membership",
] as const;

describe("the rules for access", () => {
  it.each<Denial>([
    [
      "a Role that impersonates",
      role([{ verbs: ["get", "impersonate"], resources: ["users"] }]),
      facts(),
      [
        "rbac-escalation",
        "rules[0].verbs",
        "the verb impersonate lets its holder gain the rights of others: remove it",
      ],
    ],
    [
      "a ClusterRole that escalates and binds, in its second rule",
      role([{ verbs: ["get"] }, { verbs: ["escalate", "bind"], resources: ["roles"] }], "clusterroles"),
      facts(),
      [
        "rbac-escalation",
        "rules[1].verbs",
        "the verb escalate lets its holder gain the rights of others: remove it",
      ],
      [
        "rbac-escalation",
        "rules[1].verbs",
        "the verb bind lets its holder gain the rights of others: remove it",
      ],
    ],
    [
      "a Role that grants tokens of ServiceAccounts",
      role([{ verbs: ["create"], resources: ["pods", "serviceaccounts/token"] }]),
      facts(),
      [
        "rbac-escalation",
        "rules[0].resources",
        "serviceaccounts/token lets its holder act as ServiceAccounts: remove it",
      ],
    ],
    [
      "a ClusterRoleBinding",
      creation({ group: RBAC, resource: "clusterrolebindings", namespace: "" }),
      facts(),
      [
        "rbac-cluster-grant",
        "clusterrolebindings/x",
        "only the platform may write ClusterRoleBindings, because they grant rights in every namespace: use a RoleBinding in your own namespace",
      ],
    ],
    [
      "a token of the platform's ServiceAccount",
      creation({ resource: "serviceaccounts", subresource: "token", namespace: "kube-system" }),
      facts(),
      [
        "token-request",
        "serviceaccounts/x/token",
        "only the platform may request tokens for ServiceAccounts in namespace kube-system: use a ServiceAccount in your own namespace",
      ],
    ],
    [
      "a token of a ServiceAccount in a namespace that is configured as the platform's",
      creation({ resource: "serviceaccounts", subresource: "token", namespace: "ops" }),
      facts({ platform: { groups: [], serviceAccountNamespaces: ["ops"] } }),
      [
        "token-request",
        "serviceaccounts/x/token",
        "only the platform may request tokens for ServiceAccounts in namespace ops: use a ServiceAccount in your own namespace",
      ],
    ],
    [
      "an owner reference in an Organization's namespace",
      request({ object: owned }),
      facts(inShop),
      [...NOT_MEMBER],
      [...OWNER_REFERENCE],
    ],
    [
      "an owner reference from a member of another Organization, on a new object",
      creation({ object: owned }),
      facts({ ...inShop, requester: TENANT, memberships: memberOf("other") }),
      [...NOT_MEMBER],
      [...OWNER_REFERENCE],
    ],
    [
      "an owner reference on the Organization's namespace itself",
      request({ resource: "namespaces", namespace: "", object: owned }),
      facts(inShop),
      [...OWNER_REFERENCE],
    ],
  ])("deny %s", (_, input, known, ...violations) =>
    expect(violationsOf(input, known)).toEqual(expected(violations)),
  );

  it.each([
    [
      "a Role with ordinary rights",
      role([{ verbs: ["*"], resources: ["pods", "serviceaccounts"] }]),
      facts(),
    ],
    ["a Role without rules", role(undefined), facts()],
    ["a Role without its object", creation({ group: RBAC, resource: "roles", object: undefined }), facts()],
    ["a Role with rules that are none", role([null, "impersonate", { verbs: "impersonate" }]), facts()],
    [
      "deleting a Role that impersonates",
      deletion({ group: RBAC, resource: "roles", object: { rules: [{ verbs: ["impersonate"] }] } }),
      facts(),
    ],
    [
      "a RoleBinding that has members like a Role",
      creation({ group: RBAC, resource: "rolebindings", object: { rules: [{ verbs: ["bind"] }] } }),
      facts(),
    ],
    [
      "a Role of another API group",
      creation({ group: "example.com", resource: "roles", object: { rules: [{ verbs: ["bind"] }] } }),
      facts(),
    ],
    [
      "a ClusterRoleBinding of another API group",
      creation({ group: "example.com", resource: "clusterrolebindings" }),
      facts(),
    ],
    [
      "a token in one's own namespace",
      creation({ resource: "serviceaccounts", subresource: "token" }),
      facts(),
    ],
    [
      "a ServiceAccount where only tokens are denied",
      creation({ resource: "serviceaccounts", namespace: "kube-system" }),
      facts(),
    ],
    [
      "a subresource with the name token of another kind",
      creation({ resource: "bootstraps", subresource: "token", namespace: "kube-system" }),
      facts(),
    ],
    ["an owner reference in an ordinary namespace", request({ object: owned }), facts()],
    [
      "an owner reference from a member",
      request({ object: owned }),
      facts({ ...inShop, memberships: memberOf("shop") }),
    ],
    [
      "owner references that stay, on the Organization's namespace",
      request({ resource: "namespaces", namespace: "", oldObject: owned, object: { ...owned, a: 1 } }),
      facts(inShop),
    ],
  ])("allow %s", (_, input, known) => expect(violationsOf(input, known)).toEqual([]));

  it.each([
    ["without objects", undefined],
    ["without metadata", {}],
    ["with empty metadata", { metadata: {} }],
  ])("find no owner reference in a connection %s", (_, object) => {
    const input = request({ operation: "CONNECT", object, oldObject: object });
    expect(violationsOf(input, facts(inShop))).toEqual(expected([[...NOT_MEMBER]]));
  });

  it("do not look at owner references when an object is deleted", () => {
    expect(violationsOf(deletion({ oldObject: owned }), facts(inShop))).toEqual(expected([[...NOT_MEMBER]]));
  });
});
