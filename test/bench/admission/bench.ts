import { UsageError } from "../../../src/platform/errors.ts";
import { findAssets } from "../../../src/playground/control-plane/real.ts";
import type { Bar } from "../bar.ts";
import { type HelperProcess, startHelper } from "../helper-process.ts";
import { memoryMib, residentMib } from "../process-figure.ts";
import { readCpuProfile, recordCpuProfile } from "../profile.ts";
import { type ApplyResult, createApplyMeter } from "./apply-latency.ts";
import { judgeBars } from "./bars.ts";
import { startLoadGenerator } from "./load-generator.ts";
import { createMeter } from "./measurement.ts";
import type { OperatorProcess } from "./operator-process.ts";
import { type Profile, type Round, type ScenarioResult, summarise } from "./result.ts";
import { APPLY, artifactCount, type Plan, type Scenario } from "./scenario.ts";
import { type AdmissionWorld, createAdmissionWorld } from "./world.ts";

export interface AdmissionBenchResult {
  rounds: number;
  measureMs: number;
  fleet: Plan["size"];
  /** The memory of an operator that has reconciled the fleet. */
  memoryAtRest: { pssMib: number; rssMib: number } | undefined;
  scenarios: ScenarioResult[];
  /** `skipped` says why it was not measured. Undefined: it was not requested. */
  apply: ApplyResult | { skipped: string } | undefined;
  bars: Bar[];
  /** The functions that took the most time, for each missed bar, or for all bars on request. */
  profiles: Profile[];
}

interface Options {
  profile: "missed" | "all" | "none";
  report(text: string): void;
}

export async function runAdmissionBench(plan: Plan, options: Options): Promise<AdmissionBenchResult> {
  const { rounds, measureMs, size: fleet } = plan;
  const measured = plan.scenarios.length === 0 ? NO_REVIEWS : await measureReviews(plan, options);
  const apply = plan.applies === 0 ? undefined : await measureApply(plan, options);
  return { rounds, measureMs, fleet, ...measured, apply };
}

type ReviewResult = Pick<AdmissionBenchResult, "memoryAtRest" | "scenarios" | "bars" | "profiles">;

const NO_REVIEWS: ReviewResult = {
  ...{ memoryAtRest: undefined, scenarios: [], profiles: [] },
  bars: judgeBars([]).bars,
};

async function measureReviews(plan: Plan, options: Options): Promise<ReviewResult> {
  const { report } = options;
  const world = await createAdmissionWorld({
    ...{ kind: "embedded", size: plan.size, artifacts: artifactCount(plan), report },
  });
  const load = await startLoadGenerator(world.file("reviews.json"));
  const floor = await startHelper("admission/floor-process.ts");
  const replicas = [world.operator];
  try {
    const { pid } = world.operator;
    const memoryAtRest = { pssMib: memoryMib(pid), rssMib: residentMib(pid) };
    if (plan.scenarios.some((scenario) => scenario.replicas === 2))
      replicas.push(await world.startOperator());
    const meter = createMeter({ plan, world, load });
    const rounds = new Map<string, Round[]>(plan.scenarios.map(({ name }) => [name, []]));
    for (let round = 0; round <= plan.rounds; round += 1) {
      report(round === 0 ? "warming up" : `round ${round} of ${plan.rounds}`);
      for (const scenario of plan.scenarios) {
        const maxMs = round === 0 ? plan.warmUpMs : plan.measureMs;
        const measured = await measureScenario({ meter, replicas, floor }, scenario, maxMs);
        if (round > 0) rounds.get(scenario.name)?.push(measured);
      }
    }
    const scenarios = plan.scenarios.map((scenario) => summarise(scenario, rounds.get(scenario.name) ?? []));
    const { bars, missed } = judgeBars(scenarios);
    const profiled = plan.scenarios.filter(
      ({ name }) => options.profile === "all" || (options.profile === "missed" && missed.has(name)),
    );
    const profiles = await profile(profiled, { world, meter, report, warmUpMs: plan.warmUpMs });
    return { memoryAtRest, scenarios, bars, profiles };
  } finally {
    await floor.close();
    await load.close();
    await world.close();
  }
}

type Meter = ReturnType<typeof createMeter>;

async function measureScenario(
  deps: { meter: Meter; replicas: readonly OperatorProcess[]; floor: HelperProcess },
  scenario: Scenario,
  maxMs: number,
): Promise<Round> {
  const { meter, replicas, floor } = deps;
  const webhook = await meter.webhook(scenario, replicas.slice(0, scenario.replicas ?? 1), maxMs);
  return scenario.hasFloor === true ? { webhook, floor: await meter.floor(scenario, floor) } : { webhook };
}

async function profile(
  scenarios: readonly Scenario[],
  deps: { world: AdmissionWorld; meter: Meter; report: Options["report"]; warmUpMs: number },
): Promise<Profile[]> {
  if (scenarios.length === 0) return [];
  const { world, meter, report, warmUpMs } = deps;
  const operator = await world.startOperator();
  const inspectorUrl = await operator.inspectorUrl();
  const profiles: Profile[] = [];
  for (const scenario of scenarios) {
    report(`profiling: ${scenario.name}`);
    await meter.webhook(scenario, [operator], warmUpMs);
    const recorded = await recordCpuProfile(inspectorUrl, () => meter.webhook(scenario, [operator]));
    const { packages, functions } = readCpuProfile(recorded);
    profiles.push({
      scenario: scenario.name,
      packages: packages.slice(0, 20),
      functions: functions.slice(0, 30),
    });
  }
  return profiles;
}

async function measureApply(
  { rounds, applies, size }: Plan,
  { report }: Options,
): Promise<ApplyResult | { skipped: string }> {
  try {
    findAssets(process.env.KUBEBUILDER_ASSETS);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return { skipped: "KUBEBUILDER_ASSETS names no folder with kube-apiserver and etcd" };
  }
  const world = await createAdmissionWorld({ kind: "real", size, artifacts: 0, report });
  try {
    const meter = await createApplyMeter(world.api);
    report(APPLY);
    await meter.warmUp(applies);
    for (let round = 0; round < rounds; round += 1) await meter.round(applies);
    return meter.result();
  } finally {
    await world.close();
  }
}
