import { desiredMigrationJob } from "../../../src/controllers/sovereign/desired-migration.ts";
import type { JobObject, PodObject } from "../../../src/controllers/sovereign/observed.ts";
import type { KubeClient } from "../../../src/kube/client.ts";
import { IMAGE, NOW, sovereign } from "./catalyst-object.ts";
import { contextOf } from "./reconcile-context.ts";

export const DATABASE = `sha256:${"d".repeat(64)}`;
export const TARGET = { image: IMAGE, database: DATABASE, problem: undefined };
export const own = sovereign("omantel");
export const desired = desiredMigrationJob(own, IMAGE, DATABASE);
export const { name } = desired.metadata;
/** The message of a migration that succeeded. */
export const RESULT = JSON.stringify({ version: "0005", fingerprint: "sha256:b" });
export const minutesAgo = (minutes: number) =>
  new Date(Date.parse(NOW) - Math.round(minutes * 60_000)).toISOString();

export function job(type?: "Complete" | "Failed", completionTime?: string, message?: string): JobObject {
  const conditions = [
    { type: "Suspended", status: "False" },
    ...(type === undefined ? [] : [{ type, status: "True", ...(message === undefined ? {} : { message }) }]),
  ];
  return {
    ...desired,
    metadata: { ...desired.metadata, uid: "uid-job" },
    status: { conditions, ...(completionTime === undefined ? {} : { completionTime }) },
  };
}

export function pod(podName: string, createdAt: string, message: string, owner = "uid-job"): PodObject {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: podName,
      namespace: "sovereign-omantel",
      creationTimestamp: createdAt,
      ownerReferences: [{ apiVersion: "batch/v1", kind: "Job", name, uid: owner }],
    },
    status: { containerStatuses: [{ name: "migrate", state: { terminated: { exitCode: 0, message } } }] },
  };
}

/** `live` are the Pods that the API server has. */
export function contextWith(
  jobs: JobObject[],
  pods: PodObject[] = [],
  status?: Parameters<typeof sovereign>[2],
  live = pods,
) {
  const deleted: unknown[][] = [];
  const client = {
    list: async () => ({ items: live, resourceVersion: "1" }),
    delete: async (...call: unknown[]) => {
      deleted.push(call);
      return true;
    },
  } as unknown as KubeClient;
  return { context: contextOf(sovereign("omantel", {}, status), { jobs, pods }, { client }), deleted };
}
