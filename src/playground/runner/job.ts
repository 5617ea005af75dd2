import type { KubeClient } from "../../kube/client.ts";
import { isAlreadyExists } from "../../kube/error.ts";
import type { EventRecorder } from "../../kube/event.ts";
import type { Informer } from "../../kube/informer.ts";
import { type Outcome, type Watch, watchInformer, watchPrimary } from "../../kube/reconcile.ts";
import { JOBS, PODS } from "../../kube/resource.ts";
import {
  countPods,
  deadlineInMs,
  expiryInMs,
  hasEnded,
  type Job,
  type JobPlan,
  planJob,
  suspensionConditions,
  unsupportedInJob,
} from "./job-status.ts";
import { NODE_NAME } from "./kubelet.ts";
import type { Pod } from "./pod.ts";
import { controllerReference, isActive, isSameStatus, ownerKeys, rfc3339 } from "./workload.ts";

export interface JobDeps {
  client: KubeClient;
  jobs: Informer<Job>;
  pods: Informer<Pod>;
  events: EventRecorder;
  now: () => Date;
}

/** Jobs: Pods under names of their own numbers, so that two lookers never start one twice. */
export function createJobReconciler({ client, jobs, pods, events, now }: JobDeps) {
  return async function reconcile(key: string): Promise<Outcome> {
    const job = jobs.get(key);
    if (job === undefined || job.metadata.deletionTimestamp !== undefined) return { kind: "done" };
    if (hasEnded(job)) return clearAway(job);
    const own = pods
      .list()
      .filter(({ metadata }) => metadata.ownerReferences?.some(({ uid }) => uid === job.metadata.uid));
    const unsupported = unsupportedInJob(job);
    if (unsupported !== undefined) {
      const message = `the playground's runner does not know ${unsupported}`;
      events.record(job, "Warning", "Unsupported", message);
      return end(job, own, { kind: "end", type: "Failed", reason: "Unsupported", message });
    }
    const plan = planJob(job, own, now());
    if (plan.kind === "end") return end(job, own, plan);
    if (plan.kind === "suspend") await deleteActive(own);
    else
      for (let count = 0; count < plan.create; count += 1) await createPod(job, nextNumber(job, own) + count);
    return writeProgress(job, own, plan);
  };

  async function writeProgress(job: Job, own: Pod[], plan: JobPlan): Promise<Outcome> {
    const { active, ...counts } = countPods(own);
    const isSuspended = plan.kind === "suspend";
    const conditions = suspensionConditions(job, isSuspended, now());
    const status = {
      ...counts,
      ...(isSuspended
        ? { active: 0, ready: 0 }
        : { active: active + (plan.kind === "run" ? plan.create : 0) }),
      // A Job that goes on after a pause begins anew: so does its deadline.
      ...(isSuspended ? {} : { startTime: job.status?.startTime ?? rfc3339(now()) }),
      ...(conditions.length === 0 ? {} : { conditions }),
    };
    const patch =
      isSuspended && job.status?.startTime !== undefined ? { ...status, startTime: null } : status;
    if (!isSameStatus(job.status ?? {}, patch)) await write(job, patch);
    const leftMs = isSuspended ? undefined : deadlineInMs({ ...job, status }, now());
    return leftMs === undefined ? { kind: "done" } : { kind: "done", requeueAfterMs: leftMs };
  }

  /** As it was seen: a stale look at a Job must neither end it twice nor forget when it began. */
  function write(job: Job, status: object): Promise<Job> {
    const { resourceVersion } = job.metadata;
    return client.mergePatch<Job>(JOBS, job.metadata, { metadata: { resourceVersion }, status }, "status");
  }

  async function createPod(job: Job, number: number): Promise<void> {
    const { template } = job.spec;
    const labels = {
      ...template.metadata?.labels,
      "batch.kubernetes.io/job-name": job.metadata.name,
      "job-name": job.metadata.name,
    };
    try {
      await client.create<Pod>(PODS, {
        apiVersion: "v1",
        kind: "Pod",
        metadata: {
          name: `${job.metadata.name}-${number}`,
          namespace: job.metadata.namespace ?? "",
          labels,
          ownerReferences: [controllerReference(job)],
        },
        spec: { ...template.spec, nodeName: NODE_NAME },
      });
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
  }

  async function deleteActive(own: Pod[]): Promise<void> {
    for (const { metadata } of own.filter(isActive))
      await client.delete(PODS, metadata, { uid: metadata.uid ?? "" });
  }

  async function end(
    job: Job,
    own: Pod[],
    { type, reason, message }: Extract<JobPlan, { kind: "end" }>,
  ): Promise<Outcome> {
    const at = rfc3339(now());
    const condition = (name: string) => ({
      type: name,
      status: "True",
      reason,
      message,
      lastProbeTime: at,
      lastTransitionTime: at,
    });
    const { succeeded, failed, active } = countPods(own);
    const status = {
      startTime: job.status?.startTime ?? at,
      active: 0,
      ready: 0,
      succeeded,
      failed: failed + (type === "Failed" ? active : 0),
    };
    // A Job is first on its way to its end, then there: the API server asks for both.
    const heading = condition(type === "Complete" ? "SuccessCriteriaMet" : "FailureTarget");
    const others = (job.status?.conditions ?? []).filter(
      (known) => known.type !== heading.type && known.type !== type,
    );
    const headed = await write(job, { ...status, conditions: [...others, heading] });
    await write(headed, {
      ...status,
      ...(type === "Complete" ? { completionTime: at } : {}),
      conditions: [...others, heading, condition(type)],
    });
    await deleteActive(own);
    return { kind: "done" };
  }

  async function clearAway(job: Job): Promise<Outcome> {
    const leftMs = expiryInMs(job, now());
    if (leftMs === undefined) return { kind: "done" };
    if (leftMs > 0) return { kind: "done", requeueAfterMs: leftMs };
    await client.delete(JOBS, job.metadata, { uid: job.metadata.uid ?? "" });
    return { kind: "done" };
  }
}

/** The number after the highest: a Pod that is gone leaves its number behind. */
function nextNumber(job: Job, own: readonly Pod[]): number {
  const prefix = `${job.metadata.name}-`;
  const numbers = own.map(({ metadata }) => Number(metadata.name.slice(prefix.length)));
  return 1 + Math.max(-1, ...numbers.filter((number) => Number.isInteger(number)));
}

export function jobWatches({ jobs, pods }: JobDeps): Watch[] {
  return [watchPrimary(jobs), watchInformer(pods, (pod) => ownerKeys(pod, "Job"))];
}
