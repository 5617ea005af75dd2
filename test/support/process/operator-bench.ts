import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { KubeConfig } from "@kubernetes/client-node";
import { afterAll, beforeAll } from "vitest";
import { parse } from "yaml";
import { BILLING_RELEASE } from "../../../src/api/billing-release.ts";
import { findCondition } from "../../../src/api/condition.ts";
import type { KubernetesObject } from "../../../src/api/object.ts";
import { SOVEREIGN, type Sovereign } from "../../../src/api/sovereign.ts";
import {
  billingReleaseWatches,
  createBillingReleaseReconciler,
} from "../../../src/controllers/billing-release/controller.ts";
import { createFleets } from "../../../src/controllers/billing-release/fleet.ts";
import { createImageChecks, type FindImage } from "../../../src/controllers/billing-release/image-check.ts";
import { SOVEREIGN_INDEX } from "../../../src/controllers/sovereign/cache.ts";
import { createSovereignReconciler } from "../../../src/controllers/sovereign/controller.ts";
import { createSovereignMeasurements } from "../../../src/controllers/sovereign/measurement.ts";
import { createVerification } from "../../../src/controllers/sovereign/verification.ts";
import { sovereignWatches } from "../../../src/controllers/sovereign/watch.ts";
import { createSpokes } from "../../../src/controllers/spoke/link.ts";
import { createApplier } from "../../../src/kube/apply.ts";
import { createKubeClient, type KubeClient } from "../../../src/kube/client.ts";
import { createEventRecorder, type EventRecorder } from "../../../src/kube/event.ts";
import { createReconcileMetrics } from "../../../src/kube/metric.ts";
import { createController, type Outcome } from "../../../src/kube/reconcile.ts";
import {
  CUSTOM_RESOURCE_DEFINITIONS,
  EVENTS,
  NAMESPACES,
  type Resource,
  resourceOf,
} from "../../../src/kube/resource.ts";
import { createCaches, type OperatorCaches } from "../../../src/operator/cache.ts";
import { sha256Digest } from "../../../src/platform/canonical-json.ts";
import { createLogger } from "../../../src/platform/log.ts";
import { Registry } from "../../../src/platform/metrics.ts";
import { startTestApiServer } from "../server/apiserver.ts";
import { type SimulatedWorkload, startSimulatedWorkload } from "../server/simulated-workload.ts";

export const SOVEREIGNS = resourceOf(SOVEREIGN);
export const RELEASES = resourceOf(BILLING_RELEASE);
const FIELD_MANAGER = "catalyst-operator";
const CALLS = ["get", "list", "create", "replace", "apply", "mergePatch", "delete"] as const;

/** One call of a process to what is outside of it: `apply Deployment billing`, `probe`. */
type Call = string;

/** What is done at a call: it may throw instead of `act`, or after it. */
export type Gate = <T>(call: Call, act: () => Promise<T>) => Promise<T>;

const OPEN: Gate = (_call, act) => act();

/** One life of an operator's Sovereign and BillingRelease controllers, on real caches and real queues. */
export interface OperatorLife {
  calls: Call[];
  /** Keys of Sovereigns, in the order in which they were looked at. */
  reconciles: string[];
  drifts: { sovereign: string; kind: string; fields: string[] }[];
  stop(): Promise<void>;
}

export interface OperatorBench {
  client(): KubeClient;
  /** The administrator's kubeconfig. */
  kubeconfig(): string;
  /** The folder of the embedded API server: its certificates, and its journal. */
  stateDir(): string;
  caches(): OperatorCaches;
  /** Other caches of the same API server, by a client that is changed like this, until the signal fires. */
  moreCaches(change: (client: KubeClient) => KubeClient, signal: AbortSignal): Promise<OperatorCaches>;
  simulation(): SimulatedWorkload;
  recorder(): EventRecorder;
  /** Starts controllers; `concerns` leaves other tests' Sovereigns alone. */
  live(options?: {
    gate?: Gate;
    concerns?: (name: string) => boolean;
    /** Whether it keeps BillingReleases too; default true. */
    hasReleases?: boolean;
    now?: () => Date;
    /** Default: the bench's own. */
    caches?: OperatorCaches;
    /** Whether the registry has an image; default: it has each. */
    findImage?: FindImage;
  }): OperatorLife;
  sovereign(name: string): Promise<Sovereign | undefined>;
  /** Waits until a condition says this. */
  awaitCondition(
    name: string,
    type: string,
    status: string,
    reason?: string,
    withinMs?: number,
  ): Promise<Sovereign>;
  events(about: string): Promise<{ reason: string; count: number; message: string }[]>;
}

