/** A fleet: its size, and the number and duration of its measurements. */
export interface FleetScenario {
  name: string;
  sovereigns: number;
  /** How long the operator's requests at rest are counted. */
  restMs: number;
  /** The number of edits whose latency is measured. */
  edits: number;
  /** Whether a killed leader, a stopped leader and an unreachable API server are measured as well. */
  hasFaults: boolean;
}

const SIZES = [100, 1_000, 3_000, 10_000];
/** Faults are measured on this fleet only. Larger fleets would give the same times, and already take long. */
const FAULT_SIZE = 1_000;

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
      }));
  return scenarios.filter(({ name }) => name.includes(only));
}
