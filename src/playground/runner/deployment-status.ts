import type { Pod } from "./pod.ts";
import { availableInMs, type Condition, type Deployment, isActive, isReady, rfc3339 } from "./workload.ts";

export interface ObservedPods {
  current: readonly Pod[];
  old: readonly Pod[];
}

export interface DeploymentReport {
  /** Of the status subresource, conditions included. */
  status: { conditions: Condition[]; [member: string]: unknown };
  /** When there may be something new to say without a change of anything; undefined: then only. */
  lookAgainMs: number | undefined;
}

const DEFAULT_DEADLINE_SECONDS = 600;

/** What a Deployment's status says of its Pods, in the words of Kubernetes. */
export function deploymentReport(
  deployment: Deployment,
  observed: ObservedPods,
  now: Date,
): DeploymentReport {
  const { replicas: wanted = 1, minReadySeconds = 0, paused = false } = deployment.spec;
  const current = observed.current.filter(isActive);
  const alive = [...current, ...observed.old.filter(isActive)];
  const waits = alive.map((pod) => availableInMs(pod, minReadySeconds, now.getTime()));
  const available = waits.filter((wait) => wait === 0).length;
  const counts = {
    observedGeneration: deployment.metadata.generation,
    replicas: alive.length,
    updatedReplicas: current.length,
    readyReplicas: alive.filter(isReady).length,
    availableReplicas: available,
    unavailableReplicas: Math.max(0, wanted - available),
  };
  const isDone = current.length === alive.length && available === wanted && current.length === wanted;
  const { conditions: known = [], ...before } = (deployment.status ?? {}) as Record<string, unknown> & {
    conditions?: Condition[];
  };
  const hasMoved = Object.entries(counts).some(([name, value]) => (before[name] ?? 0) !== (value ?? 0));
  const progress = progressOf({ deployment, known, isDone, hasMoved, paused, now });
  const isAvailable = available >= wanted;
  const stamped = [
    {
      type: "Available",
      status: isAvailable ? "True" : "False",
      reason: isAvailable ? "MinimumReplicasAvailable" : "MinimumReplicasUnavailable",
      message: `${available} of ${wanted} replicas are available`,
    },
    progress.condition,
  ].map((condition) => withTimes(condition, known, hasMoved, rfc3339(now)));
  const pending = waits.filter((wait): wait is number => wait !== undefined && wait > 0);
  const again = [...pending, ...(progress.leftMs === undefined ? [] : [progress.leftMs])];
  return {
    status: { ...counts, conditions: stamped },
    lookAgainMs: again.length === 0 ? undefined : Math.min(...again),
  };
}

interface Progress {
  deployment: Deployment;
  known: readonly Condition[];
  isDone: boolean;
  hasMoved: boolean;
  paused: boolean;
  now: Date;
}

function progressOf({ deployment, known, isDone, hasMoved, paused, now }: Progress): {
  condition: Condition;
  /** Until the deadline; undefined where none runs. */
  leftMs?: number;
} {
  const say = (status: string, reason: string, message: string) => ({
    condition: { type: "Progressing", status, reason, message },
  });
  if (isDone) return say("True", "NewReplicaSetAvailable", "the rollout is complete");
  if (paused) return say("Unknown", "DeploymentPaused", "Deployment is paused");
  const seconds = deployment.spec.progressDeadlineSeconds ?? DEFAULT_DEADLINE_SECONDS;
  const before = known.find(({ type }) => type === "Progressing");
  const wasMoving = before?.reason === "ReplicaSetUpdated" || before?.reason === "ProgressDeadlineExceeded";
  const since = wasMoving && !hasMoved ? Date.parse(before?.lastUpdateTime ?? "") : now.getTime();
  const leftMs = since + seconds * 1000 - now.getTime();
  if (leftMs <= 0 || (before?.reason === "ProgressDeadlineExceeded" && !hasMoved))
    return say("False", "ProgressDeadlineExceeded", `nothing has moved for ${seconds} s`);
  return { ...say("True", "ReplicaSetUpdated", "the rollout goes on"), leftMs };
}

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
