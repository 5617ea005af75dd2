import { describe, expect, it } from "vitest";
import {
  type Attributes,
  createAuthorizer,
  forbidden,
} from "../../../../src/playground/apiserver/access/authorization.ts";
import type { RbacObject } from "../../../../src/playground/apiserver/access/rbac-index.ts";
import type { UserInfo } from "../../../../src/playground/apiserver/access/user.ts";
import { authorizer, bound, OPS, STORED, user } from "../../../support/builder/rbac-object.ts";

const SA = user("system:serviceaccount:other:sa", "system:serviceaccounts");

const resource = (who: UserInfo, verb: string, text: string, namespace = "", name = ""): Attributes => {
  const [qualified = "", subresource = ""] = text.split("/");
  const [plural = "", ...group] = qualified.split(".");
  return { user: who, verb, group: group.join("."), resource: plural, subresource, namespace, name };
};
const path = (who: UserInfo, at: string): Attributes => ({ user: who, verb: "get", path: at });

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
      "a right that edit aggregates from view",
      resource(user("ed"), "list", "events", "home"),
      true,
      expect.any(String),
    ],
    [
      "a right that edit does not have",
      resource(user("ed"), "create", "roles.rbac.authorization.k8s.io", "home"),
      false,
      "",
    ],
    [
      "a right that admin adds to edit",
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

  it("reads the objects again only when their version changes", () => {
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

  it("terminates although roles aggregate each other", () => {
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
  ])("refuses with the message of Kubernetes: %#", (attributes, message) => {
    expect(forbidden(attributes)).toMatchObject({ code: 403, reason: "Forbidden", message });
  });
});
