import { describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../../../src/api/object.ts";
import { createAutoscalers } from "../../../../src/controllers/sovereign/autoscaler.ts";
import type { KubeClient } from "../../../../src/kube/client.ts";
import { NOW, sovereign } from "../../../support/builder/catalyst-object.ts";

const AUTOSCALER = {
  apiVersion: "autoscaling/v2",
  kind: "HorizontalPodAutoscaler",
  metadata: { name: "billing" },
  spec: { scaleTargetRef: { kind: "Deployment", name: "billing" } },
};

/** The autoscalers of a cluster with `items`, and the namespaces that were listed. */
function autoscalersOf(items: KubernetesObject[]) {
  let nowMs = Date.parse(NOW);
  const asked: (string | undefined)[] = [];
  const list: KubeClient["list"] = async (_resource, options) => {
    asked.push(options?.namespace);
    return { items: items as never[], resourceVersion: "1" };
  };
  const autoscalers = createAutoscalers({ client: { list }, now: () => new Date(nowMs) });
  const pass = (ms: number) => {
    nowMs += ms;
  };
  return { autoscalers, asked, pass };
}

describe("createAutoscalers", () => {
  const omantel = sovereign("omantel");

  it("asks once in ten minutes for a Sovereign that an autoscaler scales", async () => {
    const items: KubernetesObject[] = [AUTOSCALER];
    const { autoscalers, asked, pass } = autoscalersOf(items);
    expect(await autoscalers.find(omantel)).toBe(600_000);
    pass(599_000);
    expect(await autoscalers.find(omantel)).toBe(1_000);
    expect(asked).toEqual(["sovereign-omantel"]);
    items.pop();
    pass(1_000);
    expect(await autoscalers.find(omantel)).toBeUndefined();
    expect(asked).toHaveLength(2);
  });

  it("asks again when the clock was set back to before it found one", async () => {
    const { autoscalers, asked, pass } = autoscalersOf([AUTOSCALER]);
    await autoscalers.find(omantel);
    pass(-1);
    expect(await autoscalers.find(omantel)).toBe(600_000);
    expect(asked).toHaveLength(2);
  });

  it("asks each time where it found none, so that a new one counts at once", async () => {
    const items: KubernetesObject[] = [];
    const { autoscalers } = autoscalersOf(items);
    expect(await autoscalers.find(omantel)).toBeUndefined();
    items.push(AUTOSCALER);
    expect(await autoscalers.find(omantel)).toBe(600_000);
  });

  it("asks for each Sovereign, and again for one that was deleted", async () => {
    const { autoscalers, asked } = autoscalersOf([AUTOSCALER]);
    await autoscalers.find(omantel);
    await autoscalers.find(sovereign("badr"));
    autoscalers.forget("omantel");
    await autoscalers.find(omantel);
    expect(asked).toEqual(["sovereign-omantel", "sovereign-badr", "sovereign-omantel"]);
  });
});
