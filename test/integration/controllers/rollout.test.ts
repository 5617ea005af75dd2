import { beforeAll, describe, expect, it } from "vitest";
import type { BillingRelease } from "../../../src/api/billing-release.ts";
import { findCondition } from "../../../src/api/condition.ts";
import type { Sovereign, SovereignSpec } from "../../../src/api/sovereign.ts";
import { isFinishedJob, type PodObject } from "../../../src/controllers/sovereign/observed.ts";
import { DEPLOYMENTS, JOBS, PODS } from "../../../src/kube/resource.ts";
import { IMAGE, NEXT_IMAGE, release, sovereign } from "../../support/builder/catalyst-object.ts";
import {
  RELEASES,
  SOVEREIGNS,
  settled,
  until,
  useOperatorBench,
} from "../../support/process/operator-bench.ts";
import type { OperatorLife } from "../../support/process/operator-life.ts";
import { databaseUrlOf, provideSecret } from "../../support/server/simulated-workload.ts";

const bench = useOperatorBench();
const FOLLOWERS = ["alpha", "beta", "gamma"];
/** A mistyped digest: the registry does not have it. */
const MISSING_IMAGE = IMAGE.replace(/[0-9a-f]{64}$/, "e".repeat(64));
let life: OperatorLife;

const create = (name: string, spec: Partial<SovereignSpec> = {}) =>
  bench.client().create<Sovereign>(SOVEREIGNS, sovereign(name, spec));
const setRelease = (spec: object) => bench.client().mergePatch(RELEASES, { name: "stable" }, { spec });
const readRelease = async () =>
  (await bench.client().get<BillingRelease>(RELEASES, { name: "stable" }))?.status;
const awaitImage = (name: string, image: string) =>
  until(
    async () => {
      const { status } = (await bench.sovereign(name)) ?? {};
      const isReady = findCondition(status?.conditions, "Ready")?.status === "True";
      return (status?.pinnedImage === image && isReady) || undefined;
    },
    async () => `${name} on ${image}: ${JSON.stringify((await bench.sovereign(name))?.status)}`,
  );

describe("rolling out a release", () => {
  beforeAll(async () => {
    const first = release({ maxUnavailable: 1 });
    await bench
      .client()
      .create<BillingRelease>(RELEASES, { ...first, spec: { ...first.spec, image: IMAGE } });
    life = bench.live({ findImage: async (image) => image !== MISSING_IMAGE });
    await create("zero", { role: "CatalystZero" });
    for (const name of FOLLOWERS) await create(name);
    for (const name of ["zero", ...FOLLOWERS]) await awaitImage(name, IMAGE);
  });

  it("updates Sovereigns one after the other, and keeps waiting ones Ready on their running image", async () => {
    // Each status of a follower as it changes: whether it was ever not Ready while it ran the old image.
    const broken: string[] = [];
    const atOnce: number[] = [];
    const stop = new AbortController();
    bench.caches().sovereigns.onChange(({ object }) => {
      const { status, metadata } = object;
      if (metadata.name === "zero") return;
      const ready = findCondition(status?.conditions, "Ready");
      if (status?.pinnedImage === IMAGE && ready?.status !== "True")
        broken.push(`${metadata.name}: ${ready?.reason}`);
      const updating = bench
        .caches()
        .sovereigns.list()
        .filter(
          (other) =>
            other.metadata.name !== "zero" &&
            other.status?.pinnedImage === NEXT_IMAGE &&
            findCondition(other.status.conditions, "VoucherShapeVerified")?.status !== "True",
        );
      atOnce.push(updating.length);
    }, stop.signal);
    await setRelease({ image: NEXT_IMAGE, rollout: { bake: "1s" } });
    const phases = new Set<string>();
    await until(
      async () => {
        const status = await readRelease();
        phases.add(status?.phase ?? "");
        return status?.phase === "Complete" && status.reference?.image === NEXT_IMAGE ? true : undefined;
      },
      async () => JSON.stringify(await readRelease()),
      25_000,
    );
    for (const name of ["zero", ...FOLLOWERS]) await awaitImage(name, NEXT_IMAGE);
    stop.abort();
    expect(broken).toEqual([]);
    expect(Math.max(...atOnce)).toBe(1);
    expect([...phases]).toEqual(expect.arrayContaining(["Canary", "Baking"]));
    expect((await readRelease())?.earlierReferences).toBeUndefined();
    expect((await readRelease())?.reference?.apiFingerprint).toBe(`sha256:a${"b".repeat(63)}`);
    expect(findCondition((await readRelease())?.conditions, "Reconciling")).toBeUndefined();
    for (const name of FOLLOWERS) {
      const { items } = await bench.client().list(JOBS, { namespace: `sovereign-${name}` });
      expect(items).toHaveLength(2);
    }
  });

  it("updates Catalyst-Zero first when other canaries are named", async () => {
    await setRelease({ image: IMAGE, rollout: { canaries: ["gamma"], bake: "0s" } });
    for (const name of ["zero", ...FOLLOWERS]) await awaitImage(name, IMAGE);
  });
});

describe("a release whose image the registry does not have", () => {
  it("starts no Sovereign, says so, and goes on with another digest", async () => {
    await setRelease({ image: MISSING_IMAGE });
    await until(
      async () => {
        const conditions = (await readRelease())?.conditions;
        const found = findCondition(conditions, "ImageFound");
        const stalled = findCondition(conditions, "Stalled");
        return (found?.status === "False" && stalled?.reason === "ImageNotFound") || undefined;
      },
      async () => JSON.stringify(await readRelease()),
    );
    await settled(life);
    for (const name of ["zero", ...FOLLOWERS]) await awaitImage(name, IMAGE);
    expect((await bench.events("stable")).filter(({ reason }) => reason === "ImageNotFound")).toMatchObject([
      { count: 1 },
    ]);
    await setRelease({ image: IMAGE });
    await until(
      async () => ((await readRelease())?.phase === "Complete" ? true : undefined),
      async () => JSON.stringify(await readRelease()),
    );
  });
});

