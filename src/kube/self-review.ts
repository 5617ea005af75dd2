import type { KubernetesObject } from "../api/object.ts";
import type { KubeClient } from "./client.ts";
import { SELF_SUBJECT_REVIEWS } from "./resource.ts";

/** The name and the groups of the client's user, as the API server authenticated it. */
export async function readPerson(
  client: Pick<KubeClient, "create">,
): Promise<{ username: string; groups: string[] }> {
  const { status } = await client.create<
    KubernetesObject & { status?: { userInfo?: { username?: string; groups?: string[] } } }
  >(SELF_SUBJECT_REVIEWS, {
    apiVersion: "authentication.k8s.io/v1",
    kind: "SelfSubjectReview",
    metadata: { name: "" },
  });
  const { username = "", groups = [] } = status?.userInfo ?? {};
  return { username, groups };
}

export const whoAmI = async (client: Pick<KubeClient, "create">): Promise<string> =>
  (await readPerson(client)).username;
