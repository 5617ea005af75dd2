import { describe, expect, it } from "vitest";
import {
  type Attributes,
  createAuthorizer,
  forbidden,
} from "../../../../src/playground/apiserver/access/authorization.ts";
import {
  BOOTSTRAP_CLUSTER_ROLE_BINDINGS,
  BOOTSTRAP_CLUSTER_ROLES,
} from "../../../../src/playground/apiserver/access/bootstrap-role.ts";
import { checkRoleWrite, type RoleWrite } from "../../../../src/playground/apiserver/access/escalation.ts";
import { impersonatedUser } from "../../../../src/playground/apiserver/access/impersonation.ts";
import type { RbacObject, RbacResource } from "../../../../src/playground/apiserver/access/rbac-index.ts";
import type { UserInfo } from "../../../../src/playground/apiserver/access/user.ts";
import { StatusError } from "../../../../src/playground/apiserver/status.ts";

const role = (name: string, rules: unknown[], namespace?: string): RbacObject => ({
  metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
  rules,
});
const bound = (
  name: string,
  kind: "Role" | "ClusterRole",
  to: string,
  subject: Record<string, string>,
  namespace?: string,
): RbacObject => ({
  metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
  roleRef: { apiGroup: "rbac.authorization.k8s.io", kind, name: to },
  subjects: [subject],
});

const STORED: Record<RbacResource, RbacObject[]> = {
  clusterroles: [
    ...BOOTSTRAP_CLUSTER_ROLES,
    role("ops", [
      { apiGroups: [""], resources: ["pods", "pods/log"], verbs: ["get", "list"] },
      { apiGroups: ["apps"], resources: ["deployments"], resourceNames: ["web"], verbs: ["get", "update"] },
      { apiGroups: ["x.io"], resources: ["*/status"], verbs: ["*"] },
      { nonResourceURLs: ["/metrics", "/foo/*"], verbs: ["get"] },
    ]),
    role("impersonator", [
      { apiGroups: [""], resources: ["users"], resourceNames: ["bob"], verbs: ["impersonate"] },
      { apiGroups: [""], resources: ["groups"], resourceNames: ["dev"], verbs: ["impersonate"] },
      { apiGroups: [""], resources: ["serviceaccounts"], resourceNames: ["sa"], verbs: ["impersonate"] },
      { apiGroups: ["authentication.k8s.io"], resources: ["userextras/scope"], verbs: ["impersonate"] },
    ]),
  ],
  clusterrolebindings: [
    ...BOOTSTRAP_CLUSTER_ROLE_BINDINGS,
    bound("ops", "ClusterRole", "ops", { kind: "Group", name: "ops" }),
    bound("impersonator", "ClusterRole", "impersonator", { kind: "User", name: "imp" }),
  ],
  roles: [role("owner", [{ apiGroups: [""], resources: ["configmaps"], verbs: ["*"] }], "home")],
  rolebindings: [
    bound("owner", "Role", "owner", { kind: "ServiceAccount", name: "sa", namespace: "other" }, "home"),
    bound("edits", "ClusterRole", "edit", { kind: "User", name: "ed" }, "home"),
    bound("admins", "ClusterRole", "admin", { kind: "User", name: "ada" }, "home"),
    bound("gone", "Role", "gone", { kind: "User", name: "ed" }, "home"),
  ],
};
const authorizer = createAuthorizer({ list: (resource) => STORED[resource], version: () => 1 });

const user = (username: string, ...groups: string[]): UserInfo => ({ username, groups });
const OPS = user("u", "ops");
const SA = user("system:serviceaccount:other:sa", "system:serviceaccounts");

const resource = (who: UserInfo, verb: string, text: string, namespace = "", name = ""): Attributes => {
  const [qualified = "", subresource = ""] = text.split("/");
  const [plural = "", ...group] = qualified.split(".");
  return { user: who, verb, group: group.join("."), resource: plural, subresource, namespace, name };
};
const path = (who: UserInfo, at: string): Attributes => ({ user: who, verb: "get", path: at });

function refusal(action: () => unknown): [number, string] | "allowed" {
  try {
    action();
    return "allowed";
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    return [error.code, error.message];
  }
}

