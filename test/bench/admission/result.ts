import type { ProfileLine } from "../profile.ts";
import { type Spread, spreadOf } from "../statistic.ts";
import type { Measurement } from "./measurement.ts";
import type { Scenario } from "./scenario.ts";

/** One server's measurements of one scenario, over all rounds. */
export interface SideResult {
  reviews: number;
  perSecond: Spread;
  p50Ms: Spread;
  p99Ms: Spread;
  cpuMs: Spread;
  generatorCpuMs: Spread;
  peakMemoryMib: Spread;
  registryRequests: Spread;
  registryMs: Spread;
}

export interface ScenarioResult extends Scenario {
  webhook: SideResult;
  /** Latency at p99 minus the registry's own time. */
  besideRegistryMs: Spread;
  /** The bare server; absent where it was not measured. */
  floor?: SideResult;
  /** The webhook's reviews per second divided by the bare server's, computed for each round. */
  ratio?: Spread;
}

export interface Round {
  webhook: Measurement;
  floor?: Measurement;
}

export interface Profile {
  scenario: string;
  packages: ProfileLine[];
  functions: ProfileLine[];
}

export function summarise(scenario: Scenario, rounds: readonly Round[]): ScenarioResult {
  const pairs = rounds.flatMap(({ webhook, floor }) => (floor === undefined ? [] : [{ webhook, floor }]));
  return {
    ...scenario,
    webhook: summariseSide(rounds.map(({ webhook }) => webhook)),
    besideRegistryMs: spreadOf(rounds.map(({ webhook }) => webhook.p99Ms - webhook.registry.ms)),
    ...(pairs.length === 0
      ? {}
      : {
          floor: summariseSide(pairs.map(({ floor }) => floor)),
          ratio: spreadOf(pairs.map(({ webhook, floor }) => webhook.perSecond / floor.perSecond)),
        }),
  };
}

function summariseSide(measurements: readonly Measurement[]): SideResult {
  const spread = (of: (measurement: Measurement) => number) => spreadOf(measurements.map(of));
  return {
    reviews: measurements.reduce((sum, { count }) => sum + count, 0),
    perSecond: spread(({ perSecond }) => perSecond),
    p50Ms: spread(({ p50Ms }) => p50Ms),
    p99Ms: spread(({ p99Ms }) => p99Ms),
    cpuMs: spread(({ cpuMs }) => cpuMs),
    generatorCpuMs: spread(({ generatorCpuMs }) => generatorCpuMs),
    peakMemoryMib: spread(({ peakMemoryMib }) => peakMemoryMib),
    registryRequests: spread(({ registry }) => registry.requests),
    registryMs: spread(({ registry }) => registry.ms),
  };
}
