import type { KubernetesObject } from "../../api/object.ts";
import type { KubeClient } from "../../kube/client.ts";
import { isAlreadyExists } from "../../kube/error.ts";
import type { Informer } from "../../kube/informer.ts";
import { type Outcome, type Watch, watchInformer, watchPrimary } from "../../kube/reconcile.ts";
import { JOBS, PODS } from "../../kube/resource.ts";
import { controllerReference } from "./deployment.ts";
import { NODE_NAME } from "./kubelet.ts";
import type { Pod, PodSpec } from "./pod.ts";

interface Job extends KubernetesObject {
  spec: {
    backoffLimit?: number;
    template: { metadata?: { labels?: Record<string, string> }; spec: PodSpec };
  };
  status?: { startTime?: string; conditions?: { type: string; status: string }[] };
}

export interface JobDeps {
  client: KubeClient;
  jobs: Informer<Job>;
  pods: Informer<Pod>;
  now: () => Date;
}

/** Jobs of one completion: one Pod at a time under a name of its own number, so that two lookers never start two. */
export function createJobReconciler({ client, jobs, pods, now }: JobDeps) {
  return async function reconcile(key: string): Promise<Outcome> {
    const job = jobs.get(key);
    if (job === undefined || job.metadata.deletionTimestamp !== undefined || isFinished(job))
      return { kind: "done" };
    const own = pods
      .list()
      .filter(({ metadata }) => metadata.ownerReferences?.some(({ uid }) => uid === job.metadata.uid));
    const succeeded = own.filter(({ status }) => status?.phase === "Succeeded").length;
    const failed = own.filter(({ status }) => status?.phase === "Failed").length;
    const restarts = own.reduce(
      (sum, pod) => sum + (pod.status?.containerStatuses?.[0]?.restartCount ?? 0),
      0,
    );
    const { backoffLimit = 6 } = job.spec;

    if (succeeded > 0) return finish(job, "Complete", "the Pod succeeded", { succeeded: 1, failed });
    if (failed > backoffLimit || restarts > backoffLimit) {
      await finish(job, "Failed", "Job has reached the specified backoff limit", {
        succeeded: 0,
        failed: failed + 1,
      });
      for (const pod of own) if (pod.status?.phase === "Running") await client.delete(PODS, pod.metadata);
      return { kind: "done" };
    }
    if (own.length === failed) await createPod(job, failed);
    const startTime = job.status?.startTime ?? rfc3339(now());
    await client.mergePatch(
      JOBS,
      job.metadata,
      { status: { startTime, active: 1, failed, ready: 0 } },
      "status",
    );
    return { kind: "done" };
  };

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

  async function finish(
    job: Job,
    type: "Complete" | "Failed",
    message: string,
    counts: { succeeded: number; failed: number },
  ): Promise<Outcome> {
    const at = rfc3339(now());
    const condition = (name: string) => ({
      type: name,
      status: "True",
      reason: type === "Complete" ? "CompletionsReached" : "BackoffLimitExceeded",
      message,
      lastProbeTime: at,
      lastTransitionTime: at,
    });
    const startTime = job.status?.startTime ?? at;
    const status = { startTime, active: 0, ready: 0, ...counts };
    // A Job is first on its way to its end, then there: the API server asks for both.
    const heading = condition(type === "Complete" ? "SuccessCriteriaMet" : "FailureTarget");
    await client.mergePatch(
      JOBS,
      job.metadata,
      {
        // A stale look at the Job must not end it twice.
        metadata: { resourceVersion: job.metadata.resourceVersion },
        status: { ...status, conditions: [heading] },
      },
      "status",
    );
    const end = type === "Complete" ? { completionTime: at } : {};
    await client.mergePatch(
      JOBS,
      job.metadata,
      { status: { ...status, ...end, conditions: [heading, condition(type)] } },
      "status",
    );
    return { kind: "done" };
  }
}

export function jobWatches({ jobs, pods }: JobDeps): Watch[] {
  return [
    watchPrimary(jobs),
    watchInformer(pods, ({ metadata }) =>
      (metadata.ownerReferences ?? [])
        .filter(({ kind }) => kind === "Job")
        .map(({ name }) => `${metadata.namespace}/${name}`),
    ),
  ];
}

const isFinished = ({ status }: Job) =>
  status?.conditions?.some(
    ({ type, status: value }) => value === "True" && (type === "Complete" || type === "Failed"),
  ) === true;

const rfc3339 = (date: Date) => date.toISOString().replace(/\.\d+Z$/, "Z");