describe("RBAC", () => {
  it.each<[string, Attributes, boolean, string]>([
    [
      "a listed verb",
      resource(OPS, "list", "pods", "any"),
      true,
      'RBAC: allowed by ClusterRoleBinding "ops" of ClusterRole "ops" to Group "ops"',
    ],
    ["another verb", resource(OPS, "delete", "pods", "any"), false, ""],
    ["a listed subresource", resource(OPS, "get", "pods/log"), true, expect.any(String)],
    ["another subresource", resource(OPS, "get", "pods/exec"), false, ""],
    ["a subresource by */name", resource(OPS, "patch", "foos.x.io/status"), true, expect.any(String)],
    ["the object of which */name is a part", resource(OPS, "patch", "foos.x.io"), false, ""],
    ["a named object", resource(OPS, "update", "deployments.apps", "n", "web"), true, expect.any(String)],
    ["an object of another name", resource(OPS, "update", "deployments.apps", "n", "db"), false, ""],
    ["a list where names are given", resource(OPS, "get", "deployments.apps", "n"), false, ""],
    ["a path", path(OPS, "/metrics"), true, expect.any(String)],
    ["a path by prefix", path(OPS, "/foo/bar"), true, expect.any(String)],
    ["another path", path(OPS, "/metrics/x"), false, ""],
    [
      "a service account in its binding's namespace",
      resource(SA, "create", "configmaps", "home"),
      true,
      'RBAC: allowed by RoleBinding "owner/home" of Role "owner" to ServiceAccount "sa/other"',
    ],
    ["a service account elsewhere", resource(SA, "create", "configmaps", "other"), false, ""],
    ["a namespaced grant for the whole cluster", resource(SA, "list", "configmaps"), false, ""],
    ["an aggregated role", resource(user("ed"), "create", "secrets", "home"), true, expect.any(String)],
    [
      "what edit aggregates from view",
      resource(user("ed"), "list", "events", "home"),
      true,
      expect.any(String),
    ],
    [
      "what edit leaves out",
      resource(user("ed"), "create", "roles.rbac.authorization.k8s.io", "home"),
      false,
      "",
    ],
    [
      "what admin adds to edit",
      resource(user("ada"), "create", "roles.rbac.authorization.k8s.io", "home"),
      true,
      expect.any(String),
    ],
    ["system:masters", resource(user("root", "system:masters"), "any", "thing.of.all"), true, ""],
    ["discovery, signed in", path(user("a", "system:authenticated"), "/apis"), true, expect.any(String)],
    [
      "discovery, not signed in",
      path(user("system:anonymous", "system:unauthenticated"), "/apis"),
      false,
      "",
    ],
    [
      "health, not signed in",
      path(user("x", "system:unauthenticated"), "/healthz"),
      true,
      expect.any(String),
    ],
  ])("decides on %s", (_, attributes, allowed, reason) => {
    expect(authorizer.authorize(attributes)).toEqual({ allowed, reason });
  });

  it("reads the objects again exactly when their version changes", () => {
    let version = 1;
    let reads = 0;
    const bindings: RbacObject[] = [];
    const live = createAuthorizer({
      version: () => version,
      list(which) {
        reads++;
        return which === "clusterrolebindings" ? bindings : STORED[which];
      },
    });
    const asked = resource(OPS, "list", "pods");
    expect(live.authorize(asked).allowed).toBe(false);
    bindings.push(bound("ops", "ClusterRole", "ops", { kind: "Group", name: "ops" }));
    expect(live.authorize(asked).allowed).toBe(false);
    expect(reads).toBe(4);
    version = 2;
    expect(live.authorize(asked).allowed).toBe(true);
    expect(reads).toBe(8);
  });

  it("survives roles that aggregate each other", () => {
    const mutual = (name: string, other: string): RbacObject => ({
      metadata: { name, labels: { [name]: "true" } },
      aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [other]: "true" } }] },
    });
    const looped = createAuthorizer({
      version: () => 1,
      list: (which) =>
        which === "clusterroles"
          ? [mutual("a", "b"), mutual("b", "a")]
          : which === "clusterrolebindings"
            ? [bound("x", "ClusterRole", "a", { kind: "User", name: "u" })]
            : [],
    });
    expect(looped.authorize(resource(user("u"), "get", "pods")).allowed).toBe(false);
  });

  it.each<[Attributes, string]>([
    [
      resource(user("zed"), "list", "secrets", "default"),
      'secrets is forbidden: User "zed" cannot list resource "secrets" in API group "" in the namespace "default"',
    ],
    [
      resource(user("zed"), "delete", "deployments.apps", "n", "x"),
      'deployments.apps "x" is forbidden: User "zed" cannot delete resource "deployments" in API group "apps" in the namespace "n"',
    ],
    [
      resource(user("zed"), "get", "nodes/proxy", "", "a"),
      'nodes "a" is forbidden: User "zed" cannot get resource "nodes/proxy" in API group "" at the cluster scope',
    ],
    [path(user("<b>"), "/x"), 'forbidden: User "&lt;b&gt;" cannot get path "/x"'],
  ])("refuses in Kubernetes' words", (attributes, message) => {
    expect(forbidden(attributes)).toMatchObject({ code: 403, reason: "Forbidden", message });
  });
});

describe("handing out rights", () => {
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
      "what one has",
      write("roles", role("r", [{ apiGroups: [""], resources: ["pods"], verbs: ["get", "list"] }], "n"), "n"),
      "allowed",
    ],
    [
      "more than one has",
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
      "a role that one holds, by a binding",
      write("rolebindings", bound("b", "ClusterRole", "ops", { kind: "User", name: "x" }, "n"), "n"),
      "allowed",
    ],
    [
      "a role that does not exist",
      write("rolebindings", bound("b", "Role", "nope", { kind: "User", name: "x" }, "n"), "n"),
      [404, 'rolebindings.rbac.authorization.k8s.io "nope" not found'],
    ],
    [
      "everything, as system:masters",
      write(
        "clusterrolebindings",
        bound("b", "ClusterRole", "cluster-admin", { kind: "User", name: "x" }),
        "",
        user("r", "system:masters"),
      ),
      "allowed",
    ],
  ])("%s", (_, actual, expected) => {
    expect(actual).toEqual(expected);
  });

  it.each(["escalate", "bind"])("is open to those with the verb %s", (verb) => {
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

  it("leaves the garbage collector's fields free", () => {
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
  ])("%j", (headers, expected) => {
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
