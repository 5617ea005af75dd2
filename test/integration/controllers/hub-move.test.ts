import { KubeConfig } from "@kubernetes/client-node";
import { afterAll, describe, expect, it } from "vitest";
import type { BillingRelease } from "../../../src/api/billing-release.ts";
import { findCondition } from "../../../src/api/condition.ts";
import { ANNOTATION } from "../../../src/api/label.ts";
import type { KubernetesObject } from "../../../src/api/object.ts";
import { createKubeClient, type KubeClient } from "../../../src/kube/client.ts";
import { DEPLOYMENTS, NAMESPACES, SECRETS } from "../../../src/kube/resource.ts";
import { franchise, IMAGE, release, sovereign } from "../../support/builder/catalyst-object.ts";
import { RELEASES, SOVEREIGNS, useOperatorBench } from "../../support/process/operator-bench.ts";
import { FRANCHISES, POLICIES, POLICY, REMOTE, useSpokeBench } from "../../support/process/spoke-bench.ts";

const { hub, hubRun, spoke, viaProxy, onSpoke, awaitOn } = useSpokeBench(IMAGE);
/** The cluster to which the hub moves. */
const next = useOperatorBench();
let hubThere: KubeClient | undefined;
afterAll(() => hubThere?.close());

const billingOnSpoke = async () => {
  const key = { name: "billing", namespace: "sovereign-omantel" };
  return (await spoke.client().get<KubernetesObject>(DEPLOYMENTS, key))?.metadata.generation;
};

describe("a hub that moves to another cluster", () => {
  it("leaves the objects of the former hub on a spoke alone", async () => {
    await awaitOn(hub, "zero", IMAGE);
    await awaitOn(hub, "omantel", IMAGE);
    await hubRun().stop();

    const client = next.client();
    const secret = {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "omantel-kubeconfig", namespace: "catalyst-system" },
      data: { value: Buffer.from(viaProxy()).toString("base64") },
    } as KubernetesObject;
    await client.apply(SECRETS, secret, { fieldManager: "test" });
    const first = release({ maxUnavailable: 1 });
    await client.create<BillingRelease>(RELEASES, { ...first, spec: { ...first.spec, image: IMAGE } });
    await client.create(FRANCHISES, franchise("omantel"));
    await client.create(POLICIES, POLICY);
    await client.create(SOVEREIGNS, sovereign("zero", { role: "CatalystZero" }));
    await client.create(SOVEREIGNS, sovereign("omantel", REMOTE));
    next.startControllers();
    await awaitOn(next, "zero", IMAGE);
    const stalled = await next.awaitCondition("omantel", "Stalled", "True", "SpokeObjectNotOurs");
    expect(findCondition(stalled.status?.conditions, "Ready")?.message).toContain(
      `no annotation ${ANNOTATION.hub}, and the hub takes it over`,
    );
    expect((await onSpoke())?.status).toMatchObject({ pinnedImage: IMAGE });
  });

  it("takes a spoke over when its annotation is removed with the hub's kubeconfig, and restarts nothing there", async () => {
    const before = await billingOnSpoke();
    expect(before).toBeGreaterThan(0);
    const kubeConfig = new KubeConfig();
    kubeConfig.loadFromString(viaProxy());
    hubThere = createKubeClient({ kubeConfig, userAgent: "test" });
    const handedOver = { metadata: { annotations: { [ANNOTATION.hub]: null } } };
    for (const [resource, key] of [
      ...[SOVEREIGNS, FRANCHISES].map((resource) => [resource, { name: "omantel" }] as const),
      [RELEASES, { name: "stable" }] as const,
      [POLICIES, POLICY.metadata] as const,
    ])
      await hubThere.mergePatch(resource, key, handedOver);
    await awaitOn(next, "omantel", IMAGE);
    const uid = (await next.client().get<KubernetesObject>(NAMESPACES, { name: "kube-system" }))?.metadata
      .uid;
    expect((await onSpoke())?.metadata.annotations).toMatchObject({ [ANNOTATION.hub]: uid });
    expect((await onSpoke())?.status).toMatchObject({ pinnedImage: IMAGE });
    expect(await billingOnSpoke()).toBe(before);
  });
});
