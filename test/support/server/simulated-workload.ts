import type { KubernetesObject } from "../../../src/api/object.ts";
import type { RequestCount } from "../../../src/controllers/sovereign/error-rate.ts";
import type { SmokeReport } from "../../../src/controllers/sovereign/evidence.ts";
import type { DeploymentObject, JobObject, PodObject } from "../../../src/controllers/sovereign/observed.ts";
import type { KubeClient } from "../../../src/kube/client.ts";
import { createInformer, type Informer } from "../../../src/kube/informer.ts";
import { DEPLOYMENTS, JOBS, NAMESPACES, PODS, pathOf } from "../../../src/kube/resource.ts";
import { createLogger } from "../../../src/platform/log.ts";
import { provideSecret } from "./api-request.ts";
import { apiFingerprintOf, createSimulatedDatabases } from "./simulated-database.ts";
import { endRollout } from "./simulated-rollout.ts";
import { collect, controllerOf } from "./workload-owner.ts";

interface Template {
  metadata: { labels: Record<string, string>; annotations?: Record<string, string> };
  spec: Record<string, unknown> & { containers: { name: string; image: string }[] };
}
type Workload = KubernetesObject & { spec: { replicas?: number; template: Template } };

export const databaseUrlOf = (namespace: string, host = "db") =>
  `postgres://billing:secret@${host}.${namespace}:5432/billing`;

/**
 * A kubelet that runs Deployments and Jobs at once, one database for each URL, and billing that answers as its image does.
 * It starts only the workloads that the API server stores.
 */
export interface SimulatedWorkload {
  /** Databases that accept no login at the moment, by a part of their URL. */
  unreachable: Set<string>;
  /** Schema versions of databases by namespace, null for an empty one. Others are not known. A migration sets it to 0005. */
  schemas: Map<string, string | null>;
  /** See `createSimulatedDatabases`. */
  versions: Map<string, string>;
  /** Each execution of a migration Job: its namespace and uid. */
  migrations: { namespace: string; uid: string }[];
  probes: string[];
  smokeTests: string[];
  /** Shapes that differ from those of other images: the fingerprint of the API by image, or by namespace and image. */
  shapes: Map<string, string>;
  /** The counts in each Pod's answer, by image, or by namespace and image. A Pod without an entry does not answer. */
  answered: Map<string, { requests: number; serverErrors: number }>;
  /** Images whose Pods do not get ready before the progress deadline, or namespace and image. */
  unreadyImages: Set<string>;
  /** Images whose smoke test fails, or namespace and image. */
  failingImages: Set<string>;
  /** Migrations in these namespaces fail with this message. */
  failingMigrations: Map<string, string>;
  /** Migrations in these namespaces run and do not end. */
  hangingMigrations: Set<string>;
  /** Ends the migrations that hang in this namespace. */
  endMigration(namespace: string): Promise<void>;
  probe(
    url: string,
    namespace: string,
  ): Promise<{ kind: "ready"; schemaVersion?: string | null } | { kind: "unready"; reason: string }>;
  smoke(input: { baseUrl: string }): Promise<SmokeReport>;
  countRequests(baseUrl: string): Promise<RequestCount>;
  stop(): Promise<void>;
}

