import { sleep } from "../../../src/platform/shutdown.ts";
import type { Bar } from "../bar.ts";
import { memoryMib, residentMib } from "../process-figure.ts";
import { readCpuProfile, recordCpuProfile } from "../profile.ts";
import { judgeBars, scenarioOfBar } from "./bars.ts";
import { resetPair } from "./database.ts";
import { measureEarlier, measureOverHttp } from "./measurement.ts";
import { type ProcessMemory, type Profile, type Round, type ScenarioResult, summarise } from "./result.ts";
import { measureRoundTrips, type RoundTripResult } from "./round-trip.ts";
import { type Plan, ROUND_TRIP_MS, type Scenario } from "./scenario.ts";
import { profileStatements } from "./statement-profile.ts";
import { createWorld, type World } from "./world.ts";

export interface BenchResult {
  postgres: string;
  rounds: number;
  measureMs: number;
  ledgerRows: number;
  adoptionMs: number;
  roundTrips: RoundTripResult[];
  memoryAtRest: ProcessMemory;
  scenarios: ScenarioResult[];
  bars: Bar[];
  /** The functions that took the most time, for each missed bar, or for all bars on request. */
  profiles: Profile[];
}

export type Report = (text: string) => void;

const SETTLE_MS = 2_000;

/**
 * Measures both sides in turn, in every scenario, for `rounds` rounds. A warm-up round comes first, and its results are
 * dropped.
 */
export async function runBillingBench(
  plan: Plan,
  options: { profile: "missed" | "all" | "none"; report: Report },
): Promise<BenchResult> {
  const { report } = options;
  const roundTripsMs = [0, ROUND_TRIP_MS];
  const world = await createWorld({ ledgerRows: plan.ledgerRows, roundTripsMs, report });
  try {
    const roundTrips = await measureRoundTrips(
      (roundTripMs) => world.databaseUrl(world.pair(0).earlierUrl, roundTripMs),
      roundTripsMs,
    );
    const memoryAtRest = await measureMemoryAtRest(world, Math.min(SETTLE_MS, plan.measureMs * 2));
    const rounds = new Map<string, Round[]>(plan.scenarios.map(({ name }) => [name, []]));
    for (let round = 0; round <= plan.rounds; round += 1) {
      report(round === 0 ? "warming up" : `round ${round} of ${plan.rounds}`);
      for (const scenario of plan.scenarios) {
        const measured = await measureBoth(world, scenario, plan.measureMs, round);
        if (round > 0) rounds.get(scenario.name)?.push(measured);
      }
    }
    const scenarios = plan.scenarios.map((scenario) => summarise(scenario, rounds.get(scenario.name) ?? []));
    const bars = judgeBars(scenarios, rounds, memoryAtRest);
    const missed = new Set(bars.filter(({ held }) => held === false).map(scenarioOfBar));
    const isProfiled = ({ name }: Scenario) =>
      options.profile === "all" || (options.profile === "missed" && missed.has(name));
    const profiles: Profile[] = [];
    for (const scenario of plan.scenarios.filter(isProfiled)) {
      report(`profiling: ${scenario.name}`);
      profiles.push(await profile(world, scenario, plan.measureMs));
    }
    return {
      postgres: world.postgresVersion,
      rounds: plan.rounds,
      measureMs: plan.measureMs,
      ledgerRows: plan.ledgerRows,
      adoptionMs: world.pair(plan.ledgerRows).adoptionMs,
      roundTrips,
      memoryAtRest,
      scenarios,
      bars,
      profiles,
    };
  } finally {
    await world.close();
  }
}

/** The order of the two sides alternates, so that the work that one leaves behind affects both equally. */
async function measureBoth(
  world: World,
  scenario: Scenario,
  measureMs: number,
  round: number,
): Promise<Round> {
  const billing = await world.ours(scenario);
  const begin = () => resetPair(world.pair(scenario.ledgerRows));
  const ours = async () => {
    await begin();
    return measureOverHttp(world, scenario, measureMs, billing);
  };
  const earlier = async () => {
    await begin();
    return measureEarlier(world, scenario, measureMs);
  };
  if (round % 2 === 0) return { ours: await ours(), earlier: await earlier() };
  const first = await earlier();
  return { ours: await ours(), earlier: first };
}

async function measureMemoryAtRest(world: World, settleMs: number): Promise<ProcessMemory> {
  const billing = await world.ours({ ledgerRows: 0, roundTripMs: 0 });
  await sleep(settleMs);
  return { pssMib: memoryMib(billing.pid), rssMib: residentMib(billing.pid) };
}

async function profile(world: World, scenario: Scenario, measureMs: number): Promise<Profile> {
  const billing = await world.startOurs(scenario, ["--inspect=127.0.0.1:0"]);
  const run = async () => void (await measureOverHttp(world, scenario, measureMs, billing));
  try {
    await run();
    await resetPair(world.pair(scenario.ledgerRows));
    const { packages, functions } = readCpuProfile(await recordCpuProfile(billing.inspectorUrl ?? "", run));
    const cpu = {
      scenario: scenario.name,
      packages: packages.slice(0, 15),
      functions: functions.slice(0, 20),
    };
    if (scenario.request !== "checkout") return cpu;
    await resetPair(world.pair(scenario.ledgerRows));
    return { ...cpu, statements: await profileStatements(world.pair(scenario.ledgerRows).oursUrl, run) };
  } finally {
    await billing.stop();
  }
}
