import { describe, expect, it } from "vitest";
import type { BillingRelease } from "../../../src/api/billing-release.ts";
import { findCondition } from "../../../src/api/condition.ts";
import type { Franchise } from "../../../src/api/franchise.ts";
import { API_VERSION } from "../../../src/api/kind.ts";
import { ANNOTATION, LABEL } from "../../../src/api/label.ts";
import type { KubernetesObject } from "../../../src/api/object.ts";
import { SOVEREIGN } from "../../../src/api/sovereign.ts";
import type { OwnedObject } from "../../../src/kube/foreign-field.ts";
import { DEPLOYMENTS, NAMESPACES } from "../../../src/kube/resource.ts";
import { franchise, IMAGE, NEXT_IMAGE, sovereign } from "../../support/builder/catalyst-object.ts";
import { withFields } from "../../support/builder/kubeconfig.ts";
import { SOVEREIGNS } from "../../support/process/operator-bench.ts";
import {
  FRANCHISES,
  POLICIES,
  POLICY,
  portOf,
  REMOTE,
  readRelease,
  useSpokeBench,
} from "../../support/process/spoke-bench.ts";
import { createTcpProxy } from "../../support/server/tcp-proxy.ts";
import { until } from "../../support/wait.ts";

const { hub, spoke, hubRun, proxy, onEnd, writeKubeconfig, onSpoke, awaitOn, setImage, reached } =
  useSpokeBench(IMAGE);
const ABANDONED_IMAGE = IMAGE.replace(/[0-9a-f]{64}$/, "c".repeat(64));
const patchOnSpoke = (spec: object) => spoke.client().mergePatch(SOVEREIGNS, { name: "omantel" }, { spec });

