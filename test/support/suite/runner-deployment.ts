import { describe, expect, it } from "vitest";
import { DEPLOYMENTS, PODS } from "../../../src/kube/resource.ts";
import { image, type RunnerBench } from "../process/runner.ts";
import { eventually } from "../wait.ts";
import {
  type AnyObject,
  condition,
  createObjectAccess,
  deployment,
  key,
  revision,
  settle,
} from "./runner-object.ts";

export function describeDeployments(kind: "embedded" | "real", bench: () => RunnerBench): void {
  const { get, patch, setImage, setsOf, imagesOf, rolledOut } = createObjectAccess(bench);

  describe("its Deployments", () => {
    it("numbers each revision, and scales the ReplicaSets of old revisions to zero", async () => {
      await bench().client.create(DEPLOYMENTS, deployment("web"));
      await rolledOut("web", image("idle"));
      await setImage("web", image("idle", "b"));
      await rolledOut("web", image("idle", "b"));
      await eventually(async () => {
        const sets = await setsOf("web");
        expect(sets.map((set) => [revision(set), set.spec.replicas])).toEqual([
          [1, 0],
          [2, 2],
        ]);
      });
      expect(revision((await get(DEPLOYMENTS, "web")) as AnyObject)).toBe(2);
    });

    it("gives a template that is used again a new revision", async () => {
      await setImage("web", image("idle"));
      await rolledOut("web", image("idle"));
      await eventually(async () => expect((await setsOf("web")).map(revision)).toEqual([2, 3]));
    });

    it("follows spec.replicas and no template change while the Deployment is paused", async () => {
      await patch(DEPLOYMENTS, "web", { spec: { paused: true } });
      await setImage("web", image("idle", "c"));
      await patch(DEPLOYMENTS, "web", { spec: { replicas: 3 } });
      await eventually(async () => {
        expect(await imagesOf("web")).toEqual(Array(3).fill(image("idle")));
        expect(condition(await get(DEPLOYMENTS, "web"), "Progressing")).toMatchObject({
          status: "Unknown",
          reason: "DeploymentPaused",
        });
      });
      expect(await setsOf("web")).toHaveLength(2);
      await patch(DEPLOYMENTS, "web", { spec: { paused: false, replicas: 2 } });
      await rolledOut("web", image("idle", "c"));
    });

    it("keeps the old Pods during a rollout to a missing image, and reports ProgressDeadlineExceeded", async () => {
      const spec = { progressDeadlineSeconds: 2, minReadySeconds: 0 };
      await bench().client.create(DEPLOYMENTS, deployment("stuck", spec));
      await rolledOut("stuck", image("idle"));
      await setImage("stuck", "example.org/none@sha256:00");
      await eventually(async () => {
        const live = await get(DEPLOYMENTS, "stuck");
        expect(condition(live, "Progressing")).toMatchObject({
          status: "False",
          reason: "ProgressDeadlineExceeded",
        });
        expect(live?.status).toMatchObject({ availableReplicas: 2, replicas: 3, updatedReplicas: 1 });
      });
      await settle();
      expect(await bench().writesTo(DEPLOYMENTS, "stuck", 1_000)).toBe(0);
    });

    it("starts no new Pod with strategy Recreate before the old Pods are gone", async () => {
      await bench().client.create(DEPLOYMENTS, deployment("solo", { strategy: { type: "Recreate" } }));
      await rolledOut("solo", image("idle"));
      await setImage("solo", image("idle", "b"));
      const mixtures = new Set<string>();
      await eventually(async () => {
        const images = (await bench().podsOf("app=solo")).map((pod) => pod.spec.containers[0]?.image);
        mixtures.add([...new Set(images)].sort().join());
        expect(images).toEqual(Array(2).fill(image("idle", "b")));
      });
      expect([...mixtures].filter((mixture) => mixture.includes(","))).toEqual([]);
    });

    it("deletes old revisions beyond revisionHistoryLimit", async () => {
      await bench().client.create(DEPLOYMENTS, deployment("short", { revisionHistoryLimit: 1, replicas: 1 }));
      for (const letter of ["a", "b", "c"]) {
        await setImage("short", image("idle", letter));
        await rolledOut("short", image("idle", letter), 1);
      }
      await eventually(async () => expect((await setsOf("short")).map(revision)).toEqual([2, 3]));
    });

    it("counts a Pod as available only after minReadySeconds", async () => {
      await bench().client.create(DEPLOYMENTS, deployment("careful", { minReadySeconds: 2, replicas: 1 }));
      await eventually(async () =>
        expect((await get(DEPLOYMENTS, "careful"))?.status).toMatchObject({ readyReplicas: 1 }),
      );
      expect((await get(DEPLOYMENTS, "careful"))?.status.availableReplicas ?? 0).toBe(0);
      await rolledOut("careful", image("idle"), 1);
    });

    it("replaces a deleted Pod of a Deployment once", async () => {
      await bench().client.create(DEPLOYMENTS, deployment("steady"));
      await rolledOut("steady", image("idle"));
      const [first] = await bench().podsOf("app=steady");
      await bench().client.delete(PODS, key(first?.metadata.name ?? ""));
      await eventually(async () => {
        const names = (await bench().podsOf("app=steady")).map(({ metadata }) => metadata.name);
        expect(names).toHaveLength(2);
        expect(names).not.toContain(first?.metadata.name);
      });
      await rolledOut("steady", image("idle"));
      await settle();
      expect(await bench().writesTo(DEPLOYMENTS, "steady", 1_000)).toBe(0);
    });

    it.runIf(kind === "embedded")(
      "keeps the Pods of a Deployment deleted with Orphan, and adopts them when the Deployment is created again",
      async () => {
        for (let round = 0; round < 6; round += 1) {
          const name = `orphan-${round}`;
          await bench().client.create(DEPLOYMENTS, deployment(name));
          await rolledOut(name, image("idle"));
          const before = (await bench().podsOf(`app=${name}`)).map(({ metadata }) => metadata.uid);
          await bench().client.delete(DEPLOYMENTS, key(name), { propagationPolicy: "Orphan" });
          await eventually(async () => expect(await get(DEPLOYMENTS, name)).toBeUndefined());
          await new Promise((resolve) => setTimeout(resolve, 300));
          expect(await setsOf(name)).toHaveLength(1);
          expect((await bench().podsOf(`app=${name}`)).map(({ metadata }) => metadata.uid)).toEqual(before);
          await bench().client.create(DEPLOYMENTS, deployment(name));
          await rolledOut(name, image("idle"));
          expect((await bench().podsOf(`app=${name}`)).map(({ metadata }) => metadata.uid)).toEqual(before);
          await bench().client.delete(DEPLOYMENTS, key(name));
          await eventually(async () => expect(await bench().podsOf(`app=${name}`)).toEqual([]));
        }
      },
      60_000,
    );
  });
}