export function startSimulatedWorkload(client: KubeClient): SimulatedWorkload {
  const logger = createLogger("test", "silent");
  const stopping = new AbortController();
  const follow = <T extends KubernetesObject>(resource: typeof PODS): Informer<T> =>
    createInformer<T>({ client, logger }, resource);
  const [namespaces, deployments, jobs, pods] = [
    follow(NAMESPACES),
    follow<DeploymentObject>(DEPLOYMENTS),
    follow<JobObject>(JOBS),
    follow<PodObject>(PODS),
  ];
  const databases = createSimulatedDatabases();
  let addresses = 0;
  let chain: Promise<unknown> = Promise.resolve();
  /** Runs one task after the other, and ignores objects that were deleted meanwhile. */
  const later = (work: () => Promise<unknown>) => {
    chain = chain.then(work).catch(() => undefined);
  };
  const podAt = (baseUrl: string) =>
    pods.list().find(({ status }) => status?.podIP === new URL(baseUrl).hostname);
  const imageOf = (pod: PodObject | undefined) => pod?.spec?.containers[0]?.image ?? "";
  const simulation: SimulatedWorkload = {
    unreachable: new Set(),
    schemas: new Map(),
    versions: databases.versions,
    migrations: [],
    probes: [],
    smokeTests: [],
    shapes: new Map(),
    answered: new Map(),
    unreadyImages: new Set(),
    failingImages: new Set(),
    failingMigrations: new Map(),
    hangingMigrations: new Set(),
    async probe(url, namespace) {
      simulation.probes.push(url);
      if ([...simulation.unreachable].some((part) => url.includes(part)))
        return { kind: "unready", reason: "it takes no login" };
      const schemaVersion = simulation.schemas.get(namespace);
      return { kind: "ready", ...(schemaVersion === undefined ? {} : { schemaVersion }) };
    },
    async countRequests(baseUrl) {
      const pod = podAt(baseUrl);
      const image = imageOf(pod);
      const { answered } = simulation;
      const total = answered.get(`${pod?.metadata.namespace} ${image}`) ?? answered.get(image);
      if (total === undefined) throw new Error("connect ECONNREFUSED");
      return { process: pod?.metadata.uid ?? "", ...total };
    },
    async smoke({ baseUrl }) {
      simulation.smokeTests.push(baseUrl);
      const pod = podAt(baseUrl);
      const image = imageOf(pod);
      const passed = pod !== undefined && !isIn(simulation.failingImages, pod.metadata.namespace, image);
      return {
        passed,
        steps: ["list", "issue", "preview", "revoke"].map((name) => ({
          name,
          passed,
          durationMs: 1,
          message: passed ? "held" : "no answer",
        })),
        apiFingerprint:
          simulation.shapes.get(`${pod?.metadata.namespace} ${image}`) ??
          simulation.shapes.get(image) ??
          apiFingerprintOf(image),
        schema: databases.schemaOf(pod?.metadata.namespace ?? "", image),
      };
    },
    async endMigration(namespace) {
      simulation.hangingMigrations.delete(namespace);
      for (const job of (await client.list<Workload & JobObject>(JOBS, { namespace })).items) {
        if (job.status?.completionTime !== undefined) continue;
        const owned = (await client.list<PodObject>(PODS, { namespace })).items.filter(({ metadata }) =>
          metadata.ownerReferences?.some(({ uid }) => uid === job.metadata.uid),
        );
        for (const pod of owned) await finish(job, pod, job.spec.template.spec.containers[0]?.image ?? "");
      }
    },
    async stop() {
      stopping.abort();
      await running;
      await chain;
    },
  };

  const readyPod = (owner: KubernetesObject, name: string, template: Template, labels = {}) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace: owner.metadata.namespace ?? "",
      labels: { ...template.metadata.labels, ...labels },
      ownerReferences: [controllerOf(owner)],
    },
    spec: { ...template.spec, nodeName: "node" },
  });

  async function rollOut(deployment: Workload): Promise<void> {
    const { namespace = "", name, generation = 0, uid = "" } = deployment.metadata;
    const { replicas = 1, template } = deployment.spec;
    if (isIn(simulation.unreadyImages, namespace, template.spec.containers[0]?.image)) {
      await endRollout(client, deployment, { updatedReplicas: 1, reason: "ProgressDeadlineExceeded" });
      return;
    }
    const names = Array.from({ length: replicas }, (_, i) => `${name}-${uid.slice(0, 4)}-${generation}-${i}`);
    for (const podName of names) {
      const made = await client
        .create<PodObject>(PODS, readyPod(deployment, podName, template) as unknown as PodObject)
        .catch(() => undefined);
      if (made === undefined) continue;
      addresses += 1;
      const podIP = `10.0.${addresses >> 8}.${addresses & 255}`;
      const conditions = [{ type: "Ready", status: "True" }];
      await client.mergePatch(
        PODS,
        made.metadata,
        { status: { phase: "Running", podIP, conditions } },
        "status",
      );
    }
    const old = (await client.list<PodObject>(PODS, { namespace })).items.filter(
      ({ metadata }) =>
        metadata.ownerReferences?.some((owner) => owner.uid === uid) && !names.includes(metadata.name),
    );
    for (const pod of old) await client.delete(PODS, pod.metadata);
    await endRollout(client, deployment, { updatedReplicas: replicas, reason: "NewReplicaSetAvailable" });
  }

  async function runJob(job: Workload & JobObject): Promise<void> {
    const { namespace = "", name, uid = "" } = job.metadata;
    const live = await client.get<JobObject>(JOBS, job.metadata);
    if (live?.metadata.uid !== uid || live.status?.completionTime !== undefined) return;
    simulation.migrations.push({ namespace, uid });
    const image = job.spec.template.spec.containers[0]?.image ?? "";
    const pod = await client.create<PodObject>(
      PODS,
      readyPod(job, `${name}-${uid.slice(0, 4)}`, job.spec.template, {
        "job-name": name,
      }) as unknown as PodObject,
    );
    if (simulation.hangingMigrations.has(namespace)) {
      await client.mergePatch(PODS, pod.metadata, { status: { phase: "Running" } }, "status");
      return;
    }
    await finish(job, pod, image);
  }

  async function finish(job: JobObject, pod: PodObject, image: string): Promise<void> {
    const { namespace = "" } = job.metadata;
    const failure = simulation.failingMigrations.get(namespace);
    const isFailing = failure !== undefined;
    if (!isFailing && simulation.schemas.has(namespace)) simulation.schemas.set(namespace, "0005");
    const message = failure ?? JSON.stringify(databases.migrate(namespace, image));
    const terminated = { exitCode: isFailing ? 1 : 0, message, reason: isFailing ? "Error" : "Completed" };
    const at = new Date().toISOString().replace(/\.\d+Z$/, "Z");
    await client.mergePatch(
      PODS,
      pod.metadata,
      {
        status: {
          phase: isFailing ? "Failed" : "Succeeded",
          containerStatuses: [
            {
              name: "migrate",
              image,
              imageID: image,
              ready: false,
              restartCount: 0,
              state: { terminated },
            },
          ],
        },
      },
      "status",
    );
    const condition = (type: string) => ({
      type,
      status: "True",
      reason: isFailing ? "BackoffLimitExceeded" : "CompletionsReached",
      message: "",
      lastProbeTime: at,
      lastTransitionTime: at,
    });
    const counts = isFailing ? { failed: 1 } : { succeeded: 1 };
    const status = { startTime: at, active: 0, ready: 0, ...counts };
    const heading = condition(isFailing ? "FailureTarget" : "SuccessCriteriaMet");
    const end = isFailing ? {} : { completionTime: at };
    const last = condition(isFailing ? "Failed" : "Complete");
    await client.mergePatch(JOBS, job.metadata, { status: { ...status, conditions: [heading] } }, "status");
    await client.mergePatch(
      JOBS,
      job.metadata,
      { status: { ...status, ...end, conditions: [heading, last] } },
      "status",
    );
  }

  namespaces.onChange(({ kind, object }) => {
    if (kind !== "added" || !object.metadata.name.startsWith("sovereign-")) return;
    const namespace = object.metadata.name;
    later(() => provideSecret(client, namespace, "billing-db", { uri: databaseUrlOf(namespace) }));
    later(() => provideSecret(client, namespace, "billing-jwt", { secret: "x".repeat(32) }));
  }, stopping.signal);
  deployments.onChange(({ kind, object }) => {
    const isOwed = object.status?.observedGeneration !== object.metadata.generation;
    if (kind !== "deleted" && isOwed) later(() => rollOut(object as unknown as Workload));
    if (kind === "deleted") later(() => collect(client, object));
  }, stopping.signal);
  jobs.onChange(({ kind, object }) => {
    if (kind === "added") later(() => runJob(object as unknown as Workload & JobObject));
    if (kind === "deleted") later(() => collect(client, object));
  }, stopping.signal);
  // A deleted Pod is gone after its kubelet reports its end.
  pods.onChange(({ kind, object }) => {
    if (kind === "deleted" || object.metadata.deletionTimestamp === undefined) return;
    const raw = {
      method: "DELETE",
      path: pathOf(PODS, object.metadata),
      body: { gracePeriodSeconds: 0 },
    } as const;
    later(() => client.request(raw));
  }, stopping.signal);
  const running = Promise.all([namespaces, deployments, jobs, pods].map((each) => each.run(stopping.signal)));
  return simulation;
}

const isIn = (images: ReadonlySet<string>, namespace = "", image = ""): boolean =>
  images.has(image) || images.has(`${namespace} ${image}`);
