import { type IdentityLists, identityOf, serviceAccountOf } from "../../admission/rules/identity.ts";
import type { KubeClient } from "../../kube/client.ts";
import { readPerson } from "../../kube/self-review.ts";
import type { Check } from "./check.ts";

/** Checks whether the installing person counts as the platform. Otherwise admission refuses that person's next change. */
export async function checkIdentity(
  client: Pick<KubeClient, "create">,
  lists: IdentityLists,
): Promise<Check[]> {
  const { username, groups } = await readPerson(client);
  const { kind } = identityOf({ username, groups }, { franchises: [], isRunning: () => false }, lists);
  const area = "identity";
  if (kind === "platform") return [{ area, state: "ok", message: `you, ${username}, are the platform` }];
  return [
    {
      ...{ area, state: "problem" },
      message: `you, ${username}, are not the platform: admission will refuse your upgrades and the uninstall`,
      remedy: remedyFor({ username, groups }),
    },
  ];
}

/** OpenShift's group of administrators. */
const OPENSHIFT_ADMINISTRATORS = "system:cluster-admins";

/** Never offers groups of Kubernetes itself: `system:serviceaccounts` would make every Pod the platform. */
function remedyFor(person: { username: string; groups: string[] }): string {
  const account = serviceAccountOf(person);
  if (account !== undefined)
    return `name its namespace, if all accounts there are the platform's, in the chart's value platform.serviceAccountNamespaces, and here in --platform-service-account-namespaces: ${account.namespace}`;
  const own = person.groups.filter(
    (group) => !group.startsWith("system:") || group === OPENSHIFT_ADMINISTRATORS,
  );
  return own.length === 0
    ? "install as a member of a group, and name the group in the chart's value platform.groups"
    : `name one of your groups, if all its members are the platform's, in the chart's value platform.groups, and here in --platform-groups: ${own.join(", ")}`;
}
