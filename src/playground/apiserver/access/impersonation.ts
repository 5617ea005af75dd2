import type { IncomingHttpHeaders } from "node:http";
import { StatusError } from "../status.ts";
import { type Authorizer, forbidden, type ResourceAttributes } from "./authorization.ts";
import {
  ANONYMOUS,
  GROUP,
  parseServiceAccountUsername,
  serviceAccountGroups,
  type UserInfo,
} from "./user.ts";

const EXTRA_PREFIX = "impersonate-extra-";

/**
 * The user that a request impersonates, or its sender if it impersonates no user. The authorizer checks each user,
 * group, uid and extra value separately (verb `impersonate`). The first one that is not allowed causes a 403. The
 * narrower `impersonate-on:…` verbs of newer clusters allow nothing here.
 */
export function impersonatedUser(
  requestor: UserInfo,
  headers: IncomingHttpHeaders,
  authorizer: Authorizer,
): UserInfo {
  const username = first(headers["impersonate-user"]);
  const uid = first(headers["impersonate-uid"]);
  const groups = many(headers["impersonate-group"]);
  const extra = extraHeaders(headers);
  if (!username) {
    if (groups.length > 0 || uid || extra.length > 0) {
      const asked = JSON.stringify({ groups, extra: Object.fromEntries(extra), uid });
      throw new StatusError(400, "BadRequest", `requested ${asked} without impersonating a user name`);
    }
    return requestor;
  }

  const confirm = (attributes: Omit<ResourceAttributes, "user" | "verb">) => {
    const asked: ResourceAttributes = { user: requestor, verb: "impersonate", ...attributes };
    const decision = authorizer.authorize(asked);
    if (!decision.allowed) throw forbidden(asked, decision.reason);
  };

  const account = parseServiceAccountUsername(username);
  if (account === undefined) confirm({ group: "", resource: "users", name: username });
  else confirm({ group: "", resource: "serviceaccounts", namespace: account.namespace, name: account.name });
  for (const group of groups) confirm({ group: "", resource: "groups", name: group });
  for (const [key, values] of extra) {
    for (const name of values) {
      confirm({ group: "authentication.k8s.io", resource: "userextras", subresource: key, name });
    }
  }
  if (uid) confirm({ group: "authentication.k8s.io", resource: "uids", name: uid });

  const held = groups.length > 0 || account === undefined ? groups : serviceAccountGroups(account.namespace);
  return {
    username,
    ...(uid ? { uid } : {}),
    groups: withPresenceGroup(username, held),
    ...(extra.length === 0 ? {} : { extra: Object.fromEntries(extra) }),
  };
}

/** An impersonated user counts as authenticated unless its groups already say one or the other. */
function withPresenceGroup(username: string, groups: string[]): string[] {
  if (username === ANONYMOUS.username) {
    return groups.includes(GROUP.unauthenticated) ? groups : [...groups, GROUP.unauthenticated];
  }
  const isStated = groups.includes(GROUP.authenticated) || groups.includes(GROUP.unauthenticated);
  return isStated ? groups : [...groups, GROUP.authenticated];
}

function extraHeaders(headers: IncomingHttpHeaders): [string, string[]][] {
  return Object.entries(headers)
    .filter(([name]) => name.startsWith(EXTRA_PREFIX))
    .map(([name, value]) => [unescapeKey(name.slice(EXTRA_PREFIX.length)), many(value)]);
}

function unescapeKey(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}

function first(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

/**
 * Node joins repeated headers with ", ", which no group name of ours contains. A caller that wants groups
 * with commas passes `headersDistinct`, whose values are arrays.
 */
function many(value: string | string[] | undefined): string[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : value.split(", ").filter((item) => item !== "");
}
