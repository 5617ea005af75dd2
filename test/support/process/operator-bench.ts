import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { KubeConfig } from "@kubernetes/client-node";
import { afterAll, beforeAll } from "vitest";
import { parse } from "yaml";
import { BILLING_RELEASE } from "../../../src/api/billing-release.ts";
import { findCondition } from "../../../src/api/condition.ts";
import type { KubernetesObject } from "../../../src/api/object.ts";
import { SOVEREIGN, type Sovereign } from "../../../src/api/sovereign.ts";
import { createKubeClient, type KubeClient } from "../../../src/kube/client.ts";
import { createEventRecorder, type EventRecorder } from "../../../src/kube/event.ts";
import { CUSTOM_RESOURCE_DEFINITIONS, EVENTS, NAMESPACES, resourceOf } from "../../../src/kube/resource.ts";
import { createCaches, type OperatorCaches } from "../../../src/operator/cache.ts";
import { createLogger } from "../../../src/platform/log.ts";
import { startTestApiServer } from "../server/apiserver.ts";
import { type SimulatedWorkload, startSimulatedWorkload } from "../server/simulated-workload.ts";
import { until } from "../wait.ts";
import {
  type ControllerRun,
  type ControllerRunOptions,
  FIELD_MANAGER,
  startControllers,
} from "./controller-run.ts";

export const SOVEREIGNS = resourceOf(SOVEREIGN);
export const RELEASES = resourceOf(BILLING_RELEASE);

export interface OperatorBench {
  client(): KubeClient;
  /** The administrator's kubeconfig. */
  kubeconfig(): string;
  /** The folder of the embedded API server: its certificates, and its journal. */
  stateDir(): string;
  caches(): OperatorCaches;
  /** Starts more caches of the same API server, through a changed client, until the signal fires. */
  moreCaches(change: (client: KubeClient) => KubeClient, signal: AbortSignal): Promise<OperatorCaches>;
  simulation(): SimulatedWorkload;
  recorder(): EventRecorder;
  /** Starts controllers. `concerns` leaves the Sovereigns of other tests alone. */
  startControllers(
    options?: ControllerRunOptions & {
      /** Default: the caches of the bench. */
      caches?: OperatorCaches;
    },
  ): ControllerRun;
  sovereign(name: string): Promise<Sovereign | undefined>;
  /** Waits until a condition has this status. */
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
  /** The folder of the embedded API server. Undefined for the real one. */
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

/** One API server for a whole file. The operator's own code runs against it, with a simulated workload. */
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
  const runs: ControllerRun[] = [];

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
    for (const run of runs) await run.stop();
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

  function startRun({
    caches = benchCaches,
    ...options
  }: Parameters<OperatorBench["startControllers"]>[0] = {}): ControllerRun {
    const run = startControllers({ client, caches, simulation, events, logger }, options);
    runs.push(run);
    return run;
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
    startControllers: startRun,
    sovereign,
    async awaitCondition(name, type, status, reason, withinMs) {
      return until(
        async () => {
          const isMet = (seen: Sovereign | undefined) => {
            const condition = findCondition(seen?.status?.conditions, type);
            return condition?.status === status && (reason === undefined || condition.reason === reason);
          };
          // Reads the cache first: eight tests that ask the server every 10 ms would keep it busy.
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

/** Controllers that still make calls after this time repeat them for ever. */
const SETTLING_MS = 60_000;
const SLICES = 10;

/**
 * Waits until the controllers have all answers and make no call for `quietMs`. `spokeCalls` are calls that `run.calls` does not have. Rejects with
 * the last calls when they do not end.
 */
export async function settled(
  run: Pick<ControllerRun, "calls" | "isCalling">,
  quietMs = 200,
  spokeCalls: readonly string[] = [],
): Promise<void> {
  const count = () => run.calls.length + spokeCalls.length;
  const end = performance.now() + SETTLING_MS;
  for (let seen = -1; seen !== count() || run.isCalling(); ) {
    seen = count();
    if (performance.now() > end)
      throw new Error(
        `calls without an end: ${[...run.calls.slice(-20), ...spokeCalls.slice(-20)].join(", ")}`,
      );
    // On a busy machine, a timer may end late and before the answers that came meanwhile are read. Several short ones read them.
    for (let slice = 0; slice < SLICES; slice += 1)
      await new Promise((resolve) => setTimeout(resolve, quietMs / SLICES));
  }
}

/** Reads the state until it is the expected one, at most for `withinMs`. Returns the last state. */
export async function converged(
  read: () => Promise<string[]>,
  expected: readonly string[] | undefined,
  withinMs: number,
): Promise<string[]> {
  const end = performance.now() + withinMs;
  for (;;) {
    const state = await read();
    if (expected === undefined || state.join() === expected.join() || performance.now() > end) return state;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
