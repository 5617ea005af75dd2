import type { FleetSize } from "./fleet.ts";

/** One kind of requests, and their rate. */
export interface Scenario {
  /** A short name, which is also the key of the results. */
  name: string;
  /**
   * `cheap`: decided by rules alone; half are denied. `small`: the cheap ones below `SMALL_BYTES`. `cached`: the
   * signature was verified before. `cold`: each names another artifact. `large`: objects of 3 MiB.
   */
  reviews: "cheap" | "small" | "denied" | "allowed" | "cached" | "cold" | "large";
  /** The number of requests under way at the same time. */
  clients: number;
  /** Requests are sent at this rate. Absent: each client sends its next request after the last answer. */
  perSecond?: number;
  /** The most requests that are sent. */
  maxCount?: number;
  /** Whether the bare server is measured as well. */
  hasFloor?: boolean;
  /** The number of operators, which share the clients. Default: 1. The chart installs 2. */
  replicas?: 1 | 2;
}

export interface Plan {
  rounds: number;
  /** Duration of each measurement. */
  measureMs: number;
  /**
   * Duration of the warm-up before the first round. V8 keeps optimising the rules until about 80,000 reviews, and a
   * webhook runs for weeks.
   */
  warmUpMs: number;
  size: FleetSize;
  scenarios: Scenario[];
  /** Writes per namespace and round. With 0, the apply on the real API server is not measured. */
  applies: number;
}

/** Reviews below this size have no Pod specification and no managed fields, such as a binding, a status or a branding. */
export const SMALL_BYTES = 3_000;
const PACED_PER_SECOND = 3_000;
export const CHEAP = "cheap, 50 clients";
export const SMALL = "small, 50 clients";
export const PACED = "cheap, 50 clients, 3,000/s";
export const PACED_SMALL = "small, 50 clients, 3,000/s";
export const PACED_INSTALLED = "cheap, 50 clients, 3,000/s, 2 replicas";
export const PACED_SMALL_INSTALLED = "small, 50 clients, 3,000/s, 2 replicas";
export const COLD = "cold signature, 1 client";
export const FLOOD = "objects of 3 MiB, 50 clients";
export const APPLY = "apply on the real API server";

const SCENARIOS: readonly Scenario[] = [
  ...[1, 50, 500].map(
    (clients): Scenario => ({
      name: `cheap, ${clients} client${clients === 1 ? "" : "s"}`,
      ...{ reviews: "cheap", clients, hasFloor: true },
    }),
  ),
  { name: SMALL, reviews: "small", clients: 50, hasFloor: true },
  { name: "denied, 50 clients", reviews: "denied", clients: 50 },
  { name: "allowed, 50 clients", reviews: "allowed", clients: 50 },
  { name: PACED, reviews: "cheap", clients: 50, perSecond: PACED_PER_SECOND, hasFloor: true },
  { name: PACED_SMALL, reviews: "small", clients: 50, perSecond: PACED_PER_SECOND, hasFloor: true },
  { name: "cheap, 50 clients, 2 replicas", reviews: "cheap", clients: 50, replicas: 2 },
  { name: PACED_INSTALLED, reviews: "cheap", clients: 50, perSecond: PACED_PER_SECOND, replicas: 2 },
  { name: PACED_SMALL_INSTALLED, reviews: "small", clients: 50, perSecond: PACED_PER_SECOND, replicas: 2 },
  { name: "cached signature, 50 clients", reviews: "cached", clients: 50 },
  { name: COLD, reviews: "cold", clients: 1, maxCount: 100 },
  { name: "cold signature, 50 clients", reviews: "cold", clients: 50, maxCount: 300 },
  { name: FLOOD, reviews: "large", clients: 50, maxCount: 200 },
];

const FLEET: FleetSize = { franchises: 50, sovereigns: 200, organizations: 1_000, namespaces: 2_000 };
const SMALL_FLEET: FleetSize = { franchises: 3, sovereigns: 4, organizations: 6, namespaces: 20 };

export function createPlan(options: { isQuick: boolean; rounds?: number; only?: string }): Plan {
  const { isQuick, only = "" } = options;
  const scenarios = SCENARIOS.filter(({ name }) => name.includes(only)).map((scenario) =>
    isQuick && scenario.maxCount !== undefined ? { ...scenario, maxCount: scenario.clients } : scenario,
  );
  return {
    rounds: options.rounds ?? (isQuick ? 1 : 5),
    measureMs: isQuick ? 200 : 3_000,
    warmUpMs: isQuick ? 200 : 8_000,
    size: isQuick ? SMALL_FLEET : FLEET,
    scenarios,
    applies: !APPLY.includes(only) ? 0 : isQuick ? 10 : 400,
  };
}

/** The number of artifacts that cold scenarios use: in each round, in the warm-up, and in a profile with its own warm-up. */
export const artifactCount = ({ rounds, scenarios }: Plan): number =>
  CACHED_ARTIFACTS +
  (rounds + 3) *
    scenarios
      .filter(({ reviews }) => reviews === "cold")
      .reduce((sum, { maxCount = 0 }) => sum + maxCount, 0);

/** The first artifacts of the registry are the ones that `cached` reviews name. */
export const CACHED_ARTIFACTS = 50;
