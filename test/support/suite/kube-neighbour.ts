import { describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../../src/api/object.ts";
import { desiredNamespace } from "../../../src/controllers/sovereign/desired-metadata.ts";
import { desiredWorkload } from "../../../src/controllers/sovereign/desired-workload.ts";
import { createApplier } from "../../../src/kube/apply.ts";
import { withForeignFields } from "../../../src/kube/informer.ts";
import { DEPLOYMENTS, resourceOfManifest } from "../../../src/kube/resource.ts";
import { IMAGE, NEXT_IMAGE, sovereign } from "../builder/catalyst-object.ts";
import { editBillingImage } from "../server/api-request.ts";
import type { KubeBench } from "./kube-bench.ts";

const MANAGER = "catalyst-operator";
/** Labels and annotations that other products or their users write on objects that they track. */
const LABELS = {
  "app.kubernetes.io/instance": "omantel",
  "app.kubernetes.io/managed-by": "Helm",
  "kustomize.toolkit.fluxcd.io/name": "omantel",
};
const ANNOTATIONS = {
  "argocd.argoproj.io/tracking-id": "omantel:apps/Deployment:sovereign-omantel/billing",
  "meta.helm.sh/release-name": "omantel",
  "cert-manager.io/cluster-issuer": "letsencrypt",
};

/** Other writers of the objects of a Sovereign, besides the operator. */
export function describeNeighbours(bench: KubeBench): void {
  async function cached(object: KubernetesObject): Promise<KubernetesObject | undefined> {
    const live = await bench.client().get(resourceOfManifest(object), object.metadata);
    return live && withForeignFields<KubernetesObject>(MANAGER)(live);
  }
  function workload(name: string, image = IMAGE, isAutoscaled = false): KubernetesObject[] {
    const own = sovereign(name);
    own.spec.billing.ingress = { host: `${name}.example` };
    return desiredWorkload(own, image, undefined, { isAutoscaled });
  }
  /** Applies the workload, and returns a function that applies one object again, as the next reconcile does. */
  async function start(name: string) {
    const applier = createApplier({ client: bench.client(), fieldManager: MANAGER, now: () => new Date() });
    for (const object of [desiredNamespace(sovereign(name)), ...workload(name)])
      await applier.apply(object, undefined);
    const key = { name: "billing", namespace: `sovereign-${name}` };
    return {
      key,
      again: async (object: KubernetesObject) => applier.apply(object, await cached(object)),
      deployment: async () => (await bench.client().get(DEPLOYMENTS, key)) as unknown as LiveDeployment,
    };
  }

  describe("the applier beside other products", () => {
    it("leaves their labels and annotations on every object, and does not count them as drift", async () => {
      const { again } = await start("tracked");
      const objects = workload("tracked");
      expect(objects).toHaveLength(5);
      for (const object of objects) {
        const metadata = { labels: LABELS, annotations: ANNOTATIONS };
        await bench.client().mergePatch(resourceOfManifest(object), object.metadata, { metadata });
        expect((await again(object)).kind, object.kind).toBe("unchanged");
      }
      const [next] = workload("tracked", NEXT_IMAGE);
      if (next === undefined) throw new Error("no Deployment");
      expect(await again(next)).toMatchObject({
        kind: "updated",
        object: { metadata: { labels: LABELS, annotations: ANNOTATIONS } },
      });
    });

    it("lets kubectl rollout restart replace the Pods, and keeps its annotation in the next update", async () => {
      const { key, again, deployment } = await start("restarted");
      const restartedAt = { "kubectl.kubernetes.io/restartedAt": "2026-11-29T12:00:00Z" };
      await bench
        .client()
        .mergePatch(DEPLOYMENTS, key, { spec: { template: { metadata: { annotations: restartedAt } } } });
      const [same] = workload("restarted");
      const [next] = workload("restarted", NEXT_IMAGE);
      if (same === undefined || next === undefined) throw new Error("no Deployment");
      expect((await again(same)).kind).toBe("unchanged");
      expect((await again(next)).kind).toBe("updated");
      expect((await deployment()).spec.template.metadata.annotations).toMatchObject(restartedAt);
    });

    it("leaves the replicas to an autoscaler, which sets them by the scale subresource", async () => {
      const { key, again, deployment } = await start("scaled");
      await bench.client().mergePatch(DEPLOYMENTS, key, { spec: { replicas: 5 } }, "scale");
      const [left] = workload("scaled", IMAGE, true);
      const [fixed] = workload("scaled");
      if (left === undefined || fixed === undefined) throw new Error("no Deployment");
      expect((await again(left)).kind).toBe("updated");
      expect((await deployment()).spec.replicas).toBe(5);
      await bench.client().mergePatch(DEPLOYMENTS, key, { spec: { replicas: 7 } }, "scale");
      expect((await again(left)).kind).toBe("unchanged");
      expect((await deployment()).spec.replicas).toBe(7);
      await again(fixed);
      expect((await deployment()).spec.replicas).toBe(2);
      await bench.client().mergePatch(DEPLOYMENTS, key, { spec: { replicas: 3 } }, "scale");
      expect(await again(fixed)).toMatchObject({ kind: "corrected", fields: ["spec.replicas"] });
    });

    it("does not count an image of the same digest in a mirror as drift", async () => {
      const { key, again } = await start("mirrored");
      const image = IMAGE.replace("registry.example", "mirror.local/cache");
      await editBillingImage(bench.client(), key.namespace, image);
      const [same] = workload("mirrored");
      if (same === undefined) throw new Error("no Deployment");
      expect((await again(same)).kind).toBe("unchanged");
    });
  });
}

interface LiveDeployment {
  spec: { replicas: number; template: { metadata: { annotations?: Record<string, string> } } };
}
