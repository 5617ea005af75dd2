import { readFileSync } from "node:fs";
import { KubeConfig } from "@kubernetes/client-node";
import { LABEL } from "../../../src/api/label.ts";
import type { KubernetesObject } from "../../../src/api/object.ts";
import type { DeploymentObject, JobObject, PodObject } from "../../../src/controllers/sovereign/observed.ts";
import { createKubeClient } from "../../../src/kube/client.ts";
import { isAlreadyExists } from "../../../src/kube/error.ts";
import { createInformer, type Informer } from "../../../src/kube/informer.ts";
import { DEPLOYMENTS, JOBS, NAMESPACES, PODS, pathOf, SECRETS } from "../../../src/kube/resource.ts";
import { createLogger } from "../../../src/platform/log.ts";
import { SCHEMA, startBillingServer } from "./billing-server.ts";
import { startDatabaseServer } from "./database-server.ts";
import { createTaskQueue } from "./task-queue.ts";

// A kubelet that starts every Pod and finishes every Job at once, with their billing and their databases. It is a process of
// its own, and ends with its parent. Argument: the administrator's kubeconfig.

export interface WorkloadCounts {
  openConnections: number;
  logins: number;
  queries: number;
  billingRequests: number;
  migrations: number;
}

/** After `hang`, new Pods in one of `oneIn` Sovereigns accept requests and never answer. */
export type WorkloadRequest = { kind: "counts" } | { kind: "hang"; oneIn: number };

interface Template {
  metadata: { labels: Record<string, string> };
  spec: { containers: { image: string }[] };
}
type Workload = KubernetesObject & { spec: { replicas?: number; template: Template } };

const CONCURRENCY = 16;

const [kubeconfigPath = ""] = process.argv.slice(2);
const kubeConfig = new KubeConfig();
kubeConfig.loadFromString(readFileSync(kubeconfigPath, "utf8"));
const client = createKubeClient({ kubeConfig, userAgent: "bench-kubelet" });
const logger = createLogger("bench-kubelet", "silent");
const database = await startDatabaseServer();
const billing = await startBillingServer();
const tasks = createTaskQueue(CONCURRENCY);
const running = new AbortController().signal;
let migrations = 0;
let isHanging = (_sovereign: number) => false;

const follow = <T extends KubernetesObject>(resource: typeof PODS): Informer<T> =>
  createInformer<T>({ client, logger }, resource);
const namespaces = follow(NAMESPACES);
const deployments = follow<DeploymentObject>(DEPLOYMENTS);
const jobs = follow<JobObject>(JOBS);

const sovereignOf = ({ metadata }: KubernetesObject) => metadata.labels?.[LABEL.sovereign];

namespaces.onChange(({ kind, object }) => {
  const { name } = object.metadata;
  if (kind !== "added" || sovereignOf(object) === undefined) return;
  const uri = `postgres://billing:secret@127.0.0.1:${database.port}/${name}`;
  tasks.add(async () => {
    await createSecret(name, "billing-db", { uri });
    await createSecret(name, "billing-jwt", { secret: "x".repeat(32) });
  });
}, running);
deployments.onChange(({ kind, object }) => {
  const isOwed = object.status?.observedGeneration !== object.metadata.generation;
  if (kind !== "deleted" && isOwed && sovereignOf(object) !== undefined)
    tasks.add(() => rollOut(object as unknown as Workload));
}, running);
jobs.onChange(({ kind, object }) => {
  if (kind === "added" && object.status?.completionTime === undefined)
    tasks.add(() => runJob(object as unknown as Workload));
}, running);
void Promise.all([namespaces, deployments, jobs].map((informer) => informer.run(running)));

/** Creates an object. A task that is repeated finds the object that it created before. */
async function create(resource: typeof PODS, object: unknown): Promise<void> {
  await client.create(resource, object as KubernetesObject).catch((error: unknown) => {
    if (!isAlreadyExists(error)) throw error;
  });
}

