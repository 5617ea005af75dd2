import { describe, expect, it } from "vitest";
import { createAuthorizer } from "../../../../src/playground/apiserver/access/authorization.ts";
import { checkRoleWrite, type RoleWrite } from "../../../../src/playground/apiserver/access/escalation.ts";
import type { RbacObject } from "../../../../src/playground/apiserver/access/rbac-index.ts";
import { authorizer, bound, OPS, refusal, role, STORED, user } from "../../../support/builder/rbac-object.ts";

describe("a write of roles and bindings", () => {
  const allowedTo = (...verbs: string[]) => ({
    apiGroups: ["rbac.authorization.k8s.io"],
    resources: ["roles", "clusterroles"],
    verbs,
  });
  const write = (
    target: RoleWrite["resource"],
    object: RbacObject,
    namespace = "",
    who = user("u", "ops", "system:authenticated"),
  ) => refusal(() => checkRoleWrite(authorizer, { user: who, resource: target, namespace, object }));

  it.each<[string, ReturnType<typeof write>, [number, string] | "allowed"]>([
    [
      "rights that the writer has",
      write("roles", role("r", [{ apiGroups: [""], resources: ["pods"], verbs: ["get", "list"] }], "n"), "n"),
      "allowed",
    ],
    [
      "more rights than the writer has",
      write(
        "roles",
        role("r", [{ apiGroups: [""], resources: ["pods", "secrets"], verbs: ["get", "delete"] }], "n"),
        "n",
      ),
      [
        403,
        'roles.rbac.authorization.k8s.io "r" is forbidden: user "u" (groups=["ops" "system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[""], Resources:["pods"], Verbs:["delete"]}\n{APIGroups:[""], Resources:["secrets"], Verbs:["get" "delete"]}',
      ],
    ],
    [
      "an aggregation",
      write("clusterroles", {
        metadata: { name: "r" },
        aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: "b" } }] },
      }),
      [
        403,
        'clusterroles.rbac.authorization.k8s.io "r" is forbidden: must have cluster-admin privileges to use the aggregationRule',
      ],
    ],
    [
      "a binding to a role that the writer holds",
      write("rolebindings", bound("b", "ClusterRole", "ops", { kind: "User", name: "x" }, "n"), "n"),
      "allowed",
    ],
    [
      "a binding to a role that does not exist",
      write("rolebindings", bound("b", "Role", "nope", { kind: "User", name: "x" }, "n"), "n"),
      [404, 'rolebindings.rbac.authorization.k8s.io "nope" not found'],
    ],
    [
      "every right, as system:masters",
      write(
        "clusterrolebindings",
        bound("b", "ClusterRole", "cluster-admin", { kind: "User", name: "x" }),
        "",
        user("r", "system:masters"),
      ),
      "allowed",
    ],
  ])("allows or refuses %s", (_, actual, expected) => {
    expect(actual).toEqual(expected);
  });

  it.each(["escalate", "bind"])("is allowed with the verb %s", (verb) => {
    const rules = [verb === "bind" ? { ...allowedTo(verb), resources: ["clusterroles"] } : allowedTo(verb)];
    const open = createAuthorizer({
      version: () => 1,
      list: (which) =>
        which === "clusterroles"
          ? [...STORED.clusterroles, role("power", rules)]
          : which === "clusterrolebindings"
            ? [bound("p", "ClusterRole", "power", { kind: "User", name: "u" })]
            : [],
    });
    const wide = role("r", [{ apiGroups: ["*"], resources: ["*"], verbs: ["*"] }]);
    const attempt = (target: RoleWrite["resource"], object: RbacObject) =>
      refusal(() => checkRoleWrite(open, { user: user("u"), resource: target, namespace: "", object }));
    const toAdmin = bound("b", "ClusterRole", "cluster-admin", { kind: "User", name: "u" });
    expect(attempt("clusterroles", wide) === "allowed").toBe(verb === "escalate");
    expect(attempt("clusterrolebindings", toAdmin) === "allowed").toBe(verb === "bind");
  });

  it("allows a change of only the garbage collector's fields", () => {
    const wide = role("r", [{ apiGroups: ["*"], resources: ["*"], verbs: ["*"] }]);
    const finalized = { ...wide, metadata: { ...wide.metadata, finalizers: ["a/b"] } } as RbacObject;
    const update = (object: RbacObject) =>
      refusal(() =>
        checkRoleWrite(authorizer, {
          user: OPS,
          resource: "clusterroles",
          namespace: "",
          object,
          oldObject: wide,
        }),
      );
    expect(update(finalized)).toBe("allowed");
    expect(update({ ...wide, metadata: { name: "r", labels: { a: "b" } } })).not.toBe("allowed");
  });
});
