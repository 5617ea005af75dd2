import { beforeAll, describe, expect, it } from "vitest";
import type { BillingRelease } from "../../../src/api/billing-release.ts";
import { findCondition } from "../../../src/api/condition.ts";
import type { Sovereign, SovereignSpec } from "../../../src/api/sovereign.ts";
import { isFinishedJob, type PodObject } from "../../../src/controllers/sovereign/observed.ts";
import { DEPLOYMENTS, JOBS, PODS } from "../../../src/kube/resource.ts";
import { IMAGE, NEXT_IMAGE, release, sovereign } from "../../support/builder/catalyst-object.ts";
import type { ControllerRun } from "../../support/process/controller-run.ts";
import { RELEASES, SOVEREIGNS, settled, useOperatorBench } from "../../support/process/operator-bench.ts";
import { provideSecret } from "../../support/server/api-request.ts";
import { databaseUrlOf } from "../../support/server/simulated-workload.ts";
import { until } from "../../support/wait.ts";

const bench = useOperatorBench();
let run: ControllerRun;

const create = (name: string, spec: Partial<SovereignSpec> = {}) =>
  bench.client().create<Sovereign>(SOVEREIGNS, sovereign(name, spec));

describe("the workload of a Sovereign", () => {
  beforeAll(async () => {
    const { spec, ...rest } = release();
    await bench.client().create<BillingRelease>(RELEASES, { ...rest, spec: { ...spec, image: IMAGE } });
    run = bench.startControllers();
    await create("zero", { role: "CatalystZero" });
    const followers = ["alpha", "beta", "gamma"];
    for (const name of followers) await create(name);
    for (const name of ["zero", ...followers]) await bench.awaitCondition(name, "Ready", "True");
  });

  it("verifies a Sovereign only when no other Pod is behind its Service", async () => {
    await bench.awaitCondition("alpha", "Ready", "True");
    const [pod] = (await bench.client().list<PodObject>(PODS, { namespace: "sovereign-alpha" })).items.filter(
      ({ metadata }) => metadata.labels?.["app.kubernetes.io/name"] === "billing",
    );
    if (pod === undefined) throw new Error("no Pod");
    const { uid: _, resourceVersion: __, ownerReferences: ___, ...metadata } = pod.metadata;
    const stranger = {
      ...pod,
      metadata: { ...metadata, name: "stranger" },
      spec: { containers: [{ name: "billing", image: NEXT_IMAGE }] },
    };
    await bench.client().create(PODS, stranger);
    await bench
      .client()
      .mergePatch(
        PODS,
        stranger.metadata,
        { status: { podIP: "10.9.9.9", conditions: [{ type: "Ready", status: "True" }] } },
        "status",
      );
    const seen = await bench.awaitCondition("alpha", "VoucherShapeVerified", "False", "UnexpectedPodImage");
    expect(JSON.stringify(seen.status?.conditions)).toContain("Pod stranger receives the Service's requests");
    await bench.client().delete(PODS, stranger.metadata);
    await bench.awaitCondition("alpha", "Ready", "True");
  });

  it("restarts the Pods for a new database password without another migration", async () => {
    const namespace = "sovereign-beta";
    const generation = async () =>
      (await bench.client().get(DEPLOYMENTS, { namespace, name: "billing" }))?.metadata.generation ?? 0;
    const [before, migrations] = [await generation(), bench.simulation().migrations.length];
    const uri = databaseUrlOf(namespace).replace("secret", "rotated@");
    await provideSecret(bench.client(), namespace, "billing-db", { uri });
    await until(async () => (await generation()) > before, "another template");
    await bench.awaitCondition("beta", "Ready", "True");
    expect(bench.simulation().migrations.length).toBe(migrations);
  });

  it("makes a Sovereign Ready with one write for each object and no list", async () => {
    await settled(run);
    const before = run.calls.length;
    await create("counted");
    await bench.awaitCondition("counted", "Ready", "True");
    await settled(run);
    const others = ["apply BillingRelease stable", "probe", "smoke"];
    const calls = run.calls
      .slice(before)
      .filter((call) => !others.includes(call))
      .map((call) => call.replace(/^(create Job billing-migrate)-[0-9a-f]+$/, "$1"));
    const status = "apply Sovereign counted";
    const reads = calls.filter((call) => call.startsWith("get "));
    expect(calls.filter((call) => call !== status && !reads.includes(call)).sort()).toEqual([
      "apply ConfigMap billing-config",
      "apply Deployment billing",
      "apply Namespace sovereign-counted",
      "apply NetworkPolicy billing",
      "apply PodDisruptionBudget billing",
      "apply Service billing",
      "apply ServiceAccount billing",
      "apply ServiceAccount billing-migrate",
      "create Job billing-migrate",
      // Its finalizer.
      "mergePatch Sovereign counted",
    ]);
    // At most one for each state: the first Secret is missing, the second is, the Job runs, the rollout, the smoke test,
    // Ready.
    expect(calls.filter((call) => call === status).length).toBeLessThanOrEqual(6);
    // The namespace, and the Secrets as they are created. A cache that is late costs one more read.
    expect(reads.length).toBeLessThanOrEqual(7);
  });

  it("reconciles no other Sovereign when one changes", async () => {
    await settled(run);
    const before = run.reconciles.length;
    const time = (await bench.sovereign("alpha"))?.status?.lastSmokeTest?.time;
    await bench
      .client()
      .mergePatch(SOVEREIGNS, { name: "alpha" }, { spec: { branding: { displayName: "A" } } });
    await until(
      async () => (await bench.sovereign("alpha"))?.status?.lastSmokeTest?.time !== time,
      "another smoke test",
    );
    await settled(run);
    expect(new Set(run.reconciles.slice(before))).toEqual(new Set(["alpha"]));
  });

  it("runs no Pods while the migration fails, gives the reason, and continues when the Job is deleted", async () => {
    const namespace = "sovereign-delta";
    bench.simulation().failingMigrations.set(namespace, "permission denied for schema public");
    await create("delta");
    const seen = await bench.awaitCondition("delta", "Stalled", "True", "MigrationFailed");
    expect(findCondition(seen.status?.conditions, "Migrated")?.message).toMatch(
      /^Job billing-migrate-[0-9a-f]{12} failed: permission denied for schema public; fix the cause/,
    );
    expect(await bench.client().get(DEPLOYMENTS, { namespace, name: "billing" })).toBeUndefined();
    bench.simulation().failingMigrations.clear();
    const [job] = (await bench.client().list(JOBS, { namespace })).items;
    if (job === undefined) throw new Error("no Job");
    await bench.client().delete(JOBS, job.metadata);
    await bench.awaitCondition("delta", "Ready", "True");
  });

  it("runs one migration at a time: an unfinished one of another database goes first, with its Pod", async () => {
    const namespace = "sovereign-gamma";
    const set = (name: string) =>
      bench
        .client()
        .mergePatch(
          SOVEREIGNS,
          { name: "gamma" },
          { spec: { billing: { database: { secretRef: { name } } } } },
        );
    const unfinished = () =>
      bench
        .caches()
        .jobs.list()
        .filter((job) => job.metadata.namespace === namespace && !isFinishedJob(job));
    await provideSecret(bench.client(), namespace, "copy", { uri: databaseUrlOf(namespace, "copy") });
    await provideSecret(bench.client(), namespace, "copy-2", { uri: databaseUrlOf(namespace, "copy-2") });
    bench.simulation().hangingMigrations.add(namespace);
    await set("copy");
    const [hanging] = await until(
      async () => (unfinished().length === 1 ? unfinished() : undefined),
      "a Job that hangs",
    );
    await settled(run);
    const podsAtCreation: number[] = [];
    const stop = new AbortController();
    bench.caches().jobs.onChange(({ kind, object }) => {
      if (kind !== "added" || object.metadata.namespace !== namespace || isFinishedJob(object)) return;
      if (object.metadata.uid === hanging?.metadata.uid) return;
      const pods = bench.caches().pods.list();
      podsAtCreation.push(
        pods.filter((pod) => pod.metadata.ownerReferences?.[0]?.uid === hanging?.metadata.uid).length,
      );
    }, stop.signal);
    bench.simulation().hangingMigrations.clear();
    await set("copy-2");
    await until(
      () => podsAtCreation.length > 0,
      async () => `another Job: ${JSON.stringify((await bench.sovereign("gamma"))?.status?.conditions)}`,
    );
    stop.abort();
    expect(podsAtCreation).toEqual([0]);
    expect((await bench.events("gamma")).map(({ reason }) => reason)).toContain("MigrationSuperseded");
    // Back to a migrated database: no migration remains.
    await bench.awaitCondition("gamma", "Ready", "True");
    expect(unfinished()).toEqual([]);
    await set("billing-db");
    await bench.awaitCondition("gamma", "Ready", "True");
    await settled(run);
  });

  it("migrates another database before any Pod uses it", async () => {
    const namespace = "sovereign-gamma";
    await settled(run);
    const calls = run.calls.length;
    const jobs = (await bench.client().list(JOBS, { namespace })).items.length;
    await provideSecret(bench.client(), namespace, "restored", { uri: databaseUrlOf(namespace, "restored") });
    await bench.client().mergePatch(
      SOVEREIGNS,
      { name: "gamma" },
      {
        spec: { billing: { database: { secretRef: { name: "restored" } } } },
      },
    );
    await until(
      async () => (await bench.client().list(JOBS, { namespace })).items.length === jobs + 1,
      "another Job",
    );
    const writes = () => run.calls.slice(calls).filter((call) => /^(create Job|apply Deployment)/.test(call));
    // The status may still be the one from before the Job.
    await until(() => writes().length >= 2, "a write after the Job");
    await bench.awaitCondition("gamma", "Ready", "True");
    expect(writes().map((call) => call.split(" ", 2).join(" "))).toEqual(["create Job", "apply Deployment"]);
  });
});
