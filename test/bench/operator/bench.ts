import { BILLING_RELEASE } from "../../../src/api/billing-release.ts";
import { resourceOf } from "../../../src/kube/resource.ts";
import { settle } from "../admission/operator-process.ts";
import { liveHeapMib } from "../inspector.ts";
import { residentMib } from "../process-figure.ts";
import { readCpuProfile, recordCpuProfile } from "../profile.ts";
import { figure } from "../text-table.ts";
import { judgeBars } from "./bars.ts";
import { measureFaults } from "./fault.ts";
import { REPLICAS, releaseManifest } from "./fleet.ts";
import { converge, editMany, hangPods, isHanging, rest } from "./measurement.ts";
import { createObserver } from "./observer.ts";
import type { FleetResult, OperatorBenchResult } from "./result.ts";
import type { FleetScenario } from "./scenario.ts";
import { createOperatorWorld } from "./world.ts";

interface Options {
  isProfiled: boolean;
  report(text: string): void;
}

/** Measures each fleet on a new cluster. */
export async function runOperatorBench(
  plan: readonly FleetScenario[],
  options: Options,
): Promise<OperatorBenchResult> {
  const fleets: FleetResult[] = [];
  for (const scenario of plan) fleets.push(await measureFleet(scenario, options));
  return { fleets, bars: judgeBars(fleets) };
}

async function measureFleet(scenario: FleetScenario, { isProfiled, report }: Options): Promise<FleetResult> {
  const { name, sovereigns, edits } = scenario;
  const say = (text: string) => report(`${name}: ${text}`);
  const world = await createOperatorWorld();
  const observer = await createObserver(world.client);
  const deps = { world, observer };
  try {
    const operator = await world.startOperator(isProfiled ? ["--inspect=127.0.0.1:0"] : []);
    await world.client.create(resourceOf(BILLING_RELEASE), releaseManifest);
    await settle(operator);
    const emptyMib = residentMib(operator.pid);
    const { inspectorUrl } = operator;
    const heapMib = () => (inspectorUrl === undefined ? undefined : liveHeapMib(inspectorUrl));
    const emptyHeapMib = await heapMib();
    say("creating them");
    const { result: convergence, profile } = await profiled(inspectorUrl, () =>
      converge(deps, operator, sovereigns),
    );
    // Printed now, so that a run of hours that fails later has shown it.
    say(`Ready after ${convergence.seconds.toFixed(0)} s: ${figuresText(convergence)}; at rest`);
    const atRest = await rest(deps, operator, scenario);
    const heap = { emptyMib: emptyHeapMib, atRestMib: await heapMib() };
    say(`at rest: ${figuresText(atRest)}; editing`);
    const edit = await editMany(deps, { sovereigns, edits, replicas: REPLICAS + 1 });
    await hangPods(deps, operator, sovereigns);
    const editWhilePodsHang = await editMany(deps, {
      // No Sovereign has this number of replicas yet.
      ...{ sovereigns, edits, replicas: REPLICAS + 2 },
      isChosen: (index) => !isHanging(index),
    });
    say(`edits: ${figuresText(edit)}; while Pods hang: ${figuresText(editWhilePodsHang)}`);
    const faults = scenario.hasFaults ? await measureFaults(deps, operator) : undefined;
    return { scenario, emptyMib, heap, convergence, rest: atRest, edit, editWhilePodsHang, faults, profile };
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

async function profiled<T>(inspectorUrl: string | undefined, run: () => Promise<T>) {
  if (inspectorUrl === undefined) return { result: await run(), profile: undefined };
  let result: T | undefined;
  const recorded = await recordCpuProfile(inspectorUrl, async () => {
    result = await run();
  });
  return { result: result as T, profile: { functions: readCpuProfile(recorded).functions.slice(0, 30) } };
}
