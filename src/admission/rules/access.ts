import { LABEL } from "../../api/label.ts";
import { isMap } from "../../api/object.ts";
import { objectPath, type Rule, type Violation } from "./input.ts";

const RBAC = "rbac.authorization.k8s.io";

/** Verbs that let their holder gain the rights of others. */
const ESCALATING_VERBS = ["impersonate", "escalate", "bind"];

const listOf = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);

/** A role may not grant impersonation, escalation, binding or tokens of ServiceAccounts. */
export const escalationRule: Rule = (input) => {
  if (
    input.group !== RBAC ||
    !["roles", "clusterroles"].includes(input.resource) ||
    input.operation === "DELETE"
  )
    return [];
  const rules = Array.isArray(input.object?.rules) ? input.object.rules : [];
  return rules.flatMap((rule: unknown, index): Violation[] => {
    if (!isMap(rule)) return [];
    const verbs = listOf(rule.verbs).filter((verb) => ESCALATING_VERBS.includes(verb));
    const grantsTokens = listOf(rule.resources).includes("serviceaccounts/token");
    return [
      ...verbs.map(
        (verb): Violation => ({
          rule: "rbac-escalation",
          path: `rules[${index}].verbs`,
          message: `the verb ${verb} lets its holder gain the rights of others: remove it`,
        }),
      ),
      ...(grantsTokens
        ? [
            {
              rule: "rbac-escalation",
              path: `rules[${index}].resources`,
              message: "serviceaccounts/token lets its holder act as ServiceAccounts: remove it",
            } as const,
          ]
        : []),
    ];
  });
};

/** A ClusterRoleBinding grants rights in every tenant's namespace, so only the platform may write one. */
export const clusterGrantRule: Rule = (input) =>
  input.group === RBAC && input.resource === "clusterrolebindings"
    ? [
        {
          rule: "rbac-cluster-grant",
          path: objectPath(input),
          message:
            "only the platform may write ClusterRoleBindings, because they grant rights in every namespace: use a RoleBinding in your own namespace",
        },
      ]
    : [];

/**
 * An owner reference to an owner elsewhere makes the garbage collector delete the object. In an Organization's namespaces,
 * only its members may set one.
 */
export const ownerReferenceRule: Rule = (input, { namespaceLabels, memberships }) => {
  const organization = namespaceLabels[LABEL.organization];
  if (organization === undefined || input.operation === "DELETE") return [];
  if (memberships.some(({ metadata }) => metadata.name === organization)) return [];
  return JSON.stringify(input.object?.metadata?.ownerReferences) ===
    JSON.stringify(input.oldObject?.metadata?.ownerReferences)
    ? []
    : [
        {
          rule: "owner-reference",
          path: "metadata.ownerReferences",
          message: "only members of the namespace's Organization may change this field: leave it unchanged",
        },
      ];
};

/** Tokens of the platform's ServiceAccounts are for the platform only. */
export const tokenRequestRule: Rule = (input, { platform }) =>
  input.resource === "serviceaccounts" &&
  input.subresource === "token" &&
  platform.serviceAccountNamespaces.includes(input.namespace)
    ? [
        {
          rule: "token-request",
          path: `${objectPath(input)}/token`,
          message: `only the platform may request tokens for ServiceAccounts in namespace ${input.namespace}: use a ServiceAccount in your own namespace`,
        },
      ]
    : [];