describe("a Sovereign on a cluster of its own", () => {
  it("becomes Ready on the hub when the operator on its cluster has verified it there", async () => {
    await awaitOn(hub, "zero", IMAGE);
    await awaitOn(hub, "omantel", IMAGE);
    const [here, there] = [await hub.sovereign("omantel"), await onSpoke()];
    const kubeSystem = await spoke.client().get(NAMESPACES, { name: "kube-system" });
    expect(here?.status?.cluster).toMatchObject({ uid: kubeSystem?.metadata.uid });
    expect(findCondition(here?.status?.conditions, "ClusterReachable")).toMatchObject({ status: "True" });
    expect(here?.status?.schemaFingerprint).toBe(there?.status?.schemaFingerprint);
    expect(here?.status?.lastSmokeTest).toEqual(there?.status?.lastSmokeTest);
    expect(await hub.client().get(NAMESPACES, { name: "sovereign-omantel" })).toBeUndefined();
    expect(await spoke.client().get(NAMESPACES, { name: "sovereign-omantel" })).toBeDefined();
  });

  it("has its Franchise, its release with the reference, and the policies on its cluster, marked as the hub's", async () => {
    const client = spoke.client();
    const there = await Promise.all([
      onSpoke(),
      client.get<Franchise>(FRANCHISES, { name: "omantel" }),
      readRelease(client),
      client.get(POLICIES, POLICY.metadata),
    ]);
    const hubUid = (await hub.client().get(NAMESPACES, { name: "kube-system" }))?.metadata.uid;
    for (const object of there) {
      expect(object?.metadata.labels).toMatchObject({ [LABEL.managedBy]: "hub" });
      expect(object?.metadata.annotations).toMatchObject({ [ANNOTATION.hub]: hubUid });
    }
    const [own, , brel] = there;
    expect(own?.spec).toMatchObject({ role: "Franchised", franchise: "omantel", fqdn: "omantel.example" });
    expect(own?.spec.cluster).toBeUndefined();
    expect(brel?.status?.reference).toEqual((await readRelease(hub.client()))?.status?.reference);
  });

  it("begins with the manifest's branding, leaves it to the Franchisee afterwards, and reads it back", async () => {
    expect((await onSpoke())?.spec.branding).toEqual({ displayName: "as first given" });
    await patchOnSpoke({
      branding: { displayName: "Omantel Cloud" },
      tiers: [{ id: "s", name: "S", priceBaisa: 1 }],
    });
    const seen = await until(
      async () => {
        const cluster = (await hub.sovereign("omantel"))?.status?.cluster;
        return cluster?.tiers === undefined ? undefined : cluster;
      },
      async () => JSON.stringify((await hub.sovereign("omantel"))?.status?.cluster),
    );
    expect(seen).toMatchObject({
      branding: { displayName: "Omantel Cloud" },
      tiers: [{ id: "s", name: "S", priceBaisa: 1 }],
    });
    await awaitOn(hub, "omantel", IMAGE);
    expect((await onSpoke())?.spec.branding).toEqual({ displayName: "Omantel Cloud" });
  });

  it("lets the Franchisee apply its fields server-side without force, from the first time on", async () => {
    const identity = { apiVersion: API_VERSION, kind: SOVEREIGN.kind, metadata: { name: "omantel" } };
    const apply = (fieldManager: string, spec: object) =>
      spoke.client().apply(SOVEREIGNS, { ...identity, spec } as KubernetesObject, {
        ...{ fieldManager, force: false },
      });
    const managers = async () => {
      const { managedFields = [] } = ((await onSpoke())?.metadata ?? {}) as OwnedObject["metadata"];
      return managedFields.map(({ manager }) => manager);
    };
    expect(await managers()).toContain("catalyst-hub");
    expect(await managers()).not.toContain("catalyst-hub-offer");
    const offer = { addons: [{ id: "a", name: "A", priceBaisa: 1 }] };
    // A hub that stops after the creation leaves this behind.
    await apply("catalyst-hub-offer", offer);
    await until(
      async () => !(await managers()).includes("catalyst-hub-offer"),
      async () => JSON.stringify((await onSpoke())?.metadata),
    );
    expect((await onSpoke())?.spec).toMatchObject(offer);
    await apply("omantel-admin", { addons: [{ id: "a", name: "A", priceBaisa: 2 }] });
    expect((await onSpoke())?.spec.addons).toEqual([{ id: "a", name: "A", priceBaisa: 2 }]);
  });

  it("gets the hub's fields back after an edit there, without losing the Franchisee's", async () => {
    await patchOnSpoke({ fqdn: "omantel.example", suspend: true, parent: "someone" });
    await until(
      async () => {
        const { suspend, parent } = (await onSpoke())?.spec ?? {};
        return (suspend === false && parent === undefined) || undefined;
      },
      async () => JSON.stringify((await onSpoke())?.spec),
    );
    expect((await onSpoke())?.spec.branding).toEqual({ displayName: "Omantel Cloud" });
    await spoke.client().delete(FRANCHISES, { name: "omantel" });
    await spoke
      .client()
      .mergePatch(FRANCHISES, { name: "omantel" }, { metadata: { finalizers: [] } })
      .catch(() => undefined);
    await until(
      async () => (await spoke.client().get(FRANCHISES, { name: "omantel" }))?.metadata.name,
      "the Franchise is back",
    );
    await awaitOn(hub, "omantel", IMAGE);
  });
});

describe("the status of a Sovereign with a cluster of its own", () => {
  it("shows on the hub what changed there within seconds, by the watch alone", async () => {
    await awaitOn(hub, "omantel", IMAGE);
    expect(hubRun().spokeLists).toContain(SOVEREIGN.kind);
    const key = { namespace: "sovereign-omantel", name: "billing" };
    for (const [availableReplicas, status] of [
      [0, "False"],
      [2, "True"],
    ] as const) {
      const lists = hubRun().spokeLists.length;
      await spoke.client().mergePatch(DEPLOYMENTS, key, { status: { availableReplicas } }, "status");
      await spoke.awaitCondition("omantel", "RolledOut", status);
      // The hub's next resync is hours away, and it lists the Sovereigns there only when a session begins.
      await hub.awaitCondition("omantel", "RolledOut", status);
      expect(hubRun().spokeLists.slice(lists)).not.toContain(SOVEREIGN.kind);
    }
    await awaitOn(hub, "omantel", IMAGE);
  });
});

