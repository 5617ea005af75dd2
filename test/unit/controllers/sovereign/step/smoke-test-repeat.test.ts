import { describe, expect, it } from "vitest";
import { runSmokeTest } from "../../../../../src/controllers/sovereign/step/smoke-test.ts";
import { IMAGE, sovereign } from "../../../../support/builder/catalyst-object.ts";
import { billingPod } from "../../../../support/builder/pod.ts";
import { contextOf } from "../../../../support/builder/reconcile-context.ts";
import { passed, runStep, type SmokeTestRun } from "../../../../support/builder/smoke-test-run.ts";

describe("a smoke test that passed", () => {
  const pods = [billingPod("billing-1"), billingPod("billing-2")];
  const proven = async () => {
    const { result } = await runStep({ pods });
    return { ...result.evidence, pinnedImage: IMAGE };
  };

  it("is not repeated while nothing changes, at any time later", async () => {
    const status = await proven();
    const { result, urls } = await runStep({ pods, status });
    expect(urls).toEqual([]);
    expect(result.evidence).toEqual(status);
  });

  it("does not depend on the order of the Pods", async () => {
    const { urls } = await runStep({ pods: [...pods].reverse(), status: await proven() });
    expect(urls).toEqual([]);
  });

  it.each<[string, Partial<SmokeTestRun>]>([
    ["a verification found another schema", { needsSmokeTest: true }],
    ["a Pod is new", { pods: [...pods, billingPod("billing-3")] }],
    [
      "a Pod was replaced by another of its name",
      {
        pods: pods.map((each) => ({
          ...each,
          metadata: { ...each.metadata, uid: `${each.metadata.uid}-2` },
        })),
      },
    ],
    ["a managed object was edited", { isEdited: true }],
  ])("is repeated when %s", async (_when, change) => {
    const { urls } = await runStep({ pods, status: await proven(), ...change });
    expect(urls.length).toBeGreaterThanOrEqual(2);
  });

  it("is repeated with another configuration", async () => {
    const { lastSmokeTest } = await proven();
    const context = contextOf(
      sovereign("omantel", {}, lastSmokeTest === undefined ? {} : { lastSmokeTest }),
      { pods },
      { smoke: async () => passed() },
    );
    await runSmokeTest(context, IMAGE, []);
    expect(context.findings.facts.lastSmokeTest?.evidence).not.toBe(lastSmokeTest?.evidence);
  });
});
