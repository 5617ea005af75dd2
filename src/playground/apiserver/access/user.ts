/** The user of a request, as `authentication.k8s.io/v1 UserInfo`. */
export interface UserInfo {
  username: string;
  uid?: string;
  groups: string[];
  extra?: Record<string, string[]>;
}

export const GROUP = {
  masters: "system:masters",
  authenticated: "system:authenticated",
  unauthenticated: "system:unauthenticated",
  serviceAccounts: "system:serviceaccounts",
} as const;

export const ANONYMOUS: UserInfo = { username: "system:anonymous", groups: [GROUP.unauthenticated] };

const SERVICE_ACCOUNT_PREFIX = "system:serviceaccount:";

export function serviceAccountUsername(namespace: string, name: string): string {
  return `${SERVICE_ACCOUNT_PREFIX}${namespace}:${name}`;
}

export function serviceAccountGroups(namespace: string): string[] {
  return [GROUP.serviceAccounts, `${GROUP.serviceAccounts}:${namespace}`];
}

/** The namespace and name in `system:serviceaccount:ns:name`, or undefined for any other user name. */
export function parseServiceAccountUsername(
  username: string,
): { namespace: string; name: string } | undefined {
  if (!username.startsWith(SERVICE_ACCOUNT_PREFIX)) return undefined;
  const parts = username.slice(SERVICE_ACCOUNT_PREFIX.length).split(":");
  const [namespace, name] = parts;
  return parts.length === 2 && namespace && name ? { namespace, name } : undefined;
}

/** `user` with `system:authenticated` among its groups, unless it is the anonymous one. */
export function asAuthenticated(user: UserInfo): UserInfo {
  if (user.username === ANONYMOUS.username) return user;
  if (user.groups.includes(GROUP.authenticated) || user.groups.includes(GROUP.unauthenticated)) return user;
  return { ...user, groups: [...user.groups, GROUP.authenticated] };
}
