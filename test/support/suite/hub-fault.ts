import { describe, expect, it } from "vitest";
import { differenceOf } from "../builder/end-state.ts";
import { type HubResults, useClusterPair } from "../process/cluster-pair.ts";
import { NO_FAULT, planHubFaults, STAGES } from "../process/fault-plan.ts";
import type { useOperatorBench } from "../process/operator-bench.ts";

/** At the end of a stage, a status write of the spoke may come before or after a call of the hub. */
const MIN_SHARE = 0.8;

/**
 * A Sovereign on a cluster of its own, from its creation through an upgrade and an edit by hand to its deletion, with one
 * fault of the hub in each stage: at one of its calls to the spoke. The operator on the spoke runs all the time. Each stage
 * must end on both clusters as it ends without a fault. `sample` selects this many faults of each stage at random, the same
 * each time. `pairs` of clusters work through the faults at the same time.
 */
export function describeHubFaults({
  sample,
  pairs: pairCount = 1,
  start,
}: {
  sample?: number;
  pairs?: number;
  start?: Parameters<typeof useOperatorBench>[0];
}): void {
  const pairs = Array.from({ length: pairCount }, () => useClusterPair(start));

  describe("a Sovereign on a cluster of its own, while its hub fails", () => {
    it(
      `ends on both clusters as without a fault when ${sample === undefined ? "each call" : "a call"} of the hub crashes, is lost or is refused`,
      async () => {
        // In the first run of a pair, the namespace of Catalyst-Zero is made too.
        await Promise.all(pairs.map((pair) => pair.goThrough(NO_FAULT)));
        const undisturbed = (await pairs[0]?.goThrough(NO_FAULT)) as HubResults;
        const plans = planHubFaults((stage) => undisturbed[stage].calls.length, sample);
        const planned = plans.flatMap((plan) => STAGES.filter((stage) => plan[stage] !== undefined)).length;
        const failures: string[] = [];
        const come = new Map<string, number>();
        const work = async (pair: (typeof pairs)[number]) => {
          for (let plan = plans.shift(); plan !== undefined; plan = plans.shift()) {
            const results = await pair.goThrough(plan, undisturbed);
            for (const stage of STAGES) {
              const [result, fault, { end }] = [results[stage], plan[stage], undisturbed[stage]];
              if (result === undefined) continue;
              if (result.hasCome && fault !== undefined)
                come.set(fault.kind, (come.get(fault.kind) ?? 0) + 1);
              if (result.end.join() !== end.join())
                failures.push(
                  `${stage}, ${JSON.stringify(fault)}: ${differenceOf(end, result.end)}\n${result.calls.join("\n")}`,
                );
            }
          }
        };
        await Promise.all(pairs.map(work));
        const total = [...come.values()].reduce((sum, count) => sum + count, 0);
        const kinds = [...come].map(([kind, count]) => `${count} ${kind}`).join(", ");
        const counts = STAGES.map((stage) => `${stage} ${undisturbed[stage].calls.length}`).join(", ");
        process.stdout.write(`calls of the hub to the spoke: ${counts}\n`);
        process.stdout.write(`faults of the hub that came: ${total} of ${planned}: ${kinds}\n`);
        expect(failures).toEqual([]);
        for (const stage of STAGES) expect(undisturbed[stage].calls.length, stage).toBeGreaterThan(0);
        expect(total).toBeGreaterThanOrEqual(Math.floor(planned * MIN_SHARE));
      },
      sample === undefined ? 900_000 : 240_000,
    );
  });
}
