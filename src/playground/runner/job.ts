import type { KubeClient } from "../../kube/client.ts";
import { isAlreadyExists, KubeError } from "../../kube/error.ts";
import type { EventRecorder } from "../../kube/event.ts";
import type { Informer } from "../../kube/informer.ts";
import { type Outcome, type Watch, watchInformer, watchPrimary } from "../../kube/reconcile.ts";
import { JOBS, PODS } from "../../kube/resource.ts";
import { errorMessage } from "../../platform/errors.ts";
import { expiryInMs, hasEnded, type Job, type JobEnd, planJob, unsupportedInJob } from "./job-plan.ts";
import { endStatuses, progressStatus } from "./job-status.ts";
import { NODE_NAME } from "./node.ts";
import type { Pod } from "./pod.ts";
import { controllerReference, isActive, isSameStatus, isTerminating, ownerKeys } from "./workload.ts";

export interface JobDeps {
  client: KubeClient;
  jobs: Informer<Job>;
  pods: Informer<Pod>;
  events: EventRecorder;
  now: () => Date;
}

/** Runs Jobs. Their Pods have numbered names, so that two reconciles from a stale cache create each Pod once. */
export function createJobReconciler({ client, jobs, pods, events, now }: JobDeps) {
  return async function reconcile(key: string): Promise<Outcome> {
    const job = jobs.get(key);
    if (job === undefined || isTerminating(job)) return { kind: "done" };
    if (hasEnded(job)) return deleteExpired(job);
    const own = pods
      .list()
      .filter(({ metadata }) => metadata.ownerReferences?.some(({ uid }) => uid === job.metadata.uid));
    const unsupported = unsupportedInJob(job);
    if (unsupported !== undefined) {
      const message = `the playground's runner does not support ${unsupported}`;
      events.record(job, "Warning", "Unsupported", message);
      return end(job, own, { kind: "end", type: "Failed", reason: "Unsupported", message });
    }
    const plan = planJob(job, own, now());
    if (plan.kind === "end") return end(job, own, plan);
    if (plan.kind === "suspend") await deleteActive(own);
    else {
      const first = nextNumber(job, own);
      for (let count = 0; count < plan.create; count += 1) await createPod(job, first + count);
    }
    const { patch, requeueAfterMs } = progressStatus(job, own, plan, now());
    if (!isSameStatus(job.status ?? {}, patch)) await writeStatus(job, patch);
    return requeueAfterMs === undefined ? { kind: "done" } : { kind: "done", requeueAfterMs };
  };

  /** Fails when the Job has changed since it was read: a stale cache must not end it twice or move its start time. */
  function writeStatus(job: Job, status: object): Promise<Job> {
    const { resourceVersion } = job.metadata;
    return client.mergePatch<Job>(JOBS, job.metadata, { metadata: { resourceVersion }, status }, "status");
  }

  async function createPod(job: Job, number: number): Promise<void> {
    try {
      await client.create<Pod>(PODS, desiredPod(job, number));
    } catch (error) {
      if (isAlreadyExists(error)) return;
      const cause = error instanceof KubeError ? error.serverMessage : errorMessage(error);
      events.record(job, "Warning", "FailedCreate", `Error creating: ${cause}`);
      throw error;
    }
  }

  async function deleteActive(own: Pod[]): Promise<void> {
    for (const { metadata } of own.filter(isActive))
      await client.delete(PODS, metadata, { uid: metadata.uid ?? "" });
  }

  async function end(job: Job, own: Pod[], reason: JobEnd): Promise<Outcome> {
    const [ending, ended] = endStatuses(job, own, reason, now());
    await writeStatus(await writeStatus(job, ending), ended);
    await deleteActive(own);
    return { kind: "done" };
  }

  async function deleteExpired(job: Job): Promise<Outcome> {
    const leftMs = expiryInMs(job, now());
    if (leftMs === undefined) return { kind: "done" };
    if (leftMs > 0) return { kind: "done", requeueAfterMs: leftMs };
    await client.delete(JOBS, job.metadata, { uid: job.metadata.uid ?? "" });
    return { kind: "done" };
  }
}

function desiredPod(job: Job, number: number): Pod {
  const { template } = job.spec;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: `${job.metadata.name}-${number}`,
      namespace: job.metadata.namespace ?? "",
      labels: {
        ...template.metadata?.labels,
        "batch.kubernetes.io/job-name": job.metadata.name,
        "job-name": job.metadata.name,
      },
      ownerReferences: [controllerReference(job)],
    },
    spec: { ...template.spec, nodeName: NODE_NAME },
  };
}

/** One more than the highest number in use. Numbers of deleted Pods below it are not used again. */
function nextNumber(job: Job, own: readonly Pod[]): number {
  const prefix = `${job.metadata.name}-`;
  const numbers = own.map(({ metadata }) => Number(metadata.name.slice(prefix.length)));
  return 1 + Math.max(-1, ...numbers.filter((number) => Number.isInteger(number)));
}

export function jobWatches({ jobs, pods }: JobDeps): Watch[] {
  return [watchPrimary(jobs), watchInformer(pods, (pod) => ownerKeys(pod, "Job"))];
}
