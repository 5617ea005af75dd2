import { barTable } from "../bar.ts";
import type { Machine } from "../machine.ts";
import { percent, profileTable } from "../profile.ts";
import { figure, textTable } from "../text-table.ts";
import type { PhaseProfile } from "./phase-profile.ts";
import type { FleetResult, OperatorBar, OperatorBenchResult } from "./result.ts";

/** `isProfiled`: also shows the profiles that explain no missed bar. */
export function renderReport(
  machine: Machine,
  { fleets, bars }: OperatorBenchResult,
  isProfiled: boolean,
): string {
  return [
    `${machine.cores} cores (${machine.processor}), ${machine.memoryGib} GiB, ${machine.system}, Node ${machine.node}`,
    textTable([
      ["", ...fleets.map(({ scenario }) => scenario.name)],
      ...ROWS.map(([name, read]) => [name, ...fleets.map((fleet) => figure(read(fleet)))]),
    ]),
    ...fleets.flatMap(({ scenario, convergence, rest }) => [
      ...requestTable(
        `${scenario.name}: requests each until Ready`,
        convergence.byResource,
        scenario.sovereigns,
      ),
      ...requestTable(`${scenario.name}: requests at rest`, rest.byResource),
    ]),
    barTable(bars),
    ...fleets.flatMap(({ scenario, profiles }) =>
      profiles
        .filter(({ phase }) => isProfiled || isMissedIn(bars, scenario.sovereigns, phase))
        .flatMap((profile) => profileTables(scenario.name, profile)),
    ),
  ].join("\n\n");
}

const isMissedIn = (bars: readonly OperatorBar[], sovereigns: number, phase: PhaseProfile["phase"]) =>
  bars.some(
    ({ held, measuredIn }) =>
      held === false && measuredIn?.sovereigns === sovereigns && measuredIn.phase === phase,
  );

const profileTables = (fleet: string, { phase, operator, apiServer }: PhaseProfile): string[] =>
  Object.entries({ operator, "API server": apiServer }).map(([process, { busyShare, functions }]) =>
    profileTable(`${fleet}, ${phase}: ${process}, busy ${percent(busyShare)} of the time`, functions),
  );

const NAMES = {
  ...{ operator: "operator", apiServer: "API server" },
  ...{ edit: "during edits", editWhilePodsHang: "while Pods hang" },
};

const ROWS: [name: string, read: (fleet: FleetResult) => number | undefined][] = [
  ["all Ready, s", ({ convergence }) => convergence.seconds],
  ["processor time each until Ready, ms", ({ convergence }) => convergence.cpuMsPerSovereign],
  ["requests each until Ready", ({ convergence }) => convergence.requestsPerSovereign],
  ["writes of them", ({ convergence }) => convergence.writesPerSovereign],
  ["resident at Ready, MiB", ({ convergence }) => convergence.residentMib],
  ["resident without a Sovereign, MiB", ({ emptyMib }) => emptyMib],
  ["resident at rest, MiB", ({ rest }) => rest.residentMib],
  ["the largest resident until then, MiB", ({ rest }) => rest.peakMib],
  ["live heap without a Sovereign (with --profile), MiB", ({ heap }) => heap.emptyMib],
  ["live heap at rest (with --profile), MiB", ({ heap }) => heap.atRestMib],
  ["at rest: writes", ({ rest }) => rest.writes],
  ["at rest: requests each, an hour", ({ rest }) => rest.requestsPerSovereignAndHour],
  ["at rest: SQL queries each, an hour", ({ rest }) => rest.queriesPerSovereignAndHour],
  ["at rest: billing requests each, an hour", ({ rest }) => rest.billingRequestsPerSovereignAndHour],
  ["at rest: SQL connections", ({ rest }) => rest.openConnections],
  ["at rest: processor, cores", ({ rest }) => rest.cpuShare],
  ["edit to action, p50 ms", ({ edit }) => edit.p50Ms],
  ["edit to action, p99 ms", ({ edit }) => edit.p99Ms],
  ["the same while Pods hang, p50 ms", ({ editWhilePodsHang }) => editWhilePodsHang.p50Ms],
  ["the same while Pods hang, p99 ms", ({ editWhilePodsHang }) => editWhilePodsHang.p99Ms],
  ...(["edit", "editWhilePodsHang"] as const).flatMap((part) =>
    (["operator", "apiServer"] as const).map((process): (typeof ROWS)[number] => [
      `longest pause of the ${NAMES[process]} ${NAMES[part]}, ms`,
      (fleet) => fleet[part].pauses[process].longestMs,
    ]),
  ),
  ["leader killed, s", ({ faults }) => faults?.leaderKilled],
  ["leader stopped, s", ({ faults }) => faults?.leaderStopped],
  ["API server back, s", ({ faults }) => faults?.apiServerBack],
];

function requestTable(title: string, byResource: Record<string, number>, divisor = 1): string[] {
  const lines = Object.entries(byResource).sort(([, a], [, b]) => b - a);
  if (lines.length === 0) return [];
  return [textTable([[title, ""], ...lines.map(([kind, count]) => [kind, figure(count / divisor)])])];
}
