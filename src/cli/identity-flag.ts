import { type IdentityLists, identityLists } from "../admission/rules/identity.ts";
import type { EnvReader } from "../platform/env.ts";
import { UsageError } from "../platform/errors.ts";

/** Everyone can be anonymous, and a tenant makes ServiceAccounts. The platform's are listed by their namespaces. */
const NEVER_CONTROL_PLANE = ["system:anonymous", "system:serviceaccount:"];

/** The identities that the flags or variables add to the built-in ones. */
export function readIdentityLists(reader: EnvReader): IdentityLists {
  const prefixes = "CONTROL_PLANE_USER_PREFIXES";
  return identityLists({
    platformGroups: reader.list("PLATFORM_GROUPS"),
    platformNamespaces: reader.list("PLATFORM_SERVICE_ACCOUNT_NAMESPACES"),
    controlPlanePrefixes: reader.list(prefixes).map((text) => parseUserPrefix(text, reader.nameOf(prefixes))),
    controllerNamespaces: reader.list("CONTROLLER_NAMESPACES"),
  });
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
