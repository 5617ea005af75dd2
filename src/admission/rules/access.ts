import { LABEL } from "../../api/label.ts";
import { isMap } from "../../api/object.ts";
import type { Rule, Violation } from "./input.ts";

const RBAC = "rbac.authorization.k8s.io";

/** Rights that let their holder become somebody else. */
const ESCALATING_VERBS = ["impersonate", "escalate", "bind"];

const listOf = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);

/** A role may not hand out impersonation, escalation or binding. */
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
    const mints = listOf(rule.resources).some((resource) => resource === "serviceaccounts/token");
    return [
      ...verbs.map((verb) => ({
        rule: "rbac-escalation",
        path: `rules[${index}].verbs`,
        message: `${verb} would let its holder act as others: remove it`,
      })),
      ...(mints
        ? [
            {
              rule: "rbac-escalation",
              path: `rules[${index}].resources`,
              message: "serviceaccounts/token would let its holder act as others: remove it",
            },
          ]
        : []),
    ];
  });
};

/** Cluster-wide grants reach into every tenant's namespace: they are the platform's. */
export const clusterGrantRule: Rule = (input) =>
  input.group === RBAC && input.resource === "clusterrolebindings"
    ? [
        {
          rule: "rbac-cluster-grant",
          path: `clusterrolebindings/${input.name}`,
          message:
            "a ClusterRoleBinding reaches into every tenant: use a RoleBinding in a namespace of your own",
        },
      ]
    : [];

/** Nobody deletes by proxy: an owner reference to a foreign owner hands the object to the garbage collector. */
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
          message: `Organization ${organization} owns what is here: leave ownerReferences as they are`,
        },
      ];
};

/** Tokens of ServiceAccounts in the platform's namespaces are not for others. */
export const tokenRequestRule: Rule = (input, { platform }) =>
  input.resource === "serviceaccounts" &&
  input.subresource === "token" &&
  platform.serviceAccountNamespaces.includes(input.namespace)
    ? [
        {
          rule: "token-request",
          path: `serviceaccounts/${input.name}/token`,
          message: `tokens of ${input.namespace} are the platform's: use a ServiceAccount of your own`,
        },
      ]
    : [];
