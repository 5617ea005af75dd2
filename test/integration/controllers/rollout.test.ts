import { beforeAll, describe, expect, it } from "vitest";
import type { BillingRelease } from "../../../src/api/billing-release.ts";
import { findCondition, isConditionTrue } from "../../../src/api/condition.ts";
import type { Sovereign, SovereignSpec } from "../../../src/api/sovereign.ts";
import { JOBS, PODS } from "../../../src/kube/resource.ts";
import { IMAGE, NEXT_IMAGE, release, sovereign } from "../../support/builder/catalyst-object.ts";
import type { ControllerRun } from "../../support/process/controller-run.ts";
import { RELEASES, SOVEREIGNS, settled, useOperatorBench } from "../../support/process/operator-bench.ts";
import { until } from "../../support/wait.ts";

const bench = useOperatorBench();
const FOLLOWERS = ["alpha", "beta", "gamma"];
/** A mistyped digest: the registry does not have it. */
const MISSING_IMAGE = IMAGE.replace(/[0-9a-f]{64}$/, "e".repeat(64));
let run: ControllerRun;

const create = (name: string, spec: Partial<SovereignSpec> = {}) =>
  bench.client().create<Sovereign>(SOVEREIGNS, sovereign(name, spec));
const setRelease = (spec: object) => bench.client().mergePatch(RELEASES, { name: "stable" }, { spec });
const readRelease = async () =>
  (await bench.client().get<BillingRelease>(RELEASES, { name: "stable" }))?.status;
const awaitImage = (name: string, image: string) =>
  until(
    async () => {
      const { status } = (await bench.sovereign(name)) ?? {};
      const isReady = isConditionTrue(status?.conditions, "Ready");
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
    run = bench.startControllers({ findImage: async (image) => image !== MISSING_IMAGE });
    await create("zero", { role: "CatalystZero" });
    for (const name of FOLLOWERS) await create(name);
    for (const name of ["zero", ...FOLLOWERS]) await awaitImage(name, IMAGE);
  });

  it("updates Sovereigns one after the other, and keeps waiting ones Ready on their running image", async () => {
    // The changed statuses of the other Sovereigns that were not Ready while they ran the old image.
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
            !isConditionTrue(other.status.conditions, "VoucherShapeVerified"),
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
    );
    for (const name of ["zero", ...FOLLOWERS]) await awaitImage(name, NEXT_IMAGE);
    stop.abort();
    expect(broken).toEqual([]);
    expect(Math.max(...atOnce)).toBe(1);
    expect([...phases]).toEqual(expect.arrayContaining(["Canary", "Baking"]));
    expect((await readRelease())?.earlierReferences).toMatchObject([{ image: IMAGE }]);
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
  it("starts no Sovereign, says so, and continues with another digest", async () => {
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
    await settled(run);
    for (const name of ["zero", ...FOLLOWERS]) await awaitImage(name, IMAGE);
    expect((await bench.events("stable")).filter(({ reason }) => reason === "ImageNotFound")).toMatchObject([
      { count: 1 },
    ]);
    await setRelease({ image: IMAGE });
    await until(
      async () => (await readRelease())?.phase === "Complete",
      async () => JSON.stringify(await readRelease()),
    );
  });
});

describe("a release on which more requests fail", () => {
  it("halts during the bake with the counts, says so, and continues when the share of errors falls", async () => {
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
      "24 of 120 requests (20.00 %) failed with a 5xx status, and 2 of 1000 requests (0.20 %) on the previous image";
    expect(rollout?.halt).toMatchObject({
      reason: "ErrorRateRegressed",
      message: expect.stringContaining(`Sovereign zero failed on this release: ${counts}: look at the logs`),
    });
    expect(rollout?.heldUpBy).toMatchObject([
      { name: "zero", state: "Failed", reason: "ErrorRateRegressed" },
    ]);
    await bench.awaitCondition("zero", "Ready", "True");
    for (const name of FOLLOWERS) expect((await bench.sovereign(name))?.status?.pinnedImage).toBe(IMAGE);
    await settled(run);
    const warnings = (events: { reason: string; message: string }[]) =>
      events.filter(({ message }) => message.includes(counts)).map(({ reason }) => reason);
    expect(warnings(await bench.events("zero"))).toEqual(["ErrorRateRegressed"]);
    expect(warnings(await bench.events("stable"))).toEqual(["RolloutHalted"]);

    answered.set(NEXT_IMAGE, { requests: 2_000, serverErrors: 20 });
    await awaitPhase("Baking");
    await bench.awaitCondition("zero", "ErrorRateNormal", "True", "WithinLimit");
    await setRelease({ image: IMAGE, rollout: { bake: "0s" } });
    await awaitPhase("Complete");
    for (const name of ["zero", ...FOLLOWERS]) await awaitImage(name, IMAGE);
    answered.clear();
  });
});

describe("a rollout that was complete", () => {
  const awaitStatus = (isMet: (status: BillingRelease["status"]) => boolean) =>
    until(
      async () => {
        const status = await readRelease();
        return isMet(status) ? status : undefined;
      },
      async () => JSON.stringify(await readRelease()),
    );

  /** Replaces a Pod, because a new Pod gets a smoke test. */
  async function replaceAnyPod(namespace: string): Promise<void> {
    const { items } = await bench.client().list(PODS, { namespace });
    const pod = items.find(({ metadata }) => metadata.ownerReferences?.[0]?.kind === "Deployment");
    if (pod !== undefined) await bench.client().delete(PODS, pod.metadata);
  }

  it("stays complete when a Sovereign fails later, also after a restart of the operator, and updates a new one", async () => {
    await setRelease({ image: NEXT_IMAGE, rollout: { backwardCompatible: true } });
    const complete = await awaitStatus(
      (status) => status?.phase === "Complete" && status.rollout?.image === NEXT_IMAGE,
    );
    const { shapes } = bench.simulation();
    shapes.set(`sovereign-alpha ${NEXT_IMAGE}`, `sha256:${"f".repeat(64)}`);
    await replaceAnyPod("sovereign-alpha");
    const degraded = await awaitStatus((status) => status?.phase === "Degraded");
    await run.stop();
    run = bench.startControllers({ findImage: async (image) => image !== MISSING_IMAGE });
    await create("delta");
    await awaitImage("delta", NEXT_IMAGE);
    await settled(run);
    for (const name of ["zero", "beta", "gamma"]) await awaitImage(name, NEXT_IMAGE);
    const after = await readRelease();
    for (const status of [degraded, after]) {
      expect(status).toMatchObject({
        phase: "Degraded",
        rollout: {
          completedAt: complete.rollout?.completedAt,
          heldUpBy: [{ name: "alpha", state: "Failed", reason: "ShapeDiffers" }],
        },
      });
      expect(status?.rollout).not.toHaveProperty("halt");
    }
    expect((await bench.events("stable")).filter(({ reason }) => reason === "RolloutDegraded")).toMatchObject(
      [{ count: 1 }],
    );
    shapes.clear();
    await setRelease({ image: IMAGE });
    for (const name of ["zero", ...FOLLOWERS, "delta"]) await awaitImage(name, IMAGE);
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
