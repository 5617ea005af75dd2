/** One fleet: how large it is, and how long and how often things are measured on it. */
export interface FleetScenario {
  name: string;
  sovereigns: number;
  /** The window in which the operator at rest is counted. */
  restMs: number;
  /** Edits whose way to the Deployment is measured. */
  edits: number;
  /** Whether a killed leader, a stopped leader and an absent API server are measured too. */
  hasFaults: boolean;
  /** The limit of the operator's heap in MiB, where it is not that of the chart. */
  heapMib?: number;
}

const SIZES = [100, 1_000, 3_000, 10_000];
/** Faults cost the same at every size above this one, and the largest fleet takes long enough. */
const FAULT_SIZE = 1_000;

/** A fleet that does not fit into the chart's limit is measured all the same. Its memory then misses the bar. */
const HEAP_MIB: Readonly<Record<number, number>> = { 10000: 1_536 };

const nameOf = (sovereigns: number) => `${sovereigns.toLocaleString("en")} Sovereigns`;

export function createPlan(options: { isQuick: boolean; only?: string }): FleetScenario[] {
  const { isQuick, only = "" } = options;
  const scenarios = isQuick
    ? [{ name: nameOf(5), sovereigns: 5, restMs: 2_000, edits: 3, hasFaults: true }]
    : SIZES.map((sovereigns) => ({
        name: nameOf(sovereigns),
        sovereigns,
        restMs: 120_000,
        edits: 300,
        hasFaults: sovereigns === FAULT_SIZE,
        ...(HEAP_MIB[sovereigns] === undefined ? {} : { heapMib: HEAP_MIB[sovereigns] }),
      }));
  return scenarios.filter(({ name }) => name.includes(only));
}
