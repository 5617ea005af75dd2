import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { createReconcileMetrics } from "../../../src/kube/metric.ts";
import { createController } from "../../../src/kube/reconcile.ts";
import { Registry } from "../../../src/platform/metrics.ts";
import { aborted } from "../../../src/platform/shutdown.ts";
import { settled } from "../../support/builder/work-queue.ts";

describe("the metrics of a controller", () => {
  it("show an empty queue after it has stopped, although keys still wait", async () => {
    const registry = new Registry();
    const seen: string[] = [];
    const controller = createController(
      { logger: pino({ enabled: false }), metrics: createReconcileMetrics(registry) },
      {
        ...{ name: "sovereign", watches: [], concurrency: 1 },
        async reconcile(key, signal) {
          seen.push(key);
          await aborted(signal);
          return { kind: "done" };
        },
      },
    );
    const abort = new AbortController();
    const running = controller.run(abort.signal);
    const depth = async () => (await registry.getSingleMetric("workqueue_depth")?.get())?.values[0]?.value;
    for (const key of ["a", "b", "c"]) controller.enqueue(key);
    await settled();
    expect(await depth()).toBe(2);
    abort.abort();
    await running;
    expect([seen, await depth()]).toEqual([["a"], 0]);
  });
});
