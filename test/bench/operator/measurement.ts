import { SOVEREIGN } from "../../../src/api/sovereign.ts";
import { isAlreadyExists, isServerUnavailable } from "../../../src/kube/error.ts";
import { resourceOf } from "../../../src/kube/resource.ts";
import { sleep } from "../../../src/platform/shutdown.ts";
import { type OperatorProcess, settle } from "../admission/operator-process.ts";
import { cpuSeconds, peakResidentMib, residentMib } from "../process-figure.ts";
import { quantile } from "../statistic.ts";
import { REPLICAS, sovereignManifest, sovereignName } from "./fleet.ts";
import type { Observer } from "./observer.ts";
import type { OperatorWorld } from "./world.ts";

export interface Convergence {
  /** From the creation of the first Sovereign until the last one is Ready. */
  seconds: number;
  cpuMsPerSovereign: number;
  requestsPerSovereign: number;
  writesPerSovereign: number;
  residentMib: number;
  /** The requests by verb and resource. */
  byResource: Record<string, number>;
}

export interface Rest {
  writes: number;
  requestsPerSovereignAndHour: number;
  queriesPerSovereignAndHour: number;
  billingRequestsPerSovereignAndHour: number;
  openConnections: number;
  /** The share of one core, from 0 to 1. */
  cpuShare: number;
  residentMib: number;
  /** The largest resident memory since the operator's start. */
  peakMib: number;
  /** The requests by verb and resource. They help to explain a missed bar. */
  byResource: Record<string, number>;
}

export interface EditLatency {
  p50Ms: number;
  p99Ms: number;
}

interface Deps {
  world: OperatorWorld;
  observer: Observer;
}

const CREATORS = 8;
/** A fleet of 10,000 takes an hour on a machine with other load. */
export const READY_TIMEOUT_MS = 2 * 3_600_000;
const EDIT_TIMEOUT_MS = 120_000;
/**
 * The pause between two edits. An edit causes about 20 requests of the operator and of the bench's kubelet. At 20 edits a
 * second, the API server, which shares the cores, is busy all the time, and the latency is that of its queue.
 */
const EDIT_PAUSE_MS = 200;
/** The pause before a refused write is repeated. Without it, a server that refuses connections would get a busy loop. */
const RETRY_MS = 20;

/** Creates the fleet and waits until it is Ready. */
export async function converge(
  { world, observer }: Deps,
  { pid, ended }: OperatorProcess,
  sovereigns: number,
): Promise<Convergence> {
  const before = { cpu: cpuSeconds(pid), ...(await world.requestCounts()) };
  const startMs = performance.now();
  let next = 0;
  async function create(): Promise<void> {
    for (let index = next++; index < sovereigns; index = next++)
      await write(() => world.client.create(resourceOf(SOVEREIGN), sovereignManifest(index)));
  }
  await Promise.all(Array.from({ length: CREATORS }, create));
  await Promise.race([observer.allReady(sovereigns, READY_TIMEOUT_MS), ended]);
  const { requests, writes, byResource } = await world.requestCounts();
  return {
    seconds: (performance.now() - startMs) / 1_000,
    cpuMsPerSovereign: ((cpuSeconds(pid) - before.cpu) * 1_000) / sovereigns,
    requestsPerSovereign: (requests - before.requests) / sovereigns,
    writesPerSovereign: (writes - before.writes) / sovereigns,
    residentMib: residentMib(pid),
    byResource: increase(before.byResource, byResource),
  };
}

/** The growth of each count. Counts that did not grow are left out. */
function increase(before: Record<string, number>, after: Record<string, number>): Record<string, number> {
  const grown = Object.entries(after).map(([kind, count]) => [kind, count - (before[kind] ?? 0)] as const);
  return Object.fromEntries(grown.filter(([, count]) => count > 0));
}

