import { createAuthorizer } from "../../../src/playground/apiserver/access/authorization.ts";
import {
  BOOTSTRAP_CLUSTER_ROLE_BINDINGS,
  BOOTSTRAP_CLUSTER_ROLES,
} from "../../../src/playground/apiserver/access/bootstrap-role.ts";
import type { RbacObject, RbacResource } from "../../../src/playground/apiserver/access/rbac-index.ts";
import type { UserInfo } from "../../../src/playground/apiserver/access/user.ts";
import { StatusError } from "../../../src/playground/apiserver/status.ts";

export const role = (name: string, rules: unknown[], namespace?: string): RbacObject => ({
  metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
  rules,
});
export const bound = (
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

export const STORED: Record<RbacResource, RbacObject[]> = {
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
export const authorizer = createAuthorizer({ list: (resource) => STORED[resource], version: () => 1 });

export const user = (username: string, ...groups: string[]): UserInfo => ({ username, groups });
export const OPS = user("u", "ops");

/** The code and message with which `action` is refused. */
export function refusal(action: () => unknown): [number, string] | "allowed" {
  try {
    action();
    return "allowed";
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    return [error.code, error.message];
  }
}
