import { RBAC } from "../admission/rules/rbac-grant.ts";
import type { Subject } from "../api/franchise.ts";

/** A subject in the form of a RoleBinding. */
export const rbacSubject = ({ kind, name, namespace }: Subject): Record<string, string> => ({
  kind,
  name,
  ...(kind === "ServiceAccount" ? { namespace: namespace ?? "" } : { apiGroup: RBAC }),
});
