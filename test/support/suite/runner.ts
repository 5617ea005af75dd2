import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../../src/api/object.ts";
import { DEPLOYMENTS, JOBS, PODS, REPLICA_SETS, type Resource } from "../../../src/kube/resource.ts";
import { sleep } from "../../../src/platform/shutdown.ts";
import type { Pod } from "../../../src/playground/runner/pod.ts";
import type { Deployment, ReplicaSet } from "../../../src/playground/runner/workload.ts";
import { image, type RunnerBench, startRunnerBench } from "../process/runner.ts";

// biome-ignore lint/suspicious/noExplicitAny: tests look into objects of every kind
type Any = KubernetesObject & Record<string, any>;

const container = (imageName: string) => ({ name: "app", image: imageName });
const deployment = (name: string, spec: object = {}, imageName = image("idle")): Any => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name, namespace: "default" },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [container(imageName)], terminationGracePeriodSeconds: 1 },
    },
    ...spec,
  },
});
const job = (name: string, imageName: string, spec: object = {}): Any => ({
  apiVersion: "batch/v1",
  kind: "Job",
  metadata: { name, namespace: "default" },
  spec: {
    template: {
      spec: { restartPolicy: "Never", containers: [container(imageName)], terminationGracePeriodSeconds: 1 },
    },
    ...spec,
  },
});