function createSecret(namespace: string, name: string, stringData: Record<string, string>): Promise<void> {
  return create(SECRETS, { apiVersion: "v1", kind: "Secret", metadata: { name, namespace }, stringData });
}

async function createPod(owner: Workload, name: string, status: object, labels = {}): Promise<void> {
  const { apiVersion, kind, metadata, spec } = owner;
  const { namespace = "", uid = "" } = metadata;
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      ...{ name, namespace, labels: { ...spec.template.metadata.labels, ...labels } },
      ownerReferences: [{ apiVersion, kind, name: metadata.name, uid, controller: true }],
    },
    spec: { ...spec.template.spec, nodeName: "node" },
  };
  await create(PODS, pod);
  await client.mergePatch(PODS, pod.metadata, { status }, "status");
}

async function rollOut(deployment: Workload): Promise<void> {
  const { namespace = "", name, generation = 0, uid = "" } = deployment.metadata;
  const { replicas = 1 } = deployment.spec;
  const number = Number(sovereignOf(deployment)?.split("-").at(-1)) || 0;
  // A Deployment of the first generation has no Pods yet.
  const pods = generation === 1 ? [] : (await client.list<PodObject>(PODS, { namespace })).items;
  const old = pods.filter(({ metadata }) => metadata.ownerReferences?.some((owner) => owner.uid === uid));
  for (let index = 0; index < replicas; index += 1) {
    const podIP = billing.address(isHanging(number));
    await createPod(deployment, `${name}-${uid.slice(0, 4)}-${generation}-${index}`, {
      ...{ phase: "Running", podIP, conditions: [{ type: "Ready", status: "True" }] },
    });
  }
  for (const pod of old)
    await client.request({
      ...{ method: "DELETE", path: pathOf(PODS, pod.metadata), body: { gracePeriodSeconds: 0 } },
    });
  const counts = {
    ...{ replicas, updatedReplicas: replicas, readyReplicas: replicas, availableReplicas: replicas },
  };
  const status = { observedGeneration: generation, ...counts };
  await client.mergePatch(DEPLOYMENTS, deployment.metadata, { status }, "status");
}

async function runJob(job: Workload): Promise<void> {
  migrations += 1;
  const { name } = job.metadata;
  const image = job.spec.template.spec.containers[0]?.image ?? "";
  const terminated = { exitCode: 0, message: JSON.stringify(SCHEMA), reason: "Completed" };
  const container = { name: "migrate", image, imageID: image, ready: false, restartCount: 0 };
  await createPod(
    job,
    `${name}-pod`,
    { phase: "Succeeded", containerStatuses: [{ ...container, state: { terminated } }] },
    { "job-name": name },
  );
  const at = new Date().toISOString().replace(/\.\d+Z$/, "Z");
  const condition = (type: string) => ({
    ...{ type, status: "True", reason: "CompletionsReached", message: "" },
    ...{ lastProbeTime: at, lastTransitionTime: at },
  });
  const met = [condition("SuccessCriteriaMet")];
  const status = { startTime: at, active: 0, ready: 0, succeeded: 1 };
  await client.mergePatch(JOBS, job.metadata, { status: { ...status, conditions: met } }, "status");
  const conditions = [...met, condition("Complete")];
  await client.mergePatch(
    JOBS,
    job.metadata,
    { status: { ...status, completionTime: at, conditions } },
    "status",
  );
}

process.on("message", (request: WorkloadRequest) => {
  if (request.kind === "hang") isHanging = (sovereign) => sovereign % request.oneIn === 1;
  const { open, logins, queries } = database.counts();
  process.send?.({
    ...{ openConnections: open, logins, queries, migrations },
    billingRequests: billing.counts().requests,
  } satisfies WorkloadCounts);
});
process.on("disconnect", () => process.exit());
process.send?.({});
