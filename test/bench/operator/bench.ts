import { BILLING_RELEASE } from "../../../src/api/billing-release.ts";
import { resourceOf } from "../../../src/kube/resource.ts";
import { sleep } from "../../../src/platform/shutdown.ts";
import { settle } from "../admission/operator-process.ts";
import { liveHeapMib } from "../inspector.ts";
import { residentMib } from "../process-figure.ts";
import { figure } from "../text-table.ts";
import { judgeBars } from "./bars.ts";
import { measureFaults } from "./fault.ts";
import { REPLICAS, releaseManifest } from "./fleet.ts";
import { converge, editMany, hangPods, isHanging, READY_TIMEOUT_MS, rest } from "./measurement.ts";
import { createObserver } from "./observer.ts";
import { createPhaseRecorder, type Phase, type PhaseProfile } from "./phase-profile.ts";
import type { FleetResult, OperatorBenchResult } from "./result.ts";
import type { FleetScenario } from "./scenario.ts";
import { createOperatorWorld } from "./world.ts";

interface Options {
  /** Missed: every part of a large fleet is profiled, and the profiles of missed bars are shown. */
  profile: "missed" | "all" | "none";
  report(text: string): void;
}

/** Smaller fleets have no bar that a profile explains. */
const PROFILED_FROM = 1_000;
const REST_PROFILE_MS = 30_000;
const PROFILED_EDITS = 75;

/** Measures each fleet on a new cluster. */
export async function runOperatorBench(
  plan: readonly FleetScenario[],
  options: Options,
): Promise<OperatorBenchResult> {
  const fleets: FleetResult[] = [];
  for (const scenario of plan) fleets.push(await measureFleet(scenario, options));
  return { fleets, bars: judgeBars(fleets) };
}

async function measureFleet(scenario: FleetScenario, { profile, report }: Options): Promise<FleetResult> {
  const { name, sovereigns, edits } = scenario;
  const isProfiled = profile === "all" || (profile === "missed" && sovereigns >= PROFILED_FROM);
  const profiles: PhaseProfile[] = [];
  const say = (text: string) => report(`${name}: ${text}`);
  const world = await createOperatorWorld();
  const observer = await createObserver(world.client);
  const deps = { world, observer };
  try {
    const operator = await world.startOperator();
    await world.client.create(resourceOf(BILLING_RELEASE), releaseManifest);
    await settle(operator);
    const emptyMib = residentMib(operator.pid);
    const recorder = await createPhaseRecorder(world, operator);
    const heapMib = async () => (profile === "all" ? liveHeapMib(await operator.inspectorUrl()) : undefined);
    // Each part is profiled after it was measured, so that its figures are not those of a profiled process.
    async function profilePart(phase: Phase, run: () => Promise<unknown>): Promise<void> {
      if (isProfiled) profiles.push(await recorder.profile(phase, run));
    }
    const emptyHeapMib = await heapMib();
    say("creating them");
    const [convergence, halfReady] = await Promise.all([
      converge(deps, operator, sovereigns),
      isProfiled ? recorder.profileHalfReady(observer, sovereigns, READY_TIMEOUT_MS) : undefined,
    ]);
    if (halfReady !== undefined) profiles.push(halfReady);
    // Printed now, so that a run of hours that fails later has shown it.
    say(`Ready after ${convergence.seconds.toFixed(0)} s: ${figuresText(convergence)}; at rest`);
    const atRest = await rest(deps, operator, scenario);
    const heap = { emptyMib: emptyHeapMib, atRestMib: await heapMib() };
    await profilePart("at rest", () => sleep(Math.min(REST_PROFILE_MS, scenario.restMs)));
    say(`at rest: ${figuresText(atRest)}; editing`);
    // Each call has a number of replicas that no Sovereign has yet. `hangPods` uses the third.
    const editAll = (replicas: number, count = edits) =>
      editMany(deps, { sovereigns, edits: count, replicas });
    const editOthers = (replicas: number, count = edits) =>
      editMany(deps, { sovereigns, edits: count, replicas, isChosen: (index) => !isHanging(index) });
    const few = Math.min(PROFILED_EDITS, edits);
    const edit = await recorder.pauses(() => editAll(REPLICAS + 1));
    await profilePart("edits", () => editAll(REPLICAS + 4, few));
    await hangPods(deps, operator, sovereigns);
    const editWhilePodsHang = await recorder.pauses(() => editOthers(REPLICAS + 2));
    await profilePart("edits while Pods hang", () => editOthers(REPLICAS + 5, few));
    say(`edits: ${figuresText(edit)}; while Pods hang: ${figuresText(editWhilePodsHang)}`);
    const faults = scenario.hasFaults ? await measureFaults(deps, operator) : undefined;
    return {
      ...{ scenario, emptyMib, heap, convergence, rest: atRest },
      ...{ edit, editWhilePodsHang, faults, profiles },
    };
  } finally {
    await observer.close();
    await world.close();
  }
}

/** The figures of one part of a result, as text. */
const figuresText = (figures: object): string =>
  Object.entries(figures)
    .flatMap(([name, value]) => (typeof value === "number" ? [`${name} ${figure(value)}`] : []))
    .join(", ");
