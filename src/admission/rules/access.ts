import type { Rule } from "./fact.ts";
import { grantedIdentityRights } from "./rbac-grant.ts";

const RBAC = "rbac.authorization.k8s.io";

/** A role may not let its holder act as another identity, or hand out more rights than the holder has. */
export const escalationRule: Rule = (input) => {
  const isRole = input.group === RBAC && ["roles", "clusterroles"].includes(input.resource);
  if (!isRole || input.operation === "DELETE") return [];
  return grantedIdentityRights(input.object?.rules).map(({ index, what }) => ({
    rule: "rbac-escalation",
    path: `rules[${index}]`,
    message: `the rule lets its holder ${what}, and so gain the rights of others: name only the verbs and resources that you need`,
  }));
};
