import { expect } from "vitest";
import type { KubernetesObject } from "../../../src/api/object.ts";
import { DEPLOYMENTS, REPLICA_SETS, type Resource } from "../../../src/kube/resource.ts";
import { sleep } from "../../../src/platform/shutdown.ts";
import type { ReplicaSet } from "../../../src/playground/runner/workload.ts";
import { image, type RunnerBench } from "../process/runner.ts";
import { eventually } from "../wait.ts";

// biome-ignore lint/suspicious/noExplicitAny: tests read objects of every kind
export type AnyObject = KubernetesObject & Record<string, any>;

export const key = (name: string) => ({ name, namespace: "default" });

export const container = (imageName: string) => ({ name: "app", image: imageName });

export const deployment = (name: string, spec: object = {}, imageName = image("idle")): AnyObject => ({
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

export const job = (name: string, imageName: string, spec: object = {}): AnyObject => ({
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

export const revision = (object: KubernetesObject) =>
  Number(object.metadata.annotations?.["deployment.kubernetes.io/revision"]);

export const condition = (object: AnyObject | undefined, type: string) =>
  (object?.status?.conditions as { type: string; status: string; reason: string }[] | undefined)?.find(
    (known) => known.type === type,
  );

/** Time for a late write, before a test asserts that there is none. */
export const settle = () => sleep(500);

/** Reads and changes objects in the namespace `default`. The bench is started later, so it is a function. */
export function createObjectAccess(bench: () => RunnerBench) {
  const get = (resource: Resource, name: string) => bench().client.get<AnyObject>(resource, key(name));
  const patch = (resource: Resource, name: string, body: object) =>
    bench().client.mergePatch<AnyObject>(resource, key(name), body);
  const imagesOf = async (name: string) =>
    (await bench().podsOf(`app=${name}`))
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .map(({ spec }) => spec.containers[0]?.image);
  return {
    get,
    patch,
    /** The images of a Deployment's Pods that are not terminating. */
    imagesOf,
    setImage: (name: string, imageName: string) =>
      patch(DEPLOYMENTS, name, { spec: { template: { spec: { containers: [container(imageName)] } } } }),
    /** A Deployment's ReplicaSets, oldest revision first. */
    setsOf: async (name: string) =>
      (
        await bench().client.list<ReplicaSet>(REPLICA_SETS, {
          namespace: "default",
          labelSelector: `app=${name}`,
        })
      ).items.sort((a, b) => revision(a) - revision(b)),
    /** Waits until all replicas of a Deployment run this image and the rollout is complete. */
    rolledOut: (name: string, imageName: string, replicas = 2) =>
      eventually(async () => {
        const live = await get(DEPLOYMENTS, name);
        expect(condition(live, "Progressing")).toMatchObject({ reason: "NewReplicaSetAvailable" });
        expect(live?.status).toMatchObject({
          observedGeneration: live?.metadata.generation,
          availableReplicas: replicas,
        });
        expect(await imagesOf(name)).toEqual(Array(replicas).fill(imageName));
      }),
  };
}
