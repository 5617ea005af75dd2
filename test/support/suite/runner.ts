import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { REPLICA_SETS } from "../../../src/kube/resource.ts";
import type { Deployment } from "../../../src/playground/runner/workload.ts";
import { type RunnerBench, startRunnerBench } from "../process/runner.ts";
import { eventually } from "../wait.ts";
import { describeDeployments } from "./runner-deployment.ts";
import { describeJobs } from "./runner-job.ts";
import { createObjectAccess, deployment } from "./runner-object.ts";
import { describePods } from "./runner-pod.ts";

/** Deployments, ReplicaSets, Jobs and Pods as processes, on either control plane. */
export function describeRunner(kind: "embedded" | "real"): void {
  describe(`the process runner on the ${kind} control plane`, () => {
    let running: RunnerBench;
    beforeAll(async () => {
      running = await startRunnerBench(kind);
    });
    afterAll(() => running?.close());
    const bench = () => running;
    const { get } = createObjectAccess(bench);

    describeDeployments(kind, bench);

    it("runs the Pods of a ReplicaSet without a Deployment", async () => {
      const set = deployment("alone");
      await bench().client.create(REPLICA_SETS, { ...set, kind: "ReplicaSet" });
      await eventually(async () =>
        expect((await get(REPLICA_SETS, "alone"))?.status).toMatchObject({ replicas: 2, readyReplicas: 2 }),
      );
    });

    describeJobs(bench);
    describePods(bench);

    it.each<[string, string, object]>([
      ["StatefulSet", "apps/v1", { serviceName: "x" }],
      ["DaemonSet", "apps/v1", {}],
    ])("records on a %s that the playground does not run it", async (kindName, apiVersion, extra) => {
      const plural = `${kindName.toLowerCase()}s`;
      const name = `a-${kindName.toLowerCase()}`;
      const { spec } = deployment(name) as Deployment;
      const { replicas: _, ...rest } = spec;
      await bench().client.request({
        method: "POST",
        path: `/apis/${apiVersion}/namespaces/default/${plural}`,
        body: { apiVersion, kind: kindName, metadata: { name }, spec: { ...rest, ...extra } },
      });
      await eventually(async () =>
        expect(await bench().eventsAbout(name)).toMatchObject([
          {
            reason: "Unsupported",
            type: "Warning",
            message: expect.stringContaining(`the playground does not run a ${kindName}`),
          },
        ]),
      );
    });
  });
}
