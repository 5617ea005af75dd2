import { countPods, deadlineInMs, type Job, type JobEnd, type JobPlan } from "./job-plan.ts";
import type { Pod } from "./pod.ts";
import { type Condition, rfc3339 } from "./workload.ts";

/** A merge patch of a Job's status. */
type StatusPatch = Record<string, unknown>;

interface JobProgress {
  patch: StatusPatch;
  /** When the Job's deadline passes. */
  requeueAfterMs: number | undefined;
}

/** The status of a Job that runs or is suspended. */
export function progressStatus(
  job: Job,
  pods: readonly Pod[],
  plan: Exclude<JobPlan, JobEnd>,
  now: Date,
): JobProgress {
  const { active, ...counts } = countPods(pods);
  const isSuspended = plan.kind === "suspend";
  const conditions = suspensionConditions(job, isSuspended, now);
  const status = {
    ...counts,
    ...(plan.kind === "suspend" ? { active: 0, ready: 0 } : { active: active + plan.create }),
    // A resumed Job gets a new start time, so its deadline starts again.
    ...(isSuspended ? {} : { startTime: job.status?.startTime ?? rfc3339(now) }),
    ...(conditions.length === 0 ? {} : { conditions }),
  };
  const clearsStart = isSuspended && job.status?.startTime !== undefined;
  return {
    patch: clearsStart ? { ...status, startTime: null } : status,
    requeueAfterMs: isSuspended ? undefined : deadlineInMs({ ...job, status }, now),
  };
}

/**
 * The two status writes that end a Job. The API server requires both: the first says how the Job will end
 * (`SuccessCriteriaMet` or `FailureTarget`), the second that it has ended.
 */
export function endStatuses(
  job: Job,
  pods: readonly Pod[],
  { type, reason, message }: JobEnd,
  now: Date,
): [ending: StatusPatch, ended: StatusPatch] {
  const at = rfc3339(now);
  const condition = (name: string) => ({
    type: name,
    status: "True",
    reason,
    message,
    lastProbeTime: at,
    lastTransitionTime: at,
  });
  const { succeeded, failed, active } = countPods(pods);
  const status = {
    startTime: job.status?.startTime ?? at,
    active: 0,
    ready: 0,
    succeeded,
    failed: failed + (type === "Failed" ? active : 0),
  };
  const target = condition(type === "Complete" ? "SuccessCriteriaMet" : "FailureTarget");
  const others = (job.status?.conditions ?? []).filter(
    (known) => known.type !== target.type && known.type !== type,
  );
  return [
    { ...status, conditions: [...others, target] },
    {
      ...status,
      ...(type === "Complete" ? { completionTime: at } : {}),
      conditions: [...others, target, condition(type)],
    },
  ];
}

/** A Job has the condition Suspended from its first suspension on. */
function suspensionConditions(job: Job, isSuspended: boolean, now: Date): Condition[] {
  const known = job.status?.conditions ?? [];
  const others = known.filter(({ type }) => type !== "Suspended");
  const before = known.find(({ type }) => type === "Suspended");
  if (before === undefined && !isSuspended) return others;
  const status = isSuspended ? "True" : "False";
  if (before?.status === status) return known;
  const at = rfc3339(now);
  return [
    ...others,
    {
      type: "Suspended",
      status,
      reason: isSuspended ? "JobSuspended" : "JobResumed",
      message: isSuspended ? "Job suspended" : "Job resumed",
      ...{ lastProbeTime: at },
      lastTransitionTime: at,
    },
  ];
}
