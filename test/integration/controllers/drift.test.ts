import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { BillingRelease } from "../../../src/api/billing-release.ts";
import { BLUEPRINT } from "../../../src/api/blueprint.ts";
import type { ConfigMapObject } from "../../../src/api/object.ts";
import type { Sovereign } from "../../../src/api/sovereign.ts";
import { CONFIG_MAPS, DEPLOYMENTS, NAMESPACES, resourceOf, SERVICES } from "../../../src/kube/resource.ts";
import { sleep } from "../../../src/platform/shutdown.ts";
import { blueprint, NEXT_IMAGE, release, sovereign } from "../../support/builder/catalyst-object.ts";
import type { ControllerRun } from "../../support/process/controller-run.ts";
import { RELEASES, SOVEREIGNS, settled, useOperatorBench } from "../../support/process/operator-bench.ts";
import { editBillingImage } from "../../support/server/api-request.ts";
import { until } from "../../support/wait.ts";

const bench = useOperatorBench();
const NAMESPACE = "sovereign-zero";
const STRANGE = `registry.example/strange@sha256:${"e".repeat(64)}`;
let run: ControllerRun;

const imageOf = async () => {
  const live = (await bench
    .client()
    .get(DEPLOYMENTS, { namespace: NAMESPACE, name: "billing" })) as unknown as {
    spec: { template: { spec: { containers: { image: string }[] } } };
  };
  return live.spec.template.spec.containers[0]?.image;
};
const editImage = () => editBillingImage(bench.client(), NAMESPACE, STRANGE);
const editConfiguration = (words: string) =>
  bench
    .client()
    .mergePatch(
      CONFIG_MAPS,
      { namespace: NAMESPACE, name: "billing-config" },
      { data: { "catalog.json": words } },
    );
const isReady = () => bench.awaitCondition("zero", "Ready", "True");

