import { barTable } from "../bar.ts";
import type { Machine } from "../machine.ts";
import { percent, profileTable } from "../profile.ts";
import { figure, range, textTable } from "../text-table.ts";
import type { BenchResult } from "./bench.ts";
import type { Profile, ScenarioResult, SideResult } from "./result.ts";

export function renderReport(machine: Machine, result: BenchResult): string {
  const { roundTrips, memoryAtRest, scenarios, bars, profiles } = result;
  return [
    `${machine.cores} cores (${machine.processor}), ${machine.memoryGib} GiB, ${machine.system}, Node ${machine.node}, PostgreSQL ${result.postgres} with fsync`,
    `${result.rounds} rounds of ${result.measureMs} ms for each side; large ledger: ${result.ledgerRows} rows, adopted in ${(result.adoptionMs / 1_000).toFixed(1)} s`,
    `round trip to the database: ${roundTrips.map(({ wantedMs, medianMs }) => `${figure(medianMs)} ms ${wantedMs === 0 ? "on loopback" : `for ${wantedMs} ms`}`).join(", ")}`,
    `billing at rest: ${figure(memoryAtRest.rssMib)} MiB resident, ${figure(memoryAtRest.pssMib)} MiB proportional`,
    textTable([
      ["requests/s: median (min–max)", "ours", "earlier", "ratio"],
      ...scenarios.map((scenario) => [
        scenario.name,
        range(scenario.ours.perSecond),
        range(scenario.earlier.perSecond),
        range(scenario.ratio),
      ]),
    ]),
    textTable([
      [
        "medians",
        "",
        "p50 ms",
        "p99 ms",
        "sender late ms: p99, max",
        "process CPU ms",
        "server CPU ms",
        "round trips",
        "peak MiB",
      ],
      ...scenarios.flatMap((scenario) => [
        sideRow(scenario, "ours", scenario.ours),
        sideRow(scenario, "earlier", scenario.earlier),
      ]),
    ]),
    ...profiles.map(renderProfile),
    barTable(bars),
  ].join("\n\n");
}

function sideRow(scenario: ScenarioResult, side: string, result: SideResult): string[] {
  return [
    side === "ours" ? scenario.name : "",
    side,
    figure(result.p50Ms.median),
    figure(result.p99Ms.median),
    result.generatorP99Ms === undefined
      ? "–"
      : `${figure(result.generatorP99Ms.median)}, ${figure(result.generatorMaxMs?.max)}`,
    figure(result.processCpuMs?.median),
    figure(result.serverCpuMs.median),
    figure(result.tripsPerRequest?.median),
    figure(result.peakMemoryMib?.max),
  ];
}

function renderProfile({ scenario, packages, functions, statements }: Profile): string {
  return [
    `where the time goes: ${scenario}`,
    profileTable("billing process, by package", packages),
    profileTable("billing process, by function", functions),
    ...(statements === undefined
      ? []
      : [
          textTable([
            ["inside the database function: of its time, waiting included", "", "calls", "mean ms"],
            ...statements.map(({ name, share, calls, meanMs }) => [
              `  ${name}`,
              percent(share),
              String(calls),
              figure(meanMs),
            ]),
          ]),
        ]),
  ].join("\n");
}