describe("a rollout over local and remote Sovereigns", () => {
  it("updates the remote one after Catalyst-Zero, counts both in the same way, and shows it Ready from then on", async () => {
    const shown: (string | undefined)[] = [];
    hub.caches().sovereigns.onChange(({ object: { metadata, status } }) => {
      const ready = findCondition(status?.conditions, "Ready");
      const isTransition = metadata.name === "omantel" && shown.at(-1) !== ready?.status;
      if (isTransition && status?.verified?.image === NEXT_IMAGE) shown.push(ready?.status);
    });
    await setImage(NEXT_IMAGE);
    await awaitOn(hub, "omantel", NEXT_IMAGE);
    const { status } = (await until(
      async () => {
        const brel = await readRelease(hub.client());
        return brel?.status?.phase === "Complete" && brel.status.verified === 2 ? brel : undefined;
      },
      async () => JSON.stringify((await readRelease(hub.client()))?.status),
    )) as BillingRelease;
    expect(status).toMatchObject({ sovereigns: 2, updated: 2, verified: 2, leftOut: 0 });
    expect((await onSpoke())?.status?.pinnedImage).toBe(NEXT_IMAGE);
    expect((await hub.sovereign("omantel"))?.status?.previousImage).toBe(IMAGE);
    // The hub then removes its annotation that the rollout is running.
    await until(
      async () => (await onSpoke())?.metadata.annotations?.[ANNOTATION.rollingOut] === undefined,
      async () => JSON.stringify((await onSpoke())?.metadata.annotations),
    );
    expect(shown).toEqual(["True"]);
  });

  it("halts when the remote one stalls on the image, and continues when the hub has another", async () => {
    spoke.simulation().shapes.set(ABANDONED_IMAGE, `sha256:${"9".repeat(64)}`);
    await setImage(ABANDONED_IMAGE);
    await hub.awaitCondition("omantel", "Stalled", "True", "ShapeDiffers", 20_000);
    await until(
      async () => (await readRelease(hub.client()))?.status?.phase === "Halted",
      async () => JSON.stringify((await readRelease(hub.client()))?.status),
    );
    await setImage(NEXT_IMAGE);
    await awaitOn(hub, "omantel", NEXT_IMAGE);
  });
});

