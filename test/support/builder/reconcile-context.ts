import { onTestFinished } from "vitest";
import type { BillingRelease } from "../../../src/api/billing-release.ts";
import { BILLING_RELEASE } from "../../../src/api/billing-release.ts";
import { BLUEPRINT, type Blueprint } from "../../../src/api/blueprint.ts";
import { ENVIRONMENT_POLICY, type EnvironmentPolicy } from "../../../src/api/environment-policy.ts";
import type { Franchise } from "../../../src/api/franchise.ts";
import { FRANCHISE } from "../../../src/api/franchise.ts";
import type { KubernetesObject } from "../../../src/api/object.ts";
import { SOVEREIGN, type Sovereign } from "../../../src/api/sovereign.ts";
import { createFleets } from "../../../src/controllers/billing-release/fleet.ts";
import { createAutoscalers } from "../../../src/controllers/sovereign/autoscaler.ts";
import {
  NAMESPACE_INDEX,
  SOVEREIGN_INDEX,
  SOVEREIGN_INDEXES,
  type SovereignCaches,
} from "../../../src/controllers/sovereign/cache.ts";
import type { ReconcileContext } from "../../../src/controllers/sovereign/context.ts";
import type { SovereignDeps } from "../../../src/controllers/sovereign/dependency.ts";
import { createErrorRates } from "../../../src/controllers/sovereign/error-rate.ts";
import { createSovereignMeasurements } from "../../../src/controllers/sovereign/measurement.ts";
import type { DeploymentObject, JobObject, PodObject } from "../../../src/controllers/sovereign/observed.ts";
import type { Informer, InformerEvent, InformerHandler } from "../../../src/kube/informer.ts";
import {
  CONFIG_MAPS,
  DEPLOYMENTS,
  JOBS,
  keyOf,
  NAMESPACES,
  PODS,
  type Resource,
  resourceOf,
  SECRETS,
} from "../../../src/kube/resource.ts";
import { createLogger } from "../../../src/platform/log.ts";
import { NOW } from "./catalyst-object.ts";

/** A cache with these objects, which passes the events of a test to its handlers. */
export interface FixedInformer<T extends KubernetesObject> extends Informer<T> {
  announce(event: InformerEvent<T>): void;
}

export function fixedInformer<T extends KubernetesObject>(
  resource: Resource,
  objects: readonly T[] = [],
  indexes: Record<string, (object: T) => string[]> = {},
): FixedInformer<T> {
  const handlers: InformerHandler<T>[] = [];
  return {
    resource,
    get: (key) => objects.find(({ metadata }) => keyOf(metadata) === key),
    list: () => [...objects],
    byIndex: (index, value) => objects.filter((object) => indexes[index]?.(object).includes(value)),
    onChange: (handler) => void handlers.push(handler),
    onLaterChange: (handler) => void handlers.push(handler),
    offer: () => undefined,
    isSynced: () => true,
    silentForMs: () => 0,
    synced: Promise.resolve(),
    run: () => Promise.resolve(),
    announce: (event) => {
      for (const handler of handlers) handler(event);
    },
  };
}

interface Known {
  sovereigns?: Sovereign[];
  releases?: BillingRelease[];
  franchises?: Franchise[];
  blueprints?: Blueprint[];
  policies?: EnvironmentPolicy[];
  namespaces?: KubernetesObject[];
  deployments?: DeploymentObject[];
  jobs?: JobObject[];
  pods?: PodObject[];
  secretVersions?: KubernetesObject[];
}

type FixedCaches = {
  [Name in Exclude<keyof SovereignCaches, "others">]: SovereignCaches[Name] extends Informer<infer T>
    ? FixedInformer<T>
    : never;
} & { others: FixedInformer<KubernetesObject>[] };

const BY_NAMESPACE = {
  [NAMESPACE_INDEX]: ({ metadata }: KubernetesObject) => [metadata.namespace ?? ""],
};

export function cachesOf(known: Known): FixedCaches {
  return {
    sovereigns: fixedInformer(resourceOf(SOVEREIGN), known.sovereigns, SOVEREIGN_INDEXES),
    releases: fixedInformer(resourceOf(BILLING_RELEASE), known.releases),
    franchises: fixedInformer(resourceOf(FRANCHISE), known.franchises),
    blueprints: fixedInformer(resourceOf(BLUEPRINT), known.blueprints),
    policies: fixedInformer(resourceOf(ENVIRONMENT_POLICY), known.policies),
    namespaces: fixedInformer(NAMESPACES, known.namespaces),
    deployments: fixedInformer(DEPLOYMENTS, known.deployments, BY_NAMESPACE),
    jobs: fixedInformer(JOBS, known.jobs, BY_NAMESPACE),
    pods: fixedInformer(PODS, known.pods, BY_NAMESPACE),
    secretVersions: fixedInformer(SECRETS, known.secretVersions),
    authorityVersions: fixedInformer(CONFIG_MAPS),
    others: [],
  };
}

export interface RecordedEvent {
  type: string;
  reason: string;
  message: string;
}

/** Fails a test that sends an unplanned request. */
function refuseAll<T extends object>(name: string): T {
  return new Proxy({} as T, {
    get: (_target, member) => () => {
      throw new Error(`this test has no ${name}.${String(member)}`);
    },
  });
}

/** The context of a step that reads these caches. A step that needs an API server gets it through `deps`. */
export function contextOf(
  sovereign: Sovereign,
  known: Known = {},
  deps: Partial<SovereignDeps> = {},
): ReconcileContext & { events: RecordedEvent[] } {
  const events: RecordedEvent[] = [];
  const caches = cachesOf(known);
  const now = () => new Date(NOW);
  const measurements = {
    ...createSovereignMeasurements({ now }),
    errorRates: createErrorRates({
      caches,
      readRequests: async () => {
        throw new Error("this test has no billing Pod");
      },
      now,
    }),
  };
  // Measurements that fail are repeated. They would go on in the next test files, which share this process.
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  for (const { connect } of Object.values(measurements)) connect(() => undefined, stop.signal);
  return {
    sovereign,
    findings: { conditions: [], facts: {}, stop: undefined },
    report: async () => undefined,
    signal: stop.signal,
    events,
    deps: {
      client: refuseAll("client"),
      applier: refuseAll("applier"),
      fieldManager: "test",
      caches,
      fleets: createFleets({
        sovereigns: caches.sovereigns,
        releases: caches.releases,
        index: SOVEREIGN_INDEX.release,
        now,
      }),
      events: {
        record: (_about, type, reason, message) => void events.push({ type, reason, message }),
        flush: async () => undefined,
        settle: async () => undefined,
      },
      logger: createLogger("test", "silent"),
      now,
      spokes: refuseAll("spokes"),
      ...measurements,
      verification: { needsSmokeTest: () => false, clear: () => undefined },
      autoscalers: createAutoscalers({ client: deps.client ?? refuseAll("client"), now }),
      probeIssuer: async () => {
        throw new Error("this test has no issuer");
      },
      probeDatabase: async () => {
        throw new Error("this test has no database");
      },
      smoke: async () => {
        throw new Error("this test has no billing Pod");
      },
      mintToken: async (fqdn) => `token for ${fqdn}`,
      operatorJwks: () => ({ keys: [] }),
      secrets: refuseAll("secrets"),
      orderNoticeUrl: "http://operator/orders-placed",
      billingDrainSeconds: 10,
      admissionNotice: undefined,
      onDrift: () => undefined,
      ...deps,
    },
  };
}