/** Deployments, ReplicaSets, Jobs and Pods as processes, on either control plane. */
export function describeRunner(kind: "embedded" | "real"): void {
  describe(`the process runner on the ${kind} control plane`, () => {
    let bench: RunnerBench;
    beforeAll(async () => {
      bench = await startRunnerBench(kind);
    }, 120_000);
    afterAll(() => bench?.close());

    /** Time for who might still write something to do so. */
    const settled = () => sleep(500);
    const key = (name: string) => ({ name, namespace: "default" });
    const get = (resource: Resource, name: string) => bench.client.get<Any>(resource, key(name));
    const patch = (resource: Resource, name: string, body: object) =>
      bench.client.mergePatch<Any>(resource, key(name), body);
    const setImage = (name: string, imageName: string) =>
      patch(DEPLOYMENTS, name, { spec: { template: { spec: { containers: [container(imageName)] } } } });
    const setsOf = async (name: string) =>
      (
        await bench.client.list<ReplicaSet>(REPLICA_SETS, {
          namespace: "default",
          labelSelector: `app=${name}`,
        })
      ).items.sort((a, b) => revision(a) - revision(b));
    const revision = (object: KubernetesObject) =>
      Number(object.metadata.annotations?.["deployment.kubernetes.io/revision"]);
    const imagesOf = async (name: string) =>
      (await bench.podsOf(`app=${name}`)).filter(isStaying).map((pod) => pod.spec.containers[0]?.image);
    const isStaying = (pod: Pod) => pod.metadata.deletionTimestamp === undefined;
    const condition = (object: Any | undefined, type: string) =>
      (object?.status?.conditions as { type: string; status: string; reason: string }[] | undefined)?.find(
        (known) => known.type === type,
      );
    const rolledOut = (name: string, imageName: string, replicas = 2) =>
      bench.until(async () => {
        const live = await get(DEPLOYMENTS, name);
        expect(condition(live, "Progressing")).toMatchObject({ reason: "NewReplicaSetAvailable" });
        expect(live?.status).toMatchObject({
          observedGeneration: live?.metadata.generation,
          availableReplicas: replicas,
        });
        expect(await imagesOf(name)).toEqual(Array(replicas).fill(imageName));
      });

    describe("a Deployment", () => {
      it("tells of each revision, and of none of the old ones that it wants Pods", async () => {
        await bench.client.create(DEPLOYMENTS, deployment("web"));
        await rolledOut("web", image("idle"));
        await setImage("web", image("idle", "b"));
        await rolledOut("web", image("idle", "b"));
        await bench.until(async () => {
          const sets = await setsOf("web");
          expect(sets.map((set) => [revision(set), set.spec.replicas])).toEqual([
            [1, 0],
            [2, 2],
          ]);
        });
        expect(revision((await get(DEPLOYMENTS, "web")) as Any)).toBe(2);
      });

      it("goes back to a template it had under a new revision", async () => {
        await setImage("web", image("idle"));
        await rolledOut("web", image("idle"));
        await bench.until(async () => expect((await setsOf("web")).map(revision)).toEqual([2, 3]));
      });

      it("does nothing to its Pods while paused, but keeps their number", async () => {
        await patch(DEPLOYMENTS, "web", { spec: { paused: true } });
        await setImage("web", image("idle", "c"));
        await patch(DEPLOYMENTS, "web", { spec: { replicas: 3 } });
        await bench.until(async () => {
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

      it("keeps serving through a rollout to an image that is not there, and says that it is stuck", async () => {
        const spec = { progressDeadlineSeconds: 2, minReadySeconds: 0 };
        await bench.client.create(DEPLOYMENTS, deployment("stuck", spec));
        await rolledOut("stuck", image("idle"));
        await setImage("stuck", "example.org/none@sha256:00");
        await bench.until(async () => {
          const live = await get(DEPLOYMENTS, "stuck");
          expect(condition(live, "Progressing")).toMatchObject({
            status: "False",
            reason: "ProgressDeadlineExceeded",
          });
          expect(live?.status).toMatchObject({ availableReplicas: 2, replicas: 3, updatedReplicas: 1 });
        });
        await settled();
        expect(await bench.writesTo(DEPLOYMENTS, "stuck", 1_000)).toBe(0);
      });

      it("with Recreate starts nothing new before the old Pods are gone", async () => {
        await bench.client.create(DEPLOYMENTS, deployment("solo", { strategy: { type: "Recreate" } }));
        await rolledOut("solo", image("idle"));
        await setImage("solo", image("idle", "b"));
        const mixtures = new Set<string>();
        await bench.until(async () => {
          const images = (await bench.podsOf("app=solo")).map((pod) => pod.spec.containers[0]?.image);
          mixtures.add([...new Set(images)].sort().join());
          expect(images).toEqual(Array(2).fill(image("idle", "b")));
        });
        expect([...mixtures].filter((mixture) => mixture.includes(","))).toEqual([]);
      });

      it("keeps no more old revisions than it is told to", async () => {
        await bench.client.create(DEPLOYMENTS, deployment("short", { revisionHistoryLimit: 1, replicas: 1 }));
        for (const letter of ["a", "b", "c"]) {
          await setImage("short", image("idle", letter));
          await rolledOut("short", image("idle", letter), 1);
        }
        await bench.until(async () => expect((await setsOf("short")).map(revision)).toEqual([2, 3]));
      });

      it("waits with a Pod that has to prove itself", async () => {
        await bench.client.create(DEPLOYMENTS, deployment("careful", { minReadySeconds: 2, replicas: 1 }));
        await bench.until(async () =>
          expect((await get(DEPLOYMENTS, "careful"))?.status).toMatchObject({ readyReplicas: 1 }),
        );
        expect((await get(DEPLOYMENTS, "careful"))?.status.availableReplicas ?? 0).toBe(0);
        await rolledOut("careful", image("idle"), 1);
      });

      it("replaces a Pod that somebody deletes, once", async () => {
        await bench.client.create(DEPLOYMENTS, deployment("steady"));
        await rolledOut("steady", image("idle"));
        const [first] = await bench.podsOf("app=steady");
        await bench.client.delete(PODS, key(first?.metadata.name ?? ""));
        await bench.until(async () => {
          const names = (await bench.podsOf("app=steady")).map(({ metadata }) => metadata.name);
          expect(names).toHaveLength(2);
          expect(names).not.toContain(first?.metadata.name);
        });
        await rolledOut("steady", image("idle"));
        await settled();
        expect(await bench.writesTo(DEPLOYMENTS, "steady", 1_000)).toBe(0);
      });

      it.runIf(kind === "embedded")(
        "leaves its Pods alone when it is deleted without them, and takes them back",
        async () => {
          for (let round = 0; round < 6; round += 1) {
            const name = `orphan-${round}`;
            await bench.client.create(DEPLOYMENTS, deployment(name));
            await rolledOut(name, image("idle"));
            const before = (await bench.podsOf(`app=${name}`)).map(({ metadata }) => metadata.uid);
            await bench.client.delete(DEPLOYMENTS, key(name), { propagationPolicy: "Orphan" });
            await bench.until(async () => expect(await get(DEPLOYMENTS, name)).toBeUndefined());
            await new Promise((resolve) => setTimeout(resolve, 300));
            expect(await setsOf(name)).toHaveLength(1);
            expect((await bench.podsOf(`app=${name}`)).map(({ metadata }) => metadata.uid)).toEqual(before);
            await bench.client.create(DEPLOYMENTS, deployment(name));
            await rolledOut(name, image("idle"));
            expect((await bench.podsOf(`app=${name}`)).map(({ metadata }) => metadata.uid)).toEqual(before);
            await bench.client.delete(DEPLOYMENTS, key(name));
            await bench.until(async () => expect(await bench.podsOf(`app=${name}`)).toEqual([]));
          }
        },
        60_000,
      );
    });

    it("keeps the Pods of a ReplicaSet that stands by itself", async () => {
      const set = deployment("alone");
      await bench.client.create(REPLICA_SETS, { ...set, kind: "ReplicaSet" });
      await bench.until(async () =>
        expect((await get(REPLICA_SETS, "alone"))?.status).toMatchObject({ replicas: 2, readyReplicas: 2 }),
      );
    });

    describe("a Job", () => {
      it("writes nothing while nothing changes", async () => {
        await bench.client.create(JOBS, job("pulling", "example.org/none@sha256:00"));
        await bench.until(async () =>
          expect((await get(JOBS, "pulling"))?.status).toMatchObject({ active: 1 }),
        );
        await settled();
        expect(await bench.writesTo(JOBS, "pulling", 2_500)).toBe(0);
      });

      it("runs as many Pods as it is to complete, so many at once", async () => {
        await bench.client.create(JOBS, job("many", image("done"), { completions: 3, parallelism: 2 }));
        await bench.until(async () => {
          const live = await get(JOBS, "many");
          expect(condition(live, "Complete")).toMatchObject({ status: "True" });
          expect(live?.status).toMatchObject({ succeeded: 3 });
        });
        expect(await bench.podsOf("job-name=many")).toHaveLength(3);
      });

      it("tries again as often as it may, then has failed", async () => {
        await bench.client.create(JOBS, job("hopeless", image("fail"), { backoffLimit: 1 }));
        await bench.until(async () =>
          expect(condition(await get(JOBS, "hopeless"), "Failed")).toMatchObject({
            reason: "BackoffLimitExceeded",
          }),
        );
        expect((await get(JOBS, "hopeless"))?.status.failed).toBe(2);
      });

      it("starts nothing while suspended, stops what runs, and goes on", async () => {
        await bench.client.create(JOBS, job("held", image("idle"), { suspend: true }));
        await bench.until(async () =>
          expect(condition(await get(JOBS, "held"), "Suspended")).toMatchObject({ status: "True" }),
        );
        expect(await bench.podsOf("job-name=held")).toEqual([]);
        await patch(JOBS, "held", { spec: { suspend: false } });
        await bench.until(async () => expect(await bench.podsOf("job-name=held")).toHaveLength(1));
        await patch(JOBS, "held", { spec: { suspend: true } });
        await bench.until(async () => expect(await bench.podsOf("job-name=held")).toEqual([]));
      });

      it("ends at its deadline, and its Pod with it", async () => {
        await bench.client.create(JOBS, job("late", image("idle"), { activeDeadlineSeconds: 1 }));
        await bench.until(async () => {
          expect(condition(await get(JOBS, "late"), "Failed")).toMatchObject({ reason: "DeadlineExceeded" });
          expect(await bench.podsOf("job-name=late")).toEqual([]);
        });
      });

      it("goes when its time after the end is over", async () => {
        await bench.client.create(JOBS, job("brief", image("done"), { ttlSecondsAfterFinished: 1 }));
        await bench.until(async () => {
          expect(await get(JOBS, "brief")).toBeUndefined();
          expect(await bench.podsOf("job-name=brief")).toEqual([]);
        });
      });

      it("fails, with the reason, when it asks for what nobody does here", async () => {
        await bench.client.create(
          JOBS,
          job("indexed", image("done"), { completions: 2, completionMode: "Indexed" }),
        );
        await bench.until(async () => {
          expect(condition(await get(JOBS, "indexed"), "Failed")).toMatchObject({ reason: "Unsupported" });
          expect(await bench.eventsAbout("indexed")).toMatchObject([
            {
              reason: "Unsupported",
              message: "the playground's runner does not support spec.completionMode Indexed",
            },
          ]);
        });
      });
    });

    describe("a Pod", () => {
      const pod = (name: string, spec: object) => ({
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name, namespace: "default" },
        spec: { containers: [container(image("idle"))], terminationGracePeriodSeconds: 1, ...spec },
      });

      it("runs by itself where it names its node", async () => {
        await bench.client.create(PODS, pod("bound", { nodeName: "playground" }));
        await bench.until(async () => expect((await get(PODS, "bound"))?.status.phase).toBe("Running"));
      });

      it("is told, where it names none, that nobody chooses one, and goes when it is deleted", async () => {
        await bench.client.create(PODS, pod("unbound", {}));
        await bench.until(async () => {
          expect(condition(await get(PODS, "unbound"), "PodScheduled")).toMatchObject({
            reason: "Unschedulable",
          });
          expect(await bench.eventsAbout("unbound")).toMatchObject([{ reason: "FailedScheduling" }]);
        });
        await bench.client.delete(PODS, key("unbound"));
        await bench.until(async () => expect(await get(PODS, "unbound")).toBeUndefined());
      });

      it.each([
        ["exec probes", { readinessProbe: { exec: { command: ["true"] } } }, "readinessProbe.exec"],
        ["envFrom", { envFrom: [{ configMapRef: { name: "x" } }] }, "envFrom"],
      ])("is refused for %s", async (title, fields, words) => {
        const name = `asks-${title.toLowerCase().replace(" ", "-")}`;
        await bench.client.create(
          PODS,
          pod(name, { nodeName: "playground", containers: [{ ...container(image("idle")), ...fields }] }),
        );
        await bench.until(async () =>
          expect((await get(PODS, name))?.status).toMatchObject({
            phase: "Failed",
            message: expect.stringContaining(words),
          }),
        );
      });
    });

    it.each<[string, string, object]>([
      ["StatefulSet", "apps/v1", { serviceName: "x" }],
      ["DaemonSet", "apps/v1", {}],
    ])("says of a %s that nothing acts on it", async (kindName, apiVersion, extra) => {
      const plural = `${kindName.toLowerCase()}s`;
      const name = `a-${kindName.toLowerCase()}`;
      const { spec } = deployment(name) as Deployment;
      const { replicas: _, ...rest } = spec;
      await bench.client.request({
        method: "POST",
        path: `/apis/${apiVersion}/namespaces/default/${plural}`,
        body: { apiVersion, kind: kindName, metadata: { name }, spec: { ...rest, ...extra } },
      });
      await bench.until(async () =>
        expect(await bench.eventsAbout(name)).toMatchObject([
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
