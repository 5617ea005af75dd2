import type { FleetSize } from "./fleet.ts";

/** One kind of requests, and how fast they come. */
export interface Scenario {
  /** Short, and the key under which results are found. */
  name: string;
  /**
   * `cheap`: rules alone decide; half are denied. `small`: those of them below `SMALL_BYTES`. `cached`: the signature was verified
   * before. `cold`: each names another artifact. `large`: objects of 3 MiB.
   */
  reviews: "cheap" | "small" | "denied" | "allowed" | "cached" | "cold" | "large";
  /** Requests under way at once. */
  clients: number;
  /** Requests are due at this rate; absent: each client sends its next one at once. */
  perSecond?: number;
  /** Nothing is begun beyond this number. */
  maxCount?: number;
  /** Whether the bare server is measured too. */
  hasFloor?: boolean;
  /** Operators that answer, each with its share of the clients. Default: 1. The chart installs 2. */
  replicas?: 1 | 2;
}

export interface Plan {
  rounds: number;
  /** Time for each measurement. */
  measureMs: number;
  /** The same before the first round. V8 optimises the rules until about 80,000 reviews, and a webhook runs for weeks. */
  warmUpMs: number;
  size: FleetSize;
  scenarios: Scenario[];
  /** Writes in each namespace and round; none: the apply on the real API server is not measured. */
  applies: number;
}

/** Reviews of objects without a Pod's specification and its field ownership, such as a binding, a status or a branding. */
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

/** How many artifacts cold scenarios use up: each round, the one that warms up, and a profile with its own. */
export const artifactCount = ({ rounds, scenarios }: Plan): number =>
  CACHED_ARTIFACTS +
  (rounds + 3) *
    scenarios
      .filter(({ reviews }) => reviews === "cold")
      .reduce((sum, { maxCount = 0 }) => sum + maxCount, 0);

/** The first artifacts of the registry are those whose verification is remembered. */
export const CACHED_ARTIFACTS = 50;
