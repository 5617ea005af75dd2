import { NODE_NAME } from "./node.ts";
import type { Pod } from "./pod.ts";
import { rfc3339 } from "./workload.ts";

/** The status of a Pod that names no node; undefined when its status says so already. */
export function unscheduledStatus(pod: Pod, now: Date): { message: string; status: object } | undefined {
  if (pod.status?.conditions?.some(({ type }) => type === "PodScheduled")) return undefined;
  const message = `the playground has no scheduler: set spec.nodeName to ${NODE_NAME}`;
  const condition = {
    type: "PodScheduled",
    status: "False",
    reason: "Unschedulable",
    message,
    lastTransitionTime: rfc3339(now),
  };
  return { message, status: { phase: "Pending", conditions: [condition] } };
}