/** An administrator's connection to an API server. */
interface BenchServer {
  kubeConfig(): KubeConfig;
  /** Only of the embedded one. */
  stateDir?: string;
  close(): Promise<void>;
}

async function startEmbedded(): Promise<BenchServer> {
  const api = await startTestApiServer();
  return {
    kubeConfig() {
      const kubeConfig = new KubeConfig();
      kubeConfig.loadFromString(api.server.adminKubeconfig);
      return kubeConfig;
    },
    stateDir: api.stateDir,
    close: () => api.dispose(),
  };
}

/** One API server for a whole file; what runs against it is the operator's own code, and a simulated workload. */
export function useOperatorBench(start: () => Promise<BenchServer> = startEmbedded): OperatorBench {
  const logger = createLogger("test", process.env.BENCH_LOG ?? "silent");
  const stopping = new AbortController();
  let api: BenchServer;
  let client: KubeClient;
  let benchCaches: OperatorCaches;
  const clients: KubeClient[] = [];
  const following: Promise<unknown>[] = [];
  let simulation: SimulatedWorkload;
  let events: EventRecorder;
  const lives: OperatorLife[] = [];

  beforeAll(async () => {
    api = await start();
    client = connect();
    await defineKinds(client);
    benchCaches = await follow(client, stopping.signal);
    simulation = startSimulatedWorkload(client);
    events = createEventRecorder({
      client,
      component: FIELD_MANAGER,
      instance: "bench",
      logger,
      now: () => new Date(),
    });
  });
  afterAll(async () => {
    for (const life of lives) await life.stop();
    await simulation.stop();
    stopping.abort();
    await Promise.all(following);
    await events.flush();
    await Promise.all(clients.map((each) => each.close()));
    await api.close();
  });

  function connect(): KubeClient {
    const connected = createKubeClient({ kubeConfig: api.kubeConfig(), userAgent: "operator-bench" });
    clients.push(connected);
    return connected;
  }

  async function follow(client: KubeClient, signal: AbortSignal): Promise<OperatorCaches> {
    const caches = createCaches({ client, logger });
    following.push(caches.run(signal));
    await caches.synced();
    return caches;
  }

  function live(
    {
      gate = OPEN,
      concerns = () => true,
      hasReleases = true,
      now = () => new Date(),
      caches = benchCaches,
      findImage = async () => true,
    } = {} as Parameters<OperatorBench["live"]>[0] & object,
  ): OperatorLife {
    const calls: Call[] = [];
    const reconciles: string[] = [];
    const drifts: OperatorLife["drifts"] = [];
    const ending = new AbortController();
    const through: Gate = (call, act) => {
      calls.push(call);
      return gate(call, act);
    };
    const gated = gateClient(client, through);
    const applier = createApplier({ client: gated, fieldManager: FIELD_MANAGER, now });
    const common = { client: gated, fieldManager: FIELD_MANAGER, events, logger, now };
    const { sovereigns, releases } = caches;
    const fleets = createFleets({ sovereigns, releases, index: SOVEREIGN_INDEX.release, now });
    const measurements = createSovereignMeasurements({ now });
    const verification = createVerification({
      caches,
      readSchema: async (baseUrl) => (await simulation.smoke({ baseUrl })).schema ?? { fingerprint: "" },
      logger,
    });
    const spokes = createSpokes({
      client: gated,
      connect: ({ config }) => createKubeClient({ kubeConfig: config, userAgent: "operator-bench" }),
      namespaces: caches.namespaces,
      secretVersions: caches.secretVersions,
      logger,
      now,
      pace: { firstBackoffMs: 50, maxBackoffMs: 200, stableMs: 100 },
    });
    const reconcileSovereign = createSovereignReconciler({
      ...common,
      ...measurements,
      verification,
      applier,
      caches,
      fleets,
      spokes,
      operatorJwks: () => ({ keys: [] }),
      keyedDigest: sha256Digest,
      orderNoticeUrl: "http://operator/orders-placed",
      billingDrainSeconds: 1,
      admissionNotice: undefined,
      mintToken: async () => "token",
      probeDatabase: ({ databaseUrl, namespace }) =>
        through("probe", () => simulation.probe(databaseUrl, namespace)),
      smoke: (input) => through("smoke", () => simulation.smoke(input)),
      onDrift: (sovereign, { kind, fields }) => void drifts.push({ sovereign, kind, fields }),
    });
    const release = {
      ...{ ...common, releases, sovereigns, fleets, findImage },
      images: createImageChecks({ now }),
    };
    const metrics = createReconcileMetrics(new Registry());
    const controllers = [
      createController(
        { logger, metrics },
        {
          name: "sovereign",
          backoff: { firstMs: 5, maxMs: 100 },
          watches: [
            ...sovereignWatches(caches, fleets),
            ...[measurements.probes, measurements.smokeTests, verification, spokes],
          ],
          async reconcile(key, signal, attempt): Promise<Outcome> {
            if (!concerns(key)) return { kind: "done" };
            reconciles.push(key);
            return reconcileSovereign(key, signal, attempt);
          },
        },
      ),
      ...(hasReleases
        ? [
            createController(
              { logger, metrics },
              {
                name: "billingrelease",
                watches: billingReleaseWatches(release),
                reconcile: createBillingReleaseReconciler(release),
              },
            ),
          ]
        : []),
    ];
    const running = Promise.all(controllers.map((controller) => controller.run(ending.signal)));
    const life: OperatorLife = {
      calls,
      reconciles,
      drifts,
      async stop() {
        ending.abort();
        await running;
      },
    };
    lives.push(life);
    return life;
  }

  const sovereign = (name: string) => client.get<Sovereign>(SOVEREIGNS, { name });
  return {
    client: () => client,
    kubeconfig: () => api.kubeConfig().exportConfig(),
    stateDir: () => api.stateDir ?? "",
    caches: () => benchCaches,
    // The watches of a client take most of the connections that it may open.
    moreCaches: (change, signal) => follow(change(connect()), AbortSignal.any([signal, stopping.signal])),
    simulation: () => simulation,
    recorder: () => events,
    live,
    sovereign,
    async awaitCondition(name, type, status, reason, withinMs) {
      return until(
        async () => {
          const isMet = (seen: Sovereign | undefined) => {
            const condition = findCondition(seen?.status?.conditions, type);
            return condition?.status === status && (reason === undefined || condition.reason === reason);
          };
          // The cache first: eight tests that ask the server every 10 ms would keep it busy.
          if (!isMet(benchCaches.sovereigns.get(name))) return undefined;
          const seen = await sovereign(name);
          return isMet(seen) ? seen : undefined;
        },
        async () =>
          `${name} ${type}=${status} ${reason ?? ""}; it is ${JSON.stringify((await sovereign(name))?.status?.conditions, undefined, 1)}`,
        withinMs,
      );
    },
    async events(about) {
      await events.flush();
      const { items } = await client.list<
        KubernetesObject & {
          reason: string;
          count: number;
          message: string;
          involvedObject: { name: string };
        }
      >(EVENTS, { namespace: "default" });
      return items.filter(({ involvedObject }) => involvedObject.name === about);
    },
  };
}