/** Counts the operator's requests while nothing changes. */
export async function rest(
  { world }: Deps,
  operator: OperatorProcess,
  { sovereigns, restMs }: { sovereigns: number; restMs: number },
): Promise<Rest> {
  await settle(operator);
  const { pid } = operator;
  const before = { cpu: cpuSeconds(pid), ...(await world.requestCounts()), ...(await world.workload()) };
  await sleep(restMs);
  const after = { cpu: cpuSeconds(pid), ...(await world.requestCounts()), ...(await world.workload()) };
  const perSovereignAndHour = (member: "requests" | "queries" | "billingRequests") =>
    ((after[member] - before[member]) * 3_600_000) / restMs / sovereigns;
  return {
    writes: after.writes - before.writes,
    requestsPerSovereignAndHour: perSovereignAndHour("requests"),
    queriesPerSovereignAndHour: perSovereignAndHour("queries"),
    billingRequestsPerSovereignAndHour: perSovereignAndHour("billingRequests"),
    openConnections: after.openConnections,
    cpuShare: (after.cpu - before.cpu) / (restMs / 1_000),
    residentMib: residentMib(pid),
    peakMib: peakResidentMib(pid),
    byResource: increase(before.byResource, after.byResource),
  };
}

/** Milliseconds from an edit of a Sovereign until its Deployment is updated. */
export async function editLatency(
  { world, observer }: Deps,
  name: string,
  replicas: number,
): Promise<number> {
  const startMs = performance.now();
  const seen = observer.replicasSeen(name, replicas, EDIT_TIMEOUT_MS);
  const patch = { spec: { billing: { replicas } } };
  await Promise.all([patchSovereign(world, name, patch), seen]);
  return (await seen) - startMs;
}

/** Writes an edit or a creation. Repeats it while the API server is too busy to answer. */
async function write(act: () => Promise<unknown>): Promise<void> {
  const untilMs = performance.now() + EDIT_TIMEOUT_MS;
  for (;;) {
    try {
      await act();
      return;
    } catch (error) {
      if (isAlreadyExists(error)) return;
      if (!isServerUnavailable(error) || performance.now() >= untilMs) throw error;
    }
    await sleep(RETRY_MS);
  }
}

const patchSovereign = ({ client }: OperatorWorld, name: string, patch: object): Promise<void> =>
  write(() => client.mergePatch(resourceOf(SOVEREIGN), { name }, patch));

/** The latency of an edit. For an edit that is lost, the whole timeout. */
const editLatencyWithin = (deps: Deps, name: string, replicas: number): Promise<number> =>
  editLatency(deps, name, replicas).catch(() => EDIT_TIMEOUT_MS);

/**
 * Edits the Sovereigns that `isChosen` selects by number, one after the other, without waiting for the effect of the
 * last edit.
 */
export async function editMany(
  deps: Deps,
  options: { sovereigns: number; edits: number; replicas: number; isChosen?: (index: number) => boolean },
): Promise<EditLatency> {
  const { sovereigns, edits, replicas, isChosen = () => true } = options;
  const chosen = Array.from({ length: sovereigns }, (_, index) => index).filter(isChosen);
  const stride = Math.max(1, Math.floor(chosen.length / edits));
  const targets = chosen.filter((_, at) => at % stride === 0).slice(0, edits);
  const latencies: Promise<number>[] = [];
  for (const index of targets) {
    latencies.push(editLatencyWithin(deps, sovereignName(index), replicas));
    await sleep(EDIT_PAUSE_MS);
  }
  const measured = await Promise.all(latencies);
  return { p50Ms: quantile(measured, 0.5), p99Ms: quantile(measured, 0.99) };
}

/** In one of this many Sovereigns, the Pods stop answering. */
const HANGING_ONE_IN = 10;
export const isHanging = (index: number) => index % HANGING_ONE_IN === 1;

/** Replaces Pods by ones that never answer, and waits until their Sovereigns only wait for their smoke tests. */
export async function hangPods(
  { world }: Deps,
  operator: OperatorProcess,
  sovereigns: number,
): Promise<void> {
  await world.workload({ kind: "hang", oneIn: HANGING_ONE_IN });
  const patch = { spec: { billing: { replicas: REPLICAS + 3 } } };
  const hanging = Array.from({ length: sovereigns }, (_, index) => index).filter(isHanging);
  for (const index of hanging) await patchSovereign(world, sovereignName(index), patch);
  await settle(operator);
}
