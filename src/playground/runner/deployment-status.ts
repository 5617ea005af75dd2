import type { Pod } from "./pod.ts";
import { availableInMs, type Condition, type Deployment, isActive, isReady, rfc3339 } from "./workload.ts";

export interface ObservedPods {
  current: readonly Pod[];
  old: readonly Pod[];
}

export interface DeploymentReport {
  /** The new status, with its conditions. */
  status: { conditions: Condition[]; [member: string]: unknown };
  /** The time after which the report can change without an event. Undefined when it cannot. */
  requeueAfterMs: number | undefined;
}

const DEFAULT_DEADLINE_SECONDS = 600;

/** The status that Kubernetes would write for a Deployment with these Pods. */
export function deploymentReport(
  deployment: Deployment,
  observed: ObservedPods,
  now: Date,
): DeploymentReport {
  const { replicas: wanted = 1, minReadySeconds = 0, paused = false } = deployment.spec;
  const current = observed.current.filter(isActive);
  const active = [...current, ...observed.old.filter(isActive)];
  const waits = active.map((pod) => availableInMs(pod, minReadySeconds, now.getTime()));
  const available = waits.filter((wait) => wait === 0).length;
  const counts = {
    observedGeneration: deployment.metadata.generation,
    replicas: active.length,
    updatedReplicas: current.length,
    readyReplicas: active.filter(isReady).length,
    availableReplicas: available,
    unavailableReplicas: Math.max(0, wanted - available),
  };
  const isDone = current.length === active.length && available === wanted && current.length === wanted;
  const { conditions: known = [], ...before } = (deployment.status ?? {}) as Record<string, unknown> & {
    conditions?: Condition[];
  };
  const hasMoved = Object.entries(counts).some(([name, value]) => (before[name] ?? 0) !== (value ?? 0));
  const progress = progressOf({ deployment, known, isDone, hasMoved, paused, now });
  const isAvailable = available >= wanted;
  const conditions = [
    {
      type: "Available",
      status: isAvailable ? "True" : "False",
      reason: isAvailable ? "MinimumReplicasAvailable" : "MinimumReplicasUnavailable",
      message: `${available} of ${wanted} replicas are available`,
    },
    progress.condition,
  ].map((condition) => withTimes(condition, known, hasMoved, rfc3339(now)));
  const pending = waits.filter((wait): wait is number => wait !== undefined && wait > 0);
  const changes = [...pending, ...(progress.leftMs === undefined ? [] : [progress.leftMs])];
  return {
    status: { ...counts, conditions },
    requeueAfterMs: changes.length === 0 ? undefined : Math.min(...changes),
  };
}

interface Progress {
  deployment: Deployment;
  known: readonly Condition[];
  isDone: boolean;
  /** Whether a count differs from the status before. */
  hasMoved: boolean;
  paused: boolean;
  now: Date;
}

function progressOf({ deployment, known, isDone, hasMoved, paused, now }: Progress): {
  condition: Condition;
  /** Until the progress deadline; undefined when none applies. */
  leftMs?: number;
} {
  const progressing = (status: string, reason: string, message: string) => ({
    condition: { type: "Progressing", status, reason, message },
  });
  if (isDone) return progressing("True", "NewReplicaSetAvailable", "the rollout is complete");
  if (paused) return progressing("Unknown", "DeploymentPaused", "Deployment is paused");
  const seconds = deployment.spec.progressDeadlineSeconds ?? DEFAULT_DEADLINE_SECONDS;
  const before = known.find(({ type }) => type === "Progressing");
  const wasMoving = before?.reason === "ReplicaSetUpdated" || before?.reason === "ProgressDeadlineExceeded";
  const since = wasMoving && !hasMoved ? Date.parse(before?.lastUpdateTime ?? "") : now.getTime();
  const leftMs = since + seconds * 1000 - now.getTime();
  if (leftMs <= 0 || (before?.reason === "ProgressDeadlineExceeded" && !hasMoved))
    return progressing("False", "ProgressDeadlineExceeded", `the rollout made no progress for ${seconds} s`);
  return { ...progressing("True", "ReplicaSetUpdated", "the rollout is in progress"), leftMs };
}

/** Keeps the times of a condition that stays the same, as Kubernetes does. */
function withTimes(
  condition: Condition,
  known: readonly Condition[],
  hasMoved: boolean,
  at: string,
): Condition {
  const before = known.find(({ type }) => type === condition.type);
  const isSame = before?.status === condition.status && before.reason === condition.reason;
  return {
    ...condition,
    lastUpdateTime: isSame && !hasMoved ? (before.lastUpdateTime ?? at) : at,
    lastTransitionTime: before?.status === condition.status ? (before.lastTransitionTime ?? at) : at,
  };
}
