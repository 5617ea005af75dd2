import { isDeepStrictEqual } from "node:util";
import { forbiddenBecause, notFound } from "../refusal.ts";
import type { Authorizer } from "./authorization.ts";
import { compactRules, describeRule, type PolicyRule, uncoveredRules } from "./policy-rule.ts";
import type { RbacObject } from "./rbac-index.ts";
import { GROUP, type UserInfo } from "./user.ts";

const RBAC_GROUP = "rbac.authorization.k8s.io";
const FULL_AUTHORITY: PolicyRule[] = [
  { verbs: ["*"], apiGroups: ["*"], resources: ["*"] },
  { verbs: ["*"], nonResourceURLs: ["*"] },
];

export interface RoleWrite {
  user: UserInfo;
  resource: "roles" | "clusterroles" | "rolebindings" | "clusterrolebindings";
  /** Empty for the cluster-scoped two. */
  namespace: string;
  object: RbacObject;
  /** The stored object, for an update. */
  oldObject?: RbacObject | undefined;
}

/**
 * Refuses (403) a write with which a user would grant rights that the user lacks: roles need `escalate` or every right
 * in them, bindings need `bind` or every right of the role. Finalizers and owner references may change freely, so that
 * the garbage collector needs no rights of its own.
 */
export function checkRoleWrite(authorizer: Authorizer, write: RoleWrite): void {
  const { user, resource, namespace, object, oldObject } = write;
  if (user.groups.includes(GROUP.masters)) return;
  const name = object.metadata?.name ?? "";
  const may = (verb: string, target: string, targetName: string) =>
    authorizer.authorize({ user, verb, group: RBAC_GROUP, resource: target, namespace, name: targetName })
      .allowed;
  const isRole = resource === "roles" || resource === "clusterroles";
  if (isRole && may("escalate", resource, oldObject === undefined ? "" : name)) return;
  if (oldObject !== undefined && onlyCollectorFieldsDiffer(object, oldObject)) return;

  if (isRole) {
    const rules = (object.rules as PolicyRule[] | undefined) ?? [];
    confirmCovered(authorizer, write, rules);
    const aggregates = hasAggregation(object) || (oldObject !== undefined && hasAggregation(oldObject));
    if (aggregates && uncoveredRules(authorizer.rulesFor(user, namespace), FULL_AUTHORITY).length > 0) {
      throw forbiddenBecause(
        { group: RBAC_GROUP, plural: resource },
        name,
        "must have cluster-admin privileges to use the aggregationRule",
      );
    }
    return;
  }

  const ref = object.roleRef as { kind: string; name: string };
  if (may("bind", ref.kind === "ClusterRole" ? "clusterroles" : "roles", ref.name)) return;
  const rules = authorizer.roleRules(ref, namespace);
  if (rules === undefined) {
    // Kubernetes names the binding's resource here, with the role's name.
    throw notFound({ group: RBAC_GROUP, plural: resource }, ref.name);
  }
  confirmCovered(authorizer, write, rules);
}

function confirmCovered(authorizer: Authorizer, write: RoleWrite, wanted: readonly PolicyRule[]): void {
  const { user, namespace, resource, object } = write;
  const missing = uncoveredRules(authorizer.rulesFor(user, namespace), wanted);
  if (missing.length === 0) return;
  const lines = [...new Set(compactRules(missing).map(describeRule))].sort();
  const groups = user.groups.map((group) => JSON.stringify(group)).join(" ");
  throw forbiddenBecause(
    { group: RBAC_GROUP, plural: resource },
    object.metadata?.name ?? "",
    `user ${JSON.stringify(user.username)} (groups=[${groups}]) is attempting to grant RBAC permissions not currently held:\n${lines.join("\n")}`,
  );
}

function hasAggregation(role: RbacObject): boolean {
  const rule = role.aggregationRule as { clusterRoleSelectors?: unknown[] } | undefined;
  return (rule?.clusterRoleSelectors?.length ?? 0) > 0;
}

function onlyCollectorFieldsDiffer(object: RbacObject, oldObject: RbacObject): boolean {
  const strip = ({ metadata, ...rest }: RbacObject) => {
    const { ownerReferences, finalizers, managedFields, ...kept } = (metadata ?? {}) as Record<
      string,
      unknown
    >;
    return { ...rest, metadata: kept };
  };
  return isDeepStrictEqual(strip(object), strip(oldObject));
}
