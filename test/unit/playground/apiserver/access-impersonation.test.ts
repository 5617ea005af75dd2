import { describe, expect, it } from "vitest";
import { impersonatedUser } from "../../../../src/playground/apiserver/access/impersonation.ts";
import type { UserInfo } from "../../../../src/playground/apiserver/access/user.ts";
import { authorizer, refusal, user } from "../../../support/builder/rbac-object.ts";

describe("impersonation", () => {
  const imp = user("imp", "system:authenticated");

  it.each<[Record<string, string | string[]>, UserInfo]>([
    [{}, imp],
    [{ "impersonate-user": "bob" }, { username: "bob", groups: ["system:authenticated"] }],
    [
      { "impersonate-user": "bob", "impersonate-group": "dev" },
      { username: "bob", groups: ["dev", "system:authenticated"] },
    ],
    [
      { "impersonate-user": "bob", "impersonate-extra-scope": ["a", "b"] },
      { username: "bob", groups: ["system:authenticated"], extra: { scope: ["a", "b"] } },
    ],
    [
      { "impersonate-user": "system:serviceaccount:ns:sa" },
      {
        username: "system:serviceaccount:ns:sa",
        groups: ["system:serviceaccounts", "system:serviceaccounts:ns", "system:authenticated"],
      },
    ],
  ])("turns the headers %j into a user", (headers, expected) => {
    expect(impersonatedUser(imp, headers, authorizer)).toEqual(expected);
  });

  it.each<[Record<string, string | string[]>, [number, string]]>([
    [
      { "impersonate-user": "eve" },
      [
        403,
        'users "eve" is forbidden: User "imp" cannot impersonate resource "users" in API group "" at the cluster scope',
      ],
    ],
    [
      { "impersonate-user": "bob", "impersonate-group": ["dev", "system:masters"] },
      [
        403,
        'groups "system:masters" is forbidden: User "imp" cannot impersonate resource "groups" in API group "" at the cluster scope',
      ],
    ],
    [
      { "impersonate-user": "system:serviceaccount:ns:other" },
      [
        403,
        'serviceaccounts "other" is forbidden: User "imp" cannot impersonate resource "serviceaccounts" in API group "" in the namespace "ns"',
      ],
    ],
    [
      { "impersonate-user": "bob", "impersonate-uid": "7" },
      [
        403,
        'uids.authentication.k8s.io "7" is forbidden: User "imp" cannot impersonate resource "uids" in API group "authentication.k8s.io" at the cluster scope',
      ],
    ],
    [
      { "impersonate-group": ["dev"] },
      [400, 'requested {"groups":["dev"],"extra":{}} without impersonating a user name'],
    ],
  ])("refuses %j", (headers, expected) => {
    expect(refusal(() => impersonatedUser(imp, headers, authorizer))).toEqual(expected);
  });
});
