import type { KubernetesObject } from "../../api/object.ts";
import type { Pod } from "./pod.ts";
import { type Condition, isActive, isReady, type PodTemplate } from "./workload.ts";

export interface Job extends KubernetesObject {
  spec: {
    parallelism?: number;
    completions?: number;
    backoffLimit?: number;
    suspend?: boolean;
    activeDeadlineSeconds?: number;
    ttlSecondsAfterFinished?: number;
    completionMode?: string;
    podFailurePolicy?: object;
    successPolicy?: object;
    backoffLimitPerIndex?: number;
    managedBy?: string;
    template: PodTemplate;
  };
  status?: { startTime?: string; completionTime?: string; conditions?: Condition[] };
}

/** A Job's end and its reason, as its condition gives them. */
export interface JobEnd {
  kind: "end";
  type: "Complete" | "Failed";
  reason: string;
  message: string;
}

export type JobPlan =
  /** `create`: how many Pods to start now. */
  { kind: "run"; create: number } | { kind: "suspend" } | JobEnd;

const DEFAULT_BACKOFF_LIMIT = 6;

/** The first field of a Job that the runner does not support; undefined when it supports all of them. */
export function unsupportedInJob({ spec }: Job): string | undefined {
  if (spec.completionMode !== undefined && spec.completionMode !== "NonIndexed")
    return `spec.completionMode ${spec.completionMode}`;
  return (["podFailurePolicy", "successPolicy", "backoffLimitPerIndex"] as const)
    .filter((field) => spec[field] !== undefined)
    .map((field) => `spec.${field}`)[0];
}

/** What to do next for a Job that has not ended. */
export function planJob(job: Job, pods: readonly Pod[], now: Date): JobPlan {
  const {
    backoffLimit = DEFAULT_BACKOFF_LIMIT,
    suspend = false,
    parallelism = 1,
    activeDeadlineSeconds,
  } = job.spec;
  const { succeeded, failed, active } = countPods(pods);
  // Without completions, one success is enough: the Job starts no further Pod and ends when the running ones have ended.
  const completions = job.spec.completions ?? 1;
  const restarts = pods.reduce(
    (sum, pod) => sum + (pod.status?.containerStatuses?.[0]?.restartCount ?? 0),
    0,
  );
  if (succeeded >= completions && (job.spec.completions !== undefined || active === 0))
    return {
      kind: "end",
      type: "Complete",
      reason: "CompletionsReached",
      message: "Reached expected number of succeeded pods",
    };
  if (failed > backoffLimit || restarts > backoffLimit)
    return {
      kind: "end",
      type: "Failed",
      reason: "BackoffLimitExceeded",
      message: "Job has reached the specified backoff limit",
    };
  if (suspend) return { kind: "suspend" };
  if (deadlineInMs(job, now) === 0 && activeDeadlineSeconds !== undefined)
    return {
      kind: "end",
      type: "Failed",
      reason: "DeadlineExceeded",
      message: "Job was active longer than specified deadline",
    };
  const isOpen = job.spec.completions === undefined ? succeeded === 0 : true;
  const wanted =
    job.spec.completions === undefined ? parallelism : Math.min(parallelism, completions - succeeded);
  return { kind: "run", create: isOpen ? Math.max(0, wanted - active) : 0 };
}

export function countPods(pods: readonly Pod[]) {
  const inPhase = (phase: string) => pods.filter(({ status }) => status?.phase === phase).length;
  const active = pods.filter(isActive);
  return {
    active: active.length,
    ready: active.filter(isReady).length,
    succeeded: inPhase("Succeeded"),
    failed: inPhase("Failed"),
  };
}

/** Milliseconds until the Job's deadline: 0 when it has passed, undefined when the Job has none. */
export function deadlineInMs({ spec, status }: Job, now: Date): number | undefined {
  if (spec.activeDeadlineSeconds === undefined || status?.startTime === undefined) return undefined;
  return Math.max(0, Date.parse(status.startTime) + spec.activeDeadlineSeconds * 1000 - now.getTime());
}

/** Milliseconds until a finished Job expires; undefined when it never does. */
export function expiryInMs({ spec, status }: Job, now: Date): number | undefined {
  const ended = status?.conditions?.find(isEnd)?.lastTransitionTime;
  if (spec.ttlSecondsAfterFinished === undefined || ended === undefined) return undefined;
  return Math.max(0, Date.parse(ended) + spec.ttlSecondsAfterFinished * 1000 - now.getTime());
}

const isEnd = ({ type, status }: Condition) =>
  status === "True" && (type === "Complete" || type === "Failed");

export const hasEnded = ({ status }: Job): boolean => status?.conditions?.some(isEnd) === true;
