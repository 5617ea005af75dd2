import { isMap, listOf, textOf } from "../../api/object.ts";
import { isEmptyAccountSet } from "./account.ts";
import type { Rule } from "./fact.ts";
import { grantedIdentityRights, RBAC } from "./rbac-grant.ts";
import type { AdmissionInput, ReviewedObject } from "./request.ts";

/** A role may not let its holder act as another identity, or hand out more rights than the holder has. */
export const escalationRule: Rule = (input) => {
  const isRole = input.group === RBAC && ["roles", "clusterroles"].includes(input.resource);
  if (!isRole || input.operation === "DELETE") return [];
  return grantedIdentityRights(input.object?.rules).map(({ index, what }) => ({
    rule: "rbac-escalation",
    path: `rules[${index}]`,
    message: `the rule lets its holder ${what}, and so gain the rights of others; name only the verbs and resources that you need`,
  }));
};

/** The role that a RoleBinding names. */
export function roleRefOf({ roleRef }: ReviewedObject): { kind: string; name: string } {
  return isMap(roleRef)
    ? { kind: textOf(roleRef.kind), name: textOf(roleRef.name) }
    : { kind: "Role", name: "" };
}

/** Whether a request gives a role to subjects that do not hold it yet. */
export function isNewGrant({ group, resource, operation, object, oldObject }: AdmissionInput): boolean {
  if (group !== RBAC || resource !== "rolebindings" || operation === "DELETE" || object === undefined)
    return false;
  const subjects = (it: ReviewedObject | undefined) =>
    listOf(it?.subjects).map((subject) => JSON.stringify(subject));
  const held = new Set(subjects(oldObject));
  return oldObject === undefined || subjects(object).some((subject) => !held.has(subject));
}

/**
 * A RoleBinding may not let its subjects act as an account of others. Kubernetes' own roles `edit` and `admin` allow
 * impersonation in the namespace, and the API server sends no request to admission when a user impersonates.
 */
export const bindingRule: Rule = (input, facts) => {
  if (!isNewGrant(input) || isEmptyAccountSet(facts.foreignAccounts)) return [];
  const { kind, name } = roleRefOf(input.object ?? {});
  const violation = (message: string) => [{ rule: "rbac-escalation" as const, path: "roleRef", message }];
  if (facts.boundRules === undefined)
    return violation(
      `${kind} ${name} does not exist, so its rights are not known; add the role before you bind it`,
    );
  const [granted] = grantedIdentityRights(facts.boundRules, facts.foreignAccounts);
  return granted === undefined
    ? []
    : violation(
        `${kind} ${name} lets its holder ${granted.what}, and this namespace has an account of a Franchisee or an Organization that you do not belong to; bind a role without this right, or work in a namespace of your own`,
      );
};
