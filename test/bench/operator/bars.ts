import { type Bar, judge } from "../bar.ts";
import type { Phase } from "./phase-profile.ts";
import type { FleetResult, OperatorBar } from "./result.ts";

const SMALL = 100;
const MEDIUM = 1_000;
const LARGE = 10_000;

/** The operator's bars on a machine with two cores. A bar is not judged when its fleet was not measured. */
export function judgeBars(fleets: readonly FleetResult[]): OperatorBar[] {
  const of = (sovereigns: number) => fleets.find(({ scenario }) => scenario.sovereigns === sovereigns);
  const [small, medium, large] = [of(SMALL), of(MEDIUM), of(LARGE)];
  const faults = fleets.find((fleet) => fleet.faults !== undefined)?.faults;
  const ratio = (a: number | undefined, b: number | undefined) =>
    a === undefined || b === undefined ? undefined : a / b;
  const during = (sovereigns: number, phase: Phase, bar: Bar): OperatorBar => ({
    ...bar,
    measuredIn: { sovereigns, phase },
  });
  return [
    judge(
      "processor time of a Sovereign until Ready, 10,000 over 100, at most",
      "<=",
      1.2,
      "",
      ratio(large?.convergence.cpuMsPerSovereign, small?.convergence.cpuMsPerSovereign),
    ),
    judge(
      "the same, at least",
      ">=",
      0.8,
      "",
      ratio(large?.convergence.cpuMsPerSovereign, small?.convergence.cpuMsPerSovereign),
    ),
    during(MEDIUM, "until Ready", judge("1,000 Ready", "<=", 60, "s", medium?.convergence.seconds)),
    during(LARGE, "until Ready", judge("10,000 Ready", "<=", 600, "s", large?.convergence.seconds)),
    judge(
      "memory of 1,000 above an empty operator",
      "<=",
      150,
      "MiB",
      medium && medium.rest.residentMib - medium.emptyMib,
    ),
    judge("memory of 10,000", "<=", 512, "MiB", large?.rest.residentMib),
    during(LARGE, "edits", judge("edit to action, 10,000", "<=", 250, "ms at p99", large?.edit.p99Ms)),
    during(
      LARGE,
      "edits while Pods hang",
      judge(
        "the same while a tenth of the Pods hangs",
        "<=",
        250,
        "ms at p99",
        large?.editWhilePodsHang.p99Ms,
      ),
    ),
    judge("writes at rest, 10,000", "<=", 0, "", large?.rest.writes),
    judge(
      "requests at rest of a Sovereign in an hour, 10,000",
      "<=",
      1,
      "",
      large?.rest.requestsPerSovereignAndHour,
    ),
    judge("SQL connections at rest, 10,000", "<=", LARGE / 100, "", large?.rest.openConnections),
    during(LARGE, "at rest", judge("processor at rest, 10,000", "<=", 0.02, "cores", large?.rest.cpuShare)),
    judge("failover after SIGKILL", "<=", 15, "s", faults?.leaderKilled),
    judge("failover after SIGTERM", "<=", 1, "s", faults?.leaderStopped),
    judge("caught up after the API server is back", "<=", 5, "s", faults?.apiServerBack),
  ];
}
