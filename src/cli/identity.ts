import type { KubernetesObject } from "../api/object.ts";
import type { KubeClient } from "../kube/client.ts";
import { SELF_SUBJECT_REVIEWS } from "../kube/resource.ts";

/** The name by which the API server knows the person. */
export async function whoAmI(client: KubeClient): Promise<string> {
  const { status } = await client.create<
    KubernetesObject & { status?: { userInfo?: { username?: string } } }
  >(SELF_SUBJECT_REVIEWS, {
    apiVersion: "authentication.k8s.io/v1",
    kind: "SelfSubjectReview",
    metadata: { name: "" },
  });
  return status?.userInfo?.username ?? "";
}
