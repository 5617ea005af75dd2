import { forbiddenBecause } from "../refusal.ts";
import { StatusError } from "../status.ts";
import { type PolicyRule, ruleAllowsPath, ruleAllowsResource } from "./policy-rule.ts";
import {
  buildRbacIndex,
  groupKey,
  type RbacIndex,
  type RbacObject,
  type RbacResource,
  userKey,
} from "./rbac-index.ts";
import { GROUP, type UserInfo } from "./user.ts";

/** The action of a request, on a resource or on another path. */
export type Attributes = ResourceAttributes | PathAttributes;

export interface ResourceAttributes {
  user: UserInfo;
  verb: string;
  /** Empty for the core group. */
  group: string;
  resource: string;
  subresource?: string;
  /** Empty or absent for cluster-scoped resources and for all namespaces. */
  namespace?: string;
  /** Empty or absent for collections and creates. */
  name?: string;
}

interface PathAttributes {
  user: UserInfo;
  /** The HTTP method in lower case. */
  verb: string;
  path: string;
}

export interface Decision {
  allowed: boolean;
  /** The binding that allowed the request. Empty for a denial, because RBAC gives no reason. */
  reason: string;
}

export interface AuthorizerDeps {
  list(resource: RbacResource): Iterable<RbacObject>;
  /** Changes with every change of an RBAC object, and only then. The index is then rebuilt. */
  version(): number | string;
}

export interface Authorizer {
  authorize(attributes: Attributes): Decision;
  /** All rules that apply to a user in a namespace. With an empty namespace, only cluster-wide rules. */
  rulesFor(user: UserInfo, namespace: string): PolicyRule[];
  /** The rules behind a roleRef, undefined when there is no such role. */
  roleRules(ref: { kind: string; name: string }, namespace: string): readonly PolicyRule[] | undefined;
}

/** RBAC as in Kubernetes: rules only allow, and `system:masters` may do everything. */
export function createAuthorizer(deps: AuthorizerDeps): Authorizer {
  let index: RbacIndex | undefined;
  let builtFor: number | string | undefined;

  function currentIndex(): RbacIndex {
    const version = deps.version();
    if (index === undefined || version !== builtFor) {
      index = buildRbacIndex(deps.list);
      builtFor = version;
    }
    return index;
  }

  return {
    authorize(attributes) {
      const { user, verb } = attributes;
      if (user.groups.includes(GROUP.masters)) return { allowed: true, reason: "" };
      const namespace = "path" in attributes ? "" : (attributes.namespace ?? "");
      for (const grant of currentIndex().grants(subjectKeys(user), namespace)) {
        for (const rule of grant.rules) {
          const allows =
            "path" in attributes
              ? ruleAllowsPath(rule, verb, attributes.path)
              : ruleAllowsResource(
                  rule,
                  verb,
                  attributes.group,
                  attributes.resource,
                  attributes.subresource ?? "",
                  attributes.name ?? "",
                );
          if (allows) return { allowed: true, reason: `RBAC: allowed by ${grant.source}` };
        }
      }
      return { allowed: false, reason: "" };
    },

    rulesFor(user, namespace) {
      const rules: PolicyRule[] = [];
      for (const grant of currentIndex().grants(subjectKeys(user), namespace)) rules.push(...grant.rules);
      return rules;
    },

    roleRules(ref, namespace) {
      return ref.kind === "ClusterRole"
        ? currentIndex().clusterRoleRules(ref.name)
        : currentIndex().roleRules(namespace, ref.name);
    },
  };
}

function subjectKeys(user: UserInfo): string[] {
  return [userKey(user.username), ...user.groups.map(groupKey)];
}

/** The 403 of a request that the authorizer does not allow. */
export function forbidden(attributes: Attributes, reason = ""): StatusError {
  const user = JSON.stringify(attributes.user.username);
  const suffix = reason === "" ? "" : `: ${reason}`;
  if ("path" in attributes) {
    const text = escapeMarkup(
      `User ${user} cannot ${attributes.verb} path ${JSON.stringify(attributes.path)}`,
    );
    return new StatusError(403, "Forbidden", `forbidden: ${text}${suffix}`, {});
  }
  const { verb, group, resource, subresource, namespace, name } = attributes;
  const target = subresource ? `${resource}/${subresource}` : resource;
  const where = namespace ? `in the namespace ${JSON.stringify(namespace)}` : "at the cluster scope";
  const text = escapeMarkup(
    `User ${user} cannot ${verb} resource ${JSON.stringify(target)} in API group ${JSON.stringify(group)} ${where}`,
  );
  return forbiddenBecause({ group, plural: resource }, name ?? "", `${text}${suffix}`);
}

// Messages that echo a client's text must not look like HTML to a browser.
function escapeMarkup(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