/** Every call of a client through a gate. */
function gateClient(client: KubeClient, gate: Gate): KubeClient {
  const gated = Object.fromEntries(
    CALLS.map((method) => [
      method,
      (resource: Resource, target: { metadata?: { name: string }; name?: string }, ...rest: unknown[]) =>
        gate(`${method} ${resource.kind} ${target.metadata?.name ?? target.name ?? ""}`, () =>
          (client[method] as (...args: unknown[]) => Promise<unknown>)(resource, target, ...rest),
        ),
    ]),
  );
  return { ...client, ...gated } as KubeClient;
}

export async function defineKinds(client: KubeClient): Promise<void> {
  const folder = join(import.meta.dirname, "../../../crds");
  for (const file of readdirSync(folder))
    await client.apply(CUSTOM_RESOURCE_DEFINITIONS, parse(readFileSync(join(folder, file), "utf8")), {
      fieldManager: "bench",
    });
  for (const resource of [SOVEREIGNS, RELEASES])
    await until(
      () =>
        client.list(resource).then(
          () => true,
          () => undefined,
        ),
      async () => resource.plural,
    );
  await client.create(NAMESPACES, {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: "catalyst-system" },
  });
}

/** Asks again until there is an answer. */
export async function until<T>(
  look: () => Promise<T | undefined>,
  what: () => Promise<string>,
  withinMs = 15_000,
): Promise<T> {
  const end = Date.now() + withinMs;
  for (;;) {
    const seen = await look();
    if (seen !== undefined) return seen;
    if (Date.now() > end) throw new Error(`waited in vain: ${await what()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Waits until nothing more is done: no call for a while. */
export async function settled(life: OperatorLife, quietMs = 200): Promise<void> {
  for (let seen = -1; seen !== life.calls.length; ) {
    seen = life.calls.length;
    await new Promise((resolve) => setTimeout(resolve, quietMs));
  }
}
