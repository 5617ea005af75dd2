import { beforeAll, describe, expect, it } from "vitest";
import type { BillingRelease } from "../../../src/api/billing-release.ts";
import { findCondition, isConditionTrue } from "../../../src/api/condition.ts";
import type { Sovereign } from "../../../src/api/sovereign.ts";
import { IMAGE, NEXT_IMAGE, release, sovereign } from "../../support/builder/catalyst-object.ts";
import { RELEASES, SOVEREIGNS, useOperatorBench } from "../../support/process/operator-bench.ts";
import type { SimulatedWorkload } from "../../support/server/simulated-workload.ts";
import { until } from "../../support/wait.ts";

const bench = useOperatorBench();
const FIXED_IMAGE = IMAGE.replace(/[0-9a-f]{64}$/, "c".repeat(64));
const NAMES = ["zero", "alpha", "beta"];

const readRelease = async () =>
  (await bench.client().get<BillingRelease>(RELEASES, { name: "stable" }))?.status;

async function setRelease(image: string, rollout: Partial<BillingRelease["spec"]["rollout"]>): Promise<void> {
  await bench.client().mergePatch(RELEASES, { name: "stable" }, { spec: { image, rollout } });
}

const awaitPhase = (phase: string, image: string) =>
  until(
    async () => {
      const status = await readRelease();
      return status?.phase === phase && status.rollout?.image === image ? status : undefined;
    },
    async () => `${phase}: ${JSON.stringify(await readRelease())}`,
    60_000,
  );

/** Collects the halts of a release's image, and the reasons for which Sovereigns are stalled on it. */
function collectFailures(image: string) {
  const failures = new Set<string>();
  const stopping = new AbortController();
  const { releases, sovereigns } = bench.caches();
  releases.onChange(({ object: { status } }) => {
    if (status?.rollout?.image !== image) return;
    const { halt } = status.rollout;
    if (halt !== undefined) failures.add(`halt: ${halt.message}`);
  }, stopping.signal);
  sovereigns.onChange(({ object: { metadata, status } }) => {
    if (status?.pinnedImage !== image || !isConditionTrue(status.conditions, "Stalled")) return;
    failures.add(`${metadata.name}: ${findCondition(status.conditions, "Ready")?.message}`);
  }, stopping.signal);
  return { failures, stop: () => stopping.abort() };
}

describe("a release whose bad image is replaced by a fixed one", () => {
  beforeAll(async () => {
    const first = release({ maxUnavailable: 1 });
    await bench
      .client()
      .create<BillingRelease>(RELEASES, { ...first, spec: { ...first.spec, image: IMAGE } });
    bench.startControllers();
    for (const name of NAMES)
      await bench
        .client()
        .create<Sovereign>(SOVEREIGNS, sovereign(name, name === "zero" ? { role: "CatalystZero" } : {}));
    await awaitPhase("Complete", IMAGE);
  });

  it.each<[string, string, (simulation: SimulatedWorkload) => Set<string>]>([
    ["Pods were not ready in time", "zero", ({ unreadyImages }) => unreadyImages],
    ["Pods were not ready in time", "alpha", ({ unreadyImages }) => unreadyImages],
    ["smoke tests failed", "alpha", ({ failingImages }) => failingImages],
  ])("does not halt on the fixed one after %s on the canary %s", async (_what, canary, imagesOf) => {
    const canaries = canary === "zero" ? [] : [canary];
    const bad = imagesOf(bench.simulation()).add(`sovereign-${canary} ${NEXT_IMAGE}`);
    await setRelease(NEXT_IMAGE, { canaries, backwardCompatible: false });
    const halted = await awaitPhase("Halted", NEXT_IMAGE);
    expect(halted.rollout?.halt?.message).toContain(`Sovereign ${canary} failed on this release`);

    const { failures, stop } = collectFailures(FIXED_IMAGE);
    // The Sovereigns would go back to their previous image after a halt.
    await setRelease(FIXED_IMAGE, { backwardCompatible: true });
    const complete = await awaitPhase("Complete", FIXED_IMAGE);
    stop();
    expect([...failures]).toEqual([]);
    expect(complete).toMatchObject({ sovereigns: 3, updated: 3, verified: 3, failed: 0 });

    bad.clear();
    await setRelease(IMAGE, { canaries: [], backwardCompatible: false });
    await awaitPhase("Complete", IMAGE);
  });
});
