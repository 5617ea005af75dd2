import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  planRollout,
  type RolloutRules,
  type RolloutSet,
} from "../../../../src/playground/runner/rollout.ts";

const rules = (change: Partial<RolloutRules> = {}): RolloutRules => ({
  replicas: 4,
  strategy: "RollingUpdate",
  maxSurge: 1,
  maxUnavailable: 1,
  paused: false,
  ...change,
});
const set = (name: string, size: number, available = size, present = size): RolloutSet => ({
  name,
  isCurrent: name === "new",
  size,
  available,
  present,
});
const plan = (sets: RolloutSet[], change: Partial<RolloutRules> = {}) =>
  Object.fromEntries(planRollout(sets, rules(change)));

describe("planRollout", () => {
  it.each<[string, RolloutSet[], Partial<RolloutRules>, Record<string, number>]>([
    ["starts all Pods when there are no old ones", [set("new", 0)], {}, { new: 4 }],
    ["replaces as many Pods as both limits allow", [set("old", 4), set("new", 0)], {}, { old: 3, new: 2 }],
    ["waits while the new Pods are not available", [set("old", 3), set("new", 2, 0)], {}, { old: 3, new: 2 }],
    ["continues when the new Pods are available", [set("old", 3), set("new", 2)], {}, { old: 1, new: 4 }],
    ["removes unavailable old Pods at once", [set("old", 4, 1), set("new", 0)], {}, { old: 1, new: 4 }],
    [
      "makes progress when both limits are zero",
      [set("old", 1), set("new", 0)],
      { replicas: 1, maxSurge: 0, maxUnavailable: 0 },
      { old: 0, new: 1 },
    ],
    [
      "rounds percentages up for maxSurge and down for maxUnavailable",
      [set("old", 4), set("new", 0)],
      { maxSurge: "10%", maxUnavailable: "10%" },
      { old: 4, new: 1 },
    ],
    [
      "scales the old Pods to zero first with Recreate",
      [set("old", 4), set("new", 0)],
      { strategy: "Recreate" },
      { old: 0, new: 0 },
    ],
    [
      "starts the new Pods with Recreate when no old one is left",
      [set("old", 0, 0, 0), set("new", 0)],
      { strategy: "Recreate" },
      { old: 0, new: 4 },
    ],
    [
      "waits for terminating old Pods with Recreate",
      [set("old", 0, 0, 1), set("new", 0)],
      { strategy: "Recreate" },
      { old: 0, new: 0 },
    ],
    [
      "keeps the template and follows spec.replicas while paused",
      [set("old", 2), set("new", 0)],
      { paused: true, replicas: 3 },
      { old: 3, new: 0 },
    ],
    [
      "changes nothing while paused in the middle of a rollout",
      [set("old", 3), set("new", 2)],
      { paused: true },
      { old: 3, new: 2 },
    ],
    ["scales down to a smaller spec.replicas", [set("new", 4)], { replicas: 1 }, { new: 1 }],
  ])("%s", (_, sets, change, sizes) => {
    expect(plan(sets, change)).toEqual(sizes);
  });

  it("completes every rolling update within maxSurge and maxUnavailable", () => {
    const count = fc.integer({ min: 0, max: 6 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), count, count, (replicas, maxSurge, maxUnavailable) => {
        const limits = rules({ replicas, maxSurge, maxUnavailable });
        const fewest = replicas - (maxSurge + maxUnavailable === 0 ? 1 : maxUnavailable);
        let sizes = new Map([
          ["old", replicas],
          ["new", 0],
        ]);
        for (let round = 0; round < 50; round += 1) {
          // Pods of earlier rounds are available. Pods that start in this round are not.
          const before = sizes;
          sizes = planRollout(
            ["old", "new"].map((name) => set(name, before.get(name) ?? 0)),
            limits,
          );
          const [old = 0, fresh = 0] = [sizes.get("old"), sizes.get("new")];
          expect(old + fresh).toBeLessThanOrEqual(replicas + maxSurge);
          expect(old + Math.min(before.get("new") ?? 0, fresh)).toBeGreaterThanOrEqual(Math.max(0, fewest));
        }
        expect(Object.fromEntries(sizes)).toEqual({ old: 0, new: replicas });
      }),
    );
  });
});
