import { RBAC } from "../admission/rules/rbac-grant.ts";
import type { Subject } from "../api/franchise.ts";

/** A subject as a RoleBinding has it. */
export const rbacSubject = ({ kind, name, namespace }: Subject): Record<string, string> => ({
  kind,
  name,
  ...(kind === "ServiceAccount" ? { namespace: namespace ?? "" } : { apiGroup: RBAC }),
});
