import {
  billingReleaseWatches,
  createBillingReleaseReconciler,
} from "../../../src/controllers/billing-release/controller.ts";
import { createFleets } from "../../../src/controllers/billing-release/fleet.ts";
import { createImageChecks, type FindImage } from "../../../src/controllers/billing-release/image-check.ts";
import { createAutoscalers } from "../../../src/controllers/sovereign/autoscaler.ts";
import { SOVEREIGN_INDEX } from "../../../src/controllers/sovereign/cache.ts";
import { createSovereignReconciler } from "../../../src/controllers/sovereign/controller.ts";
import { createErrorRates } from "../../../src/controllers/sovereign/error-rate.ts";
import { createSovereignMeasurements } from "../../../src/controllers/sovereign/measurement.ts";
import { createSecretReader } from "../../../src/controllers/sovereign/secret-facts.ts";
import { createVerification } from "../../../src/controllers/sovereign/verification.ts";
import { sovereignWatches } from "../../../src/controllers/sovereign/watch.ts";
import { createSpokes } from "../../../src/controllers/spoke/link.ts";
import { createApplier } from "../../../src/kube/apply.ts";
import { createKubeClient, type KubeClient } from "../../../src/kube/client.ts";
import { createEventRecorder, type EventRecorder } from "../../../src/kube/event.ts";
import { createReconcileMetrics } from "../../../src/kube/metric.ts";
import { createController, type Outcome } from "../../../src/kube/reconcile.ts";
import type { Resource } from "../../../src/kube/resource.ts";
import type { OperatorCaches } from "../../../src/operator/cache.ts";
import { createFailedSovereignGauge } from "../../../src/operator/failed-sovereign-gauge.ts";
import { probeIssuer } from "../../../src/operator/issuer-probe.ts";
import { sha256Digest } from "../../../src/platform/canonical-json.ts";
import type { Logger } from "../../../src/platform/log.ts";
import { Registry } from "../../../src/platform/metrics.ts";
import type { SimulatedWorkload } from "../server/simulated-workload.ts";
export const FIELD_MANAGER = "catalyst-operator";
const CALLS = ["get", "list", "create", "replace", "apply", "mergePatch", "delete"] as const;

/** One call of a process to the API server or to billing, as text: `apply Deployment billing`, `probe`. */
type Call = string;

/** Runs a call. It may throw instead of running `act`, or after it. */
export type Gate = <T>(call: Call, act: () => Promise<T>) => Promise<T>;

const OPEN: Gate = (_call, act) => act();

/** The running Sovereign and BillingRelease controllers of one operator, with real caches and queues. */
export interface ControllerRun {
  calls: Call[];
  /** Keys of Sovereigns, in the order of their reconciles. */
  reconciles: string[];
  drifts: { sovereign: string; kind: string; fields: string[] }[];
  /** Kinds that were listed on the clusters of Sovereigns, in the order of the lists. */
  spokeLists: string[];
  /** Whether a call of `calls` has no answer yet. */
  isCalling(): boolean;
  /** Resolves when the reconciles have ended and the Events of the process are written. */
  stop(): Promise<void>;
}

export interface ControllerRunOptions {
  gate?: Gate;
  /** The gate of the calls to the clusters of Sovereigns. They are not in `calls`. */
  spokeGate?: Gate;
  /** Whether the controllers reconcile this Sovereign. Default: each one. */
  concerns?: (name: string) => boolean;
  /** Whether they reconcile BillingReleases too. Default: true. */
  hasReleases?: boolean;
  /** Whether Events are calls of this process, and end with it. Default: the recorder of the bench writes them. */
  hasOwnEvents?: boolean;
  now?: () => Date;
  /** Whether the registry has an image. Default: it has all. */
  findImage?: FindImage;
}

interface ControllerRunDeps {
  client: KubeClient;
  caches: OperatorCaches;
  simulation: SimulatedWorkload;
  events: EventRecorder;
  logger: Logger;
}

