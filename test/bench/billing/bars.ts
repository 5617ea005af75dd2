import { type Bar, judge } from "../bar.ts";
import { median } from "../statistic.ts";
import type { ProcessMemory, Round, ScenarioResult } from "./result.ts";
import {
  checkoutName,
  HTTP_PREVIEW,
  PACED_PREVIEW,
  PREVIEWS_PER_SECOND,
  previewName,
  ROUND_TRIP_MS,
} from "./scenario.ts";

const HOT = { loopback: checkoutName(0, "hot", false), away: checkoutName(ROUND_TRIP_MS, "hot", false) };
const HOT_LARGE = checkoutName(0, "hot", true);
const PREVIEW = previewName(0, true);

/**
 * The processor time of a checkout, in the billing process and in the database server. Other processes on the machine
 * change it little.
 */
const costOf = ({ ours }: Round) => ours.serverCpuMs + (ours.processCpuMs ?? Number.NaN);

export function judgeBars(
  results: readonly ScenarioResult[],
  rounds: ReadonlyMap<string, readonly Round[]>,
  atRest: ProcessMemory,
): Bar[] {
  const find = (name: string) => results.find((result) => result.name === name);
  const paired = (of: (round: Round) => number): number | undefined => {
    const [small, large] = [rounds.get(HOT.loopback), rounds.get(HOT_LARGE)];
    if (small === undefined || large === undefined) return undefined;
    return median(large.map((round, index) => of(round) / of(small[index] ?? round)));
  };
  const costRatio = paired(costOf);
  return [
    judge(
      "checkout, hot code, loopback",
      ">=",
      8,
      "times the earlier rate",
      find(HOT.loopback)?.ratio.median,
    ),
    judge("checkout, hot code, 0.5 ms", ">=", 20, "times the earlier rate", find(HOT.away)?.ratio.median),
    judge("checkout's cost, large over empty ledger", "<=", 1.1, "times the CPU time", costRatio),
    judge("checkout's cost, large over empty ledger", ">=", 0.9, "times the CPU time", costRatio),
    judge(
      "preview, one process, 64 connections",
      ">=",
      PREVIEWS_PER_SECOND,
      "requests/s",
      find(PREVIEW)?.ours.perSecond.median,
    ),
    judge("preview, both over HTTP", ">=", 2.5, "times the earlier rate", find(HTTP_PREVIEW)?.ratio.median),
    judge("preview, the same, at 5,000/s", "<=", 10, "ms at p99", find(PACED_PREVIEW)?.ours.p99Ms.median),
    judge("memory at rest", "<=", 150, "MiB resident", atRest.rssMib),
  ];
}

/** The scenario whose profile explains a missed bar. */
export function scenarioOfBar(bar: Bar): string {
  if (bar.name.startsWith("preview")) return bar.unit === "ms at p99" ? PACED_PREVIEW : PREVIEW;
  return bar.name.includes("0.5 ms") ? HOT.away : HOT.loopback;
}