describe("manual changes of a Sovereign's objects", () => {
  beforeAll(async () => {
    await bench.client().create<BillingRelease>(RELEASES, release());
    await bench.client().create<Sovereign>(SOVEREIGNS, sovereign("zero", { role: "CatalystZero" }));
    run = bench.startControllers();
    await isReady();
  });
  beforeEach(() => settled(run));

  it("sends no request while nothing changes", async () => {
    const before = run.calls.length;
    await settled(run);
    expect(run.calls.slice(before)).toEqual([]);
  });

  it("sells a Blueprint of the catalog from its verification until its removal, and counts no drift", async () => {
    const client = bench.client();
    const blueprints = resourceOf(BLUEPRINT);
    const drifts = run.drifts.length;
    const awaitApps = (expected: unknown[]) => {
      const apps = async () => {
        const key = { namespace: NAMESPACE, name: "billing-config" };
        const { data } = (await client.get<ConfigMapObject>(CONFIG_MAPS, key)) ?? {};
        return JSON.stringify(JSON.parse(data?.["catalog.json"] ?? "{}").apps);
      };
      return until(async () => (await apps()) === JSON.stringify(expected), apps);
    };
    await client.create(NAMESPACES, { apiVersion: "v1", kind: "Namespace", metadata: { name: "catalog" } });
    const wiki = blueprint("wiki", { card: { title: "Wiki", priceBaisa: 500 } });
    await client.create(blueprints, wiki);
    await settled(run);
    await awaitApps([]);
    await client.mergePatch(blueprints, wiki.metadata, { status: wiki.status }, "status");
    await awaitApps([{ id: "wiki", name: "Wiki", price_baisa: 500 }]);
    await client.mergePatch(blueprints, wiki.metadata, { spec: { card: { priceBaisa: null } } });
    await awaitApps([{ id: "wiki", name: "Wiki", price_baisa: 0 }]);
    await client.delete(blueprints, wiki.metadata);
    await awaitApps([]);
    expect(run.drifts.length).toBe(drifts);
  });

  it("reads and writes nothing when another client's label changes", async () => {
    const [before, looks] = [run.calls.length, run.reconciles.length];
    const key = { namespace: NAMESPACE, name: "billing" };
    await bench.client().mergePatch(SERVICES, key, { metadata: { labels: { team: "theirs" } } });
    await until(() => run.reconciles.length > looks, "a look");
    await settled(run);
    expect(run.calls.slice(before)).toEqual([]);
  });

  it("reports drift before it reverts the change, and counts it afterwards", async () => {
    const seen: string[] = [];
    const stop = new AbortController();
    bench.caches().sovereigns.onChange(({ object }) => {
      const inSync = object.status?.conditions?.find(({ type }) => type === "InSync");
      if (inSync !== undefined && seen.at(-1) !== inSync.reason) seen.push(inSync.reason);
    }, stop.signal);
    await editImage();
    await until(
      async () => (await imageOf()) === NEXT_IMAGE,
      async () => `the image is ${await imageOf()}`,
    );
    await bench.awaitCondition("zero", "InSync", "True");
    await isReady();
    stop.abort();
    expect(seen).toEqual(["InSync", "DriftFound", "DriftCorrected", "InSync"]);
    expect(run.drifts.at(-1)).toEqual({
      sovereign: "zero",
      kind: "Deployment",
      fields: ["spec.template.spec.containers[billing].image"],
    });
    expect((await bench.events("zero")).map(({ reason }) => reason)).toContain("DriftCorrected");
  });

  it("counts a change that also removes the object from the operator's cache", async () => {
    const key = { namespace: NAMESPACE, name: "billing" };
    const drifts = run.drifts.length;
    await bench.client().mergePatch(SERVICES, key, {
      metadata: { labels: { "catalyst.openova.io/managed-by": null } },
      spec: { selector: { app: "theirs" } },
    });
    await until(() => run.drifts.length > drifts, "the correction");
    expect(run.drifts.at(-1)).toMatchObject({
      kind: "Service",
      fields: expect.arrayContaining(["spec.selector"]),
    });
    await isReady();
  });

  it("reverts drift while the database is unreachable, without a hot loop", async () => {
    bench.simulation().unreachable.add(NAMESPACE);
    const startedAt = performance.now();
    // The edit starts a rollout, so the operator probes the database again.
    const [reconciles, calls, probes] = [
      run.reconciles.length,
      run.calls.length,
      bench.simulation().probes.length,
    ];
    await editImage();
    await until(
      async () => (await imageOf()) === NEXT_IMAGE,
      async () => `the image is ${await imageOf()}`,
    );
    await bench.awaitCondition("zero", "DatabaseReady", "False", "DatabaseUnreachable");
    await settled(run);
    await editConfiguration('{"while":"away"}');
    await until(() => run.drifts.at(-1)?.kind === "ConfigMap", "the correction of the configuration");
    await sleep(1_000);
    const seconds = (performance.now() - startedAt) / 1_000;
    // Two edits, their effects, and one reconcile each second.
    expect(run.reconciles.length - reconciles).toBeLessThan(20 + 2 * seconds);
    expect(run.calls.length - calls).toBeLessThan(100 + 10 * seconds);
    expect(bench.simulation().probes.length - probes).toBeLessThan(20 + 2 * seconds);
    bench.simulation().unreachable.clear();
    await isReady();
  });

  it("reverts drift while the BillingRelease is missing, and keeps the workload running", async () => {
    await bench.client().delete(RELEASES, { name: "stable" });
    await bench.awaitCondition("zero", "ImagePinned", "False", "ReleaseMissing");
    await editImage();
    await until(
      async () => (await imageOf()) === NEXT_IMAGE,
      async () => `the image is ${await imageOf()}`,
    );
    await bench.client().create<BillingRelease>(RELEASES, release());
    await isReady();
  });

  it("pauses corrections of a contested field, reconciles at most once per change, and corrects other fields", async () => {
    const before = run.reconciles.length;
    let edits = 0;
    for (; edits < 30; edits += 1) {
      await editConfiguration(`{"theirs":${edits}}`);
      await sleep(40);
      const inSync = (await bench.sovereign("zero"))?.status?.conditions?.find(
        ({ type }) => type === "InSync",
      );
      if (inSync?.reason === "FieldConflict") break;
    }
    await bench.awaitCondition("zero", "InSync", "False", "FieldConflict");
    await settled(run);
    const [reconciles, calls] = [run.reconciles.length, run.calls.length];
    expect(reconciles - before).toBeLessThanOrEqual(2 * (edits + 1));
    // The other writer continues. The operator sees each edit and corrects none.
    for (let i = 0; i < 10; i += 1) {
      await editConfiguration(`{"still":${i}}`);
      await sleep(30);
    }
    await settled(run);
    expect(run.reconciles.length - reconciles).toBeLessThanOrEqual(10);
    expect(run.calls.slice(calls).filter((call) => !call.startsWith("get "))).toEqual([]);
    // An edited image in another field is not part of this conflict.
    await editImage();
    await until(
      async () => (await imageOf()) === NEXT_IMAGE,
      async () => `the image is ${await imageOf()}`,
    );
    const conflicts = (await bench.events("zero")).filter(({ reason }) => reason === "FieldConflict");
    expect(conflicts.reduce((sum, { count }) => sum + count, 0)).toBeLessThanOrEqual(2);
  });
});