/** Starts the controllers of one process. They work until `stop` is called. */
export function startControllers(
  { client, caches, simulation, events: sharedEvents, logger }: ControllerRunDeps,
  {
    gate = OPEN,
    spokeGate = OPEN,
    concerns = () => true,
    hasReleases = true,
    hasOwnEvents = false,
    now = () => new Date(),
    findImage = async () => true,
  }: ControllerRunOptions = {},
): ControllerRun {
  const { calls, isCalling, through } = recordCalls(gate);
  const reconciles: string[] = [];
  const drifts: ControllerRun["drifts"] = [];
  const spokeLists: string[] = [];
  const ending = new AbortController();
  const gated = gateClient(client, through);
  const recorder = { client: gated, component: FIELD_MANAGER, instance: "bench", logger, now };
  const events = hasOwnEvents ? createEventRecorder(recorder) : sharedEvents;
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
  const errorRates = createErrorRates({
    caches,
    readRequests: (baseUrl) => simulation.countRequests(baseUrl),
    now,
    pace: { firstRetryMs: 50, maxRetryMs: 50 },
  });
  const spokes = createSpokes({
    client: gated,
    connect({ config }) {
      const spoke = createKubeClient({ kubeConfig: config, userAgent: "operator-bench" });
      return gateClient(recordLists(spoke, spokeLists), spokeGate);
    },
    namespaces: caches.namespaces,
    secretVersions: caches.secretVersions,
    logger,
    now,
    pace: { firstBackoffMs: 50, maxBackoffMs: 200, stableMs: 100 },
  });
  const reconcileSovereign = createSovereignReconciler({
    ...common,
    ...measurements,
    errorRates,
    verification,
    autoscalers: createAutoscalers({ client: gated, now }),
    applier,
    caches,
    fleets,
    spokes,
    operatorJwks: () => ({ keys: [] }),
    secrets: createSecretReader({
      client: gated,
      secretVersions: caches.secretVersions,
      applier,
      keyedDigest: sha256Digest,
    }),
    orderNoticeUrl: "http://operator/orders-placed",
    billingDrainSeconds: 1,
    admissionNotice: undefined,
    mintToken: async () => "token",
    probeIssuer,
    probeDatabase: ({ databaseUrl, namespace }) =>
      through("probe", () => simulation.probe(databaseUrl, namespace)),
    smoke: (input) => through("smoke", () => simulation.smoke(input)),
    onDrift: (sovereign, { kind, fields }) => void drifts.push({ sovereign, kind, fields }),
  });
  const release = {
    ...{ ...common, releases, sovereigns, fleets, findImage },
    images: createImageChecks({ now }),
    failures: createFailedSovereignGauge(new Registry()),
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
          ...[measurements.probes, measurements.smokeTests, errorRates, verification, spokes],
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
  return {
    calls,
    reconciles,
    drifts,
    spokeLists,
    isCalling,
    async stop() {
      ending.abort();
      await running;
      if (hasOwnEvents) await events.flush();
    },
  };
}

/** Records the calls of a process, and whether one of them has no answer yet. */
export function recordCalls(gate: Gate) {
  const calls: Call[] = [];
  let unanswered = 0;
  const through: Gate = async (call, act) => {
    calls.push(call);
    unanswered += 1;
    try {
      return await gate(call, act);
    } finally {
      unanswered -= 1;
    }
  };
  return { calls, isCalling: () => unanswered > 0, through };
}

/** The client, which writes the kind of each list into `lists`. */
const recordLists = (client: KubeClient, lists: string[]): KubeClient => ({
  ...client,
  list(resource, options) {
    lists.push(resource.kind);
    return client.list(resource, options);
  },
  listPages(resource, options, onPage) {
    lists.push(resource.kind);
    return client.listPages(resource, options, onPage);
  },
});

/** The client, with each call through the gate. */
export function gateClient(client: KubeClient, gate: Gate): KubeClient {
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