describe("a release on which more requests fail", () => {
  it("halts during the bake with the counts, says so, and goes on when the share of errors falls", async () => {
    const { answered } = bench.simulation();
    answered.set(IMAGE, { requests: 500, serverErrors: 1 });
    // Less than spec.rollout.errorRate.minRequests for each of two Pods.
    answered.set(NEXT_IMAGE, { requests: 60, serverErrors: 12 });
    const awaitPhase = (phase: string) =>
      until(
        async () => {
          const status = await readRelease();
          return status?.phase === phase ? status : undefined;
        },
        async () => `${phase}: ${JSON.stringify(await readRelease())}`,
      );
    await setRelease({ image: NEXT_IMAGE, rollout: { canaries: [], bake: "1h" } });
    const { rollout } = await awaitPhase("Halted");
    const counts =
      "24 of 120 requests (20.00 %) failed with a 5xx status, and 2 of 1000 requests (0.20 %) on the image before";
    expect(rollout?.halt).toMatchObject({
      reason: "ErrorRateRegressed",
      message: expect.stringContaining(`Sovereign zero failed on this release: ${counts}: look at the logs`),
    });
    expect(rollout?.heldUpBy).toMatchObject([
      { name: "zero", state: "Failed", reason: "ErrorRateRegressed" },
    ]);
    await bench.awaitCondition("zero", "Ready", "True");
    for (const name of FOLLOWERS) expect((await bench.sovereign(name))?.status?.pinnedImage).toBe(IMAGE);
    await settled(life);
    const told = (events: { reason: string; message: string }[]) =>
      events.filter(({ message }) => message.includes(counts)).map(({ reason }) => reason);
    expect(told(await bench.events("zero"))).toEqual(["ErrorRateRegressed"]);
    expect(told(await bench.events("stable"))).toEqual(["RolloutHalted"]);

    answered.set(NEXT_IMAGE, { requests: 2_000, serverErrors: 20 });
    await awaitPhase("Baking");
    await bench.awaitCondition("zero", "ErrorRateNormal", "True", "WithinLimit");
    await setRelease({ image: IMAGE, rollout: { bake: "0s" } });
    await awaitPhase("Complete");
    for (const name of ["zero", ...FOLLOWERS]) await awaitImage(name, IMAGE);
    answered.clear();
  });
});

describe("spec.rollout.maxUnavailable of a BillingRelease", () => {
  it.each([-5, "999%", "-1%", "101%", "5"])("refuses %s as maxUnavailable", async (maxUnavailable) => {
    await expect(setRelease({ rollout: { maxUnavailable } })).rejects.toMatchObject({ reason: "Invalid" });
  });
  it.each([0, 7, "0%", "25%", "100%"])("accepts %s as maxUnavailable", async (maxUnavailable) => {
    await setRelease({ rollout: { maxUnavailable } });
  });
});

describe("the workload of a Sovereign", () => {
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
    await until(
      async () => ((await generation()) > before ? true : undefined),
      async () => "another template",
    );
    await bench.awaitCondition("beta", "Ready", "True");
    expect(bench.simulation().migrations.length).toBe(migrations);
  });

  it("reconciles no other Sovereign when one changes", async () => {
    await settled(life);
    const before = life.reconciles.length;
    const time = (await bench.sovereign("alpha"))?.status?.lastSmokeTest?.time;
    await bench
      .client()
      .mergePatch(SOVEREIGNS, { name: "alpha" }, { spec: { branding: { displayName: "A" } } });
    await until(
      async () => ((await bench.sovereign("alpha"))?.status?.lastSmokeTest?.time !== time ? true : undefined),
      async () => "another smoke test",
    );
    await settled(life);
    expect(new Set(life.reconciles.slice(before))).toEqual(new Set(["alpha"]));
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
      async () => "a Job that hangs",
    );
    await settled(life);
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
      async () => (podsAtCreation.length > 0 ? true : undefined),
      async () => `another Job: ${JSON.stringify((await bench.sovereign("gamma"))?.status?.conditions)}`,
    );
    stop.abort();
    expect(podsAtCreation).toEqual([0]);
    expect((await bench.events("gamma")).map(({ reason }) => reason)).toContain("MigrationSuperseded");
    // Back to a database that was migrated: nothing hangs on.
    await bench.awaitCondition("gamma", "Ready", "True");
    expect(unfinished()).toEqual([]);
    await set("billing-db");
    await bench.awaitCondition("gamma", "Ready", "True");
    await settled(life);
  });

  it("migrates another database before any Pod uses it", async () => {
    const namespace = "sovereign-gamma";
    await settled(life);
    const calls = life.calls.length;
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
      async () =>
        (await bench.client().list(JOBS, { namespace })).items.length === jobs + 1 ? true : undefined,
      async () => "another Job",
    );
    const writes = () =>
      life.calls.slice(calls).filter((call) => /^(create Job|apply Deployment)/.test(call));
    // The status may still be the one from before the Job.
    await until(
      async () => (writes().length >= 2 ? true : undefined),
      async () => "a write after the Job",
    );
    await bench.awaitCondition("gamma", "Ready", "True");
    expect(writes().map((call) => call.split(" ", 2).join(" "))).toEqual(["create Job", "apply Deployment"]);
  });
});