describe("several Sovereigns with clusters of their own", () => {
  it("leaves an object alone that is not the hub's, and continues when it is handed over", async () => {
    await spoke.client().create(FRANCHISES, franchise("badr"));
    await hub.client().create(FRANCHISES, franchise("badr"));
    await hub.client().create(SOVEREIGNS, sovereign("badr", { ...REMOTE, franchise: "badr" }));
    const stalled = await hub.awaitCondition("badr", "Stalled", "True", "SpokeObjectNotOurs");
    expect(findCondition(stalled.status?.conditions, "Ready")?.message).toBe(
      "on the Sovereign's cluster: Franchise badr exists and does not come from this hub: delete it, or give it the label " +
        "catalyst.openova.io/managed-by=hub and no annotation catalyst.openova.io/hub, and the hub takes it over",
    );
    expect(await onSpoke("badr")).toBeUndefined();
    const labels = { [LABEL.managedBy]: "hub" };
    await spoke.client().mergePatch(FRANCHISES, { name: "badr" }, { metadata: { labels } });
    await awaitOn(hub, "badr", NEXT_IMAGE);
  });

  it("deletes with one of them only the objects that no other one on the same cluster needs", async () => {
    await hub.client().delete(SOVEREIGNS, { name: "badr" });
    await until(
      async () => (await hub.sovereign("badr")) === undefined,
      async () => JSON.stringify((await hub.sovereign("badr"))?.status?.conditions),
    );
    expect(await spoke.client().get(FRANCHISES, { name: "badr" })).toBeUndefined();
    expect(await spoke.client().get(FRANCHISES, { name: "omantel" })).toBeDefined();
    expect(await readRelease(spoke.client())).toBeDefined();
  });

  it("does not wait for a cluster that sends no answer", async () => {
    const silent = await createTcpProxy(1);
    onEnd(() => silent.close());
    silent.hang();
    const server = `https://127.0.0.1:${silent.port}`;
    await writeKubeconfig(withFields(spoke.kubeconfig(), { cluster: { server } }), "silent");
    const cluster = { kubeconfigSecretRef: { name: "silent", key: "value" } };
    for (const name of ["s1", "s2", "s3", "s4", "s5"])
      await hub.client().create(SOVEREIGNS, sovereign(name, { cluster }));
    await hub.awaitCondition("s5", "Ready", "Unknown", "ClusterConnecting");
    await hub.client().mergePatch(SOVEREIGNS, { name: "omantel" }, { spec: { billing: { replicas: 4 } } });
    const startedAt = performance.now();
    await until(
      async () => (await onSpoke())?.spec.billing.replicas === 4,
      async () => JSON.stringify((await onSpoke())?.spec),
    );
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    for (const name of ["s1", "s2", "s3", "s4", "s5"]) await hub.client().delete(SOVEREIGNS, { name });
    await awaitOn(hub, "omantel", NEXT_IMAGE);
  });
});

describe("the deletion of a Sovereign with a cluster of its own", () => {
  it("waits for its cluster, says how to delete it without the cluster, stalls at its deadline, and then deletes it there", async () => {
    proxy().disconnect();
    await reached("False", "ClusterUnreachable");
    await hub.client().delete(SOVEREIGNS, { name: "omantel" });
    const blocked = await hub.awaitCondition("omantel", "Ready", "False", "DeletionBlocked");
    expect(findCondition(blocked.status?.conditions, "Ready")?.message).toContain("set spec.suspend to true");
    const billing = { deadlines: { ready: "1s" } };
    await hub.client().mergePatch(SOVEREIGNS, { name: "omantel" }, { spec: { billing } });
    await hub.awaitCondition("omantel", "Stalled", "True", "DeletionDeadlineExceeded");
    proxy().lead(portOf(spoke.kubeconfig()));
    await until(
      async () => (await hub.sovereign("omantel")) === undefined,
      async () => JSON.stringify((await hub.sovereign("omantel"))?.status?.conditions),
    );
    expect(await onSpoke()).toBeUndefined();
    expect(await spoke.client().get(NAMESPACES, { name: "sovereign-omantel" })).toBeDefined();
    expect(
      await spoke.client().get(DEPLOYMENTS, { name: "billing", namespace: "sovereign-omantel" }),
    ).toBeUndefined();
    await until(async () => (await readRelease(spoke.client())) === undefined, "the release is gone there");
  });

  it("leaves a suspended one on its cluster as it is", async () => {
    await hub.client().create(SOVEREIGNS, sovereign("omantel", REMOTE));
    await awaitOn(hub, "omantel", NEXT_IMAGE);
    proxy().disconnect();
    await reached("False", "ClusterUnreachable");
    await hub.client().mergePatch(SOVEREIGNS, { name: "omantel" }, { spec: { suspend: true } });
    await hub.client().delete(SOVEREIGNS, { name: "omantel" });
    await until(
      async () => (await hub.sovereign("omantel")) === undefined,
      async () => JSON.stringify((await hub.sovereign("omantel"))?.status?.conditions),
    );
    expect(await onSpoke()).toBeDefined();
  });
});
