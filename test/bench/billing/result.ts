import type { ProfileLine } from "../profile.ts";
import { type Spread, spreadOf } from "../statistic.ts";
import type { Measurement } from "./measurement.ts";
import type { Scenario } from "./scenario.ts";

/** One side's measurements of one scenario, over all rounds. */
export interface SideResult {
  requests: number;
  perSecond: Spread;
  p50Ms: Spread;
  p99Ms: Spread;
  /** The delay of the sending process's event loop: p99 and maximum. */
  generatorP99Ms?: Spread;
  generatorMaxMs?: Spread;
  serverCpuMs: Spread;
  processCpuMs?: Spread;
  tripsPerRequest?: Spread;
  peakMemoryMib?: Spread;
}

export interface ScenarioResult extends Scenario {
  ours: SideResult;
  earlier: SideResult;
  /** Our requests per second divided by those of the earlier service, computed for each round. */
  ratio: Spread;
}

export interface ProcessMemory {
  /** Proportional set size: shared memory counts by this process's share. */
  pssMib: number;
  /** Resident set size: shared memory counts in full. */
  rssMib: number;
}

export interface Profile {
  scenario: string;
  packages: ProfileLine[];
  functions: ProfileLine[];
  /** Statements inside the database function. Absent for requests without a function. */
  statements?: (ProfileLine & { calls: number; meanMs: number })[];
}

export interface Round {
  ours: Measurement;
  earlier: Measurement;
}

export function summarise(scenario: Scenario, rounds: readonly Round[]): ScenarioResult {
  return {
    ...scenario,
    ours: summariseSide(rounds.map(({ ours }) => ours)),
    earlier: summariseSide(rounds.map(({ earlier }) => earlier)),
    ratio: spreadOf(rounds.map(({ ours, earlier }) => ours.perSecond / earlier.perSecond)),
  };
}

function summariseSide(measurements: readonly Measurement[]): SideResult {
  const spread = (of: (measurement: Measurement) => number) => spreadOf(measurements.map(of));
  const optional = (of: (measurement: Measurement) => number | undefined): Spread | undefined => {
    const values = measurements.map(of).filter((value) => value !== undefined);
    return values.length === 0 ? undefined : spreadOf(values);
  };
  const extras = {
    generatorP99Ms: optional(({ generator }) => generator?.p99Ms),
    generatorMaxMs: optional(({ generator }) => generator?.maxMs),
    processCpuMs: optional(({ processCpuMs }) => processCpuMs),
    tripsPerRequest: optional(({ trips }) => trips),
    peakMemoryMib: optional(({ peakMemoryMib }) => peakMemoryMib),
  };
  return {
    requests: measurements.reduce((sum, { count }) => sum + count, 0),
    perSecond: spread(({ perSecond }) => perSecond),
    p50Ms: spread(({ p50Ms }) => p50Ms),
    p99Ms: spread(({ p99Ms }) => p99Ms),
    serverCpuMs: spread(({ serverCpuMs }) => serverCpuMs),
    ...Object.fromEntries(Object.entries(extras).filter(([, spread]) => spread !== undefined)),
  };
}
