import type { Condition } from "../../../src/api/condition.ts";

/** The status that Flux and Argo CD's generic health compute for an object. */
type Health = "Terminating" | "InProgress" | "Failed" | "Current";

interface Observed {
  metadata: { generation?: number | undefined; deletionTimestamp?: string | undefined };
  status?: {
    observedGeneration?: number | undefined;
    conditions?: readonly Pick<Condition, "type" | "status">[];
  };
}

/**
 * The rules of kstatus for an unknown kind, in its order: `checkGenericProperties` and `checkReadyCondition` of
 * fluxcd/cli-utils 1.2. An object without status is Current there.
 */
export function kstatusOf({ metadata, status = {} }: Observed): Health {
  const { observedGeneration, conditions = [] } = status;
  if (metadata.deletionTimestamp !== undefined) return "Terminating";
  if (observedGeneration !== undefined && observedGeneration !== metadata.generation) return "InProgress";
  for (const { type, status: is } of conditions) {
    if (type === "Reconciling" && is === "True") return "InProgress";
    if (type === "Stalled" && is === "True") return "Failed";
  }
  const ready = conditions.find(({ type }) => type === "Ready");
  return ready === undefined || ready.status === "True" ? "Current" : "InProgress";
}
