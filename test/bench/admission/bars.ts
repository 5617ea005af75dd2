import { type Bar, judge } from "../bar.ts";
import { MEMORY_LIMIT_MIB } from "../image-option.ts";
import type { ScenarioResult } from "./result.ts";
import {
  CHEAP,
  COLD,
  FLOOD,
  PACED,
  PACED_INSTALLED,
  PACED_SMALL,
  PACED_SMALL_INSTALLED,
  SMALL,
} from "./scenario.ts";

interface ScenarioBar {
  scenario: string;
  judge(result: ScenarioResult | undefined): Bar;
}

/** A bar for the latency of reviews that are sent at a steady rate. */
const promptBar = (scenario: string): ScenarioBar => ({
  scenario,
  judge: (result) => judge(scenario, "<=", 5, "ms at p99", result?.webhook.p99Ms.median),
});

const BARS: readonly ScenarioBar[] = [
  {
    scenario: CHEAP,
    judge: (result) => judge(CHEAP, ">=", 8_000, "reviews/s", result?.webhook.perSecond.median),
  },
  {
    scenario: SMALL,
    judge: (result) => judge(SMALL, ">=", 8_000, "reviews/s", result?.webhook.perSecond.median),
  },
  ...[PACED, PACED_SMALL, PACED_INSTALLED, PACED_SMALL_INSTALLED].map(promptBar),
  {
    scenario: COLD,
    judge: (result) =>
      judge(COLD, "<=", 50, "ms at p99 beside the registry", result?.besideRegistryMs.median),
  },
  {
    scenario: FLOOD,
    judge: (result) => judge(FLOOD, "<=", MEMORY_LIMIT_MIB, "MiB", result?.webhook.peakMemoryMib.max),
  },
];

export function judgeBars(results: readonly ScenarioResult[]): { bars: Bar[]; missed: Set<string> } {
  const judged = BARS.map(({ scenario, judge: judgeBar }) => ({
    scenario,
    bar: judgeBar(results.find(({ name }) => name === scenario)),
  }));
  return {
    bars: judged.map(({ bar }) => bar),
    missed: new Set(judged.filter(({ bar }) => bar.held === false).map(({ scenario }) => scenario)),
  };
}
