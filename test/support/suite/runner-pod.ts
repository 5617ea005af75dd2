import { describe, expect, it } from "vitest";
import { PODS } from "../../../src/kube/resource.ts";
import { image, type RunnerBench } from "../process/runner.ts";
import { eventually } from "../wait.ts";
import { condition, container, createObjectAccess, key } from "./runner-object.ts";

export function describePods(bench: () => RunnerBench): void {
  const { get } = createObjectAccess(bench);

  describe("its Pods", () => {
    const pod = (name: string, spec: object) => ({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, namespace: "default" },
      spec: { containers: [container(image("idle"))], terminationGracePeriodSeconds: 1, ...spec },
    });

    it("runs a Pod without a controller that names the node", async () => {
      await bench().client.create(PODS, pod("bound", { nodeName: "playground" }));
      await eventually(async () => expect((await get(PODS, "bound"))?.status.phase).toBe("Running"));
    });

    it("marks a Pod without a node as Unschedulable, and deletes it on request", async () => {
      await bench().client.create(PODS, pod("unbound", {}));
      await eventually(async () => {
        expect(condition(await get(PODS, "unbound"), "PodScheduled")).toMatchObject({
          reason: "Unschedulable",
        });
        expect(await bench().eventsAbout("unbound")).toMatchObject([{ reason: "FailedScheduling" }]);
      });
      await bench().client.delete(PODS, key("unbound"));
      await eventually(async () => expect(await get(PODS, "unbound")).toBeUndefined());
    });

    it.each([
      ["exec probes", { readinessProbe: { exec: { command: ["true"] } } }, "readinessProbe.exec"],
      ["envFrom", { envFrom: [{ configMapRef: { name: "x" } }] }, "envFrom"],
    ])("fails a Pod that uses %s", async (title, fields, field) => {
      const name = `asks-${title.toLowerCase().replace(" ", "-")}`;
      await bench().client.create(
        PODS,
        pod(name, { nodeName: "playground", containers: [{ ...container(image("idle")), ...fields }] }),
      );
      await eventually(async () =>
        expect((await get(PODS, name))?.status).toMatchObject({
          phase: "Failed",
          message: expect.stringContaining(field),
        }),
      );
    });
  });
}
