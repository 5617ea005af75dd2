import type { KubernetesObject } from "../../api/object.ts";
import type { KubeClient } from "../../kube/client.ts";
import { isForbidden } from "../../kube/error.ts";
import { EVENTS } from "../../kube/resource.ts";
import { type PodFailure, refusedPods } from "./pod-failure.ts";

interface CoreEvent extends KubernetesObject {
  message?: string;
  lastTimestamp?: string;
  eventTime?: string;
}

/**
 * Why a Job gets no Pod: a quota, a limit range, a policy or Pod security. Unlike a Deployment, a Job has no condition for
 * this, so only the Events of the Job controller have the API server's message. Undefined when there is none, or when the
 * operator's role does not allow the list.
 */
export async function findJobRefusal(
  client: Pick<KubeClient, "list">,
  { metadata }: KubernetesObject,
): Promise<PodFailure | undefined> {
  const { namespace = "", uid } = metadata;
  const fieldSelector = `involvedObject.uid=${uid},reason=FailedCreate`;
  const events = await client
    .list<CoreEvent>(EVENTS, { namespace, fieldSelector })
    .catch((error: unknown) => {
      if (isForbidden(error)) return undefined;
      throw error;
    });
  const [newest] = (events?.items ?? []).sort((a, b) => timeOf(b).localeCompare(timeOf(a)));
  if (newest?.message === undefined) return undefined;
  return refusedPods(newest.message.replace(/^Error creating: /, ""));
}

const timeOf = ({ lastTimestamp, eventTime, metadata }: CoreEvent): string =>
  lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? "";
