import { type IdentityLists, identityLists } from "../admission/rules/identity.ts";
import type { EnvReader } from "../platform/env.ts";
import { UsageError } from "../platform/errors.ts";

/** Everyone can be anonymous, and a tenant makes ServiceAccounts. The platform's are listed by their namespaces. */
const NEVER_CONTROL_PLANE = ["system:anonymous", "system:serviceaccount:"];

/** Groups of everyone, of all accounts, and of every user of OpenShift's or Rancher's login. */
export const GROUPS_OF_EVERYONE = [
  "system:authenticated",
  "system:unauthenticated",
  "system:serviceaccounts",
  "system:authenticated:oauth",
  "system:cattle:authenticated",
];

/** The identities that the flags or variables add to the built-in ones. */
export function readIdentityLists(reader: EnvReader): IdentityLists {
  const prefixes = "CONTROL_PLANE_USER_PREFIXES";
  const groups = "PLATFORM_GROUPS";
  return identityLists({
    platformGroups: reader.list(groups).map((group) => parsePlatformGroup(group, reader.nameOf(groups))),
    platformNamespaces: reader.list("PLATFORM_SERVICE_ACCOUNT_NAMESPACES"),
    controlPlanePrefixes: reader.list(prefixes).map((text) => parseUserPrefix(text, reader.nameOf(prefixes))),
    controllerNamespaces: reader.list("CONTROLLER_NAMESPACES"),
  });
}

/** One such group would exempt every user of the cluster from admission, and give them the platform's rights. */
function parsePlatformGroup(group: string, name: string): string {
  if (GROUPS_OF_EVERYONE.includes(group))
    throw new UsageError(
      `${name} must not list ${group}: anyone can be in it; list a group of administrators`,
    );
  return group;
}

/** A shorter beginning would include names of people. */
const MIN_PREFIX_LENGTH = 4;

function parseUserPrefix(text: string, name: string): string {
  const isTooWide = NEVER_CONTROL_PLANE.some((user) => user.startsWith(text) || text.startsWith(user));
  if (text.length < MIN_PREFIX_LENGTH || isTooWide)
    throw new UsageError(
      `${name} must list beginnings of at least ${MIN_PREFIX_LENGTH} characters that include no ServiceAccount and not system:anonymous, for example eks:`,
    );
  return text;
}
