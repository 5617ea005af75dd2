import { beforeAll, describe, expect, it } from "vitest";
import type { BillingRelease } from "../../../src/api/billing-release.ts";
import { findCondition, isConditionTrue } from "../../../src/api/condition.ts";
import type { Sovereign, SovereignSpec } from "../../../src/api/sovereign.ts";
import { IMAGE, NEXT_IMAGE, release, sovereign } from "../../support/builder/catalyst-object.ts";
import { RELEASES, SOVEREIGNS, useOperatorBench } from "../../support/process/operator-bench.ts";
import { until } from "../../support/wait.ts";

const bench = useOperatorBench();
const create = (name: string, spec: Partial<SovereignSpec> = {}) =>
  bench.client().create<Sovereign>(SOVEREIGNS, sovereign(name, spec));
const createRelease = (name: string, image: string, rollout: object) => {
  const { spec, ...rest } = release({ maxUnavailable: 1, ...rollout });
  const object = { ...rest, metadata: { name }, spec: { ...spec, image } };
  return bench.client().create<BillingRelease>(RELEASES, object);
};
const change = (name: string, patch: object) => bench.client().mergePatch(RELEASES, { name }, patch);
const readRelease = async (name: string) =>
  (await bench.client().get<BillingRelease>(RELEASES, { name }))?.status;
const awaitRelease = (name: string, isMet: (status: BillingRelease["status"]) => boolean | undefined) =>
  until(
    async () => isMet(await readRelease(name)),
    async () => JSON.stringify(await readRelease(name)),
  );
const awaitImage = (names: string[], image: string) =>
  Promise.all(
    names.map((name) =>
      until(
        async () => {
          const { status } = (await bench.sovereign(name)) ?? {};
          return (status?.pinnedImage === image && isConditionTrue(status.conditions, "Ready")) || undefined;
        },
        async () => `${name}: ${JSON.stringify((await bench.sovereign(name))?.status)}`,
      ),
    ),
  );
const migrations = (name: string) =>
  bench.simulation().migrations.filter(({ namespace }) => namespace === `sovereign-${name}`).length;
/** Records each time a Sovereign is not Ready on this image, or is Stalled on any. */
function recordTrouble(image: string, signal: AbortSignal): string[] {
  const found: string[] = [];
  bench.caches().sovereigns.onChange(({ object: { metadata, status } }) => {
    const ready = findCondition(status?.conditions, "Ready");
    const stalled = findCondition(status?.conditions, "Stalled");
    if (status?.pinnedImage === image && ready?.reason === "WaitingForReference")
      found.push(`${metadata.name}: ${ready.message}`);
    if (stalled?.status === "True") found.push(`${metadata.name}: ${stalled.reason} ${stalled.message}`);
  }, signal);
  return found;
}

describe("a rollout that goes back", () => {
  const ALL = ["zero", "alpha", "beta"];
  beforeAll(async () => {
    const { versions } = bench.simulation();
    versions.set(IMAGE, "0005").set(NEXT_IMAGE, "0006");
    await createRelease("stable", IMAGE, {});
    bench.startControllers();
    await create("zero", { role: "CatalystZero" });
    for (const name of ["alpha", "beta"]) await create(name);
    await awaitImage(ALL, IMAGE);
  });

  it("by spec.image keeps Sovereigns with and without the newer schema Ready, and installs new ones", async () => {
    await change("stable", { spec: { image: NEXT_IMAGE, rollout: { bake: "1h" } } });
    await awaitRelease("stable", (status) => status?.phase === "Baking");
    const stop = new AbortController();
    const trouble = recordTrouble(IMAGE, stop.signal);
    await change("stable", { spec: { image: IMAGE, rollout: { bake: "0s" } } });
    await create("delta");
    await awaitImage([...ALL, "delta"], IMAGE);
    await awaitRelease("stable", (status) => status?.phase === "Complete");
    stop.abort();
    expect(trouble).toEqual([]);
    const zero = (await bench.sovereign("zero"))?.status;
    expect(zero?.schemaVersion).toBe("0006");
    expect(findCondition(zero?.conditions, "Migrated")?.message).toContain("to schema 0006");
    expect((await bench.sovereign("delta"))?.status?.schemaVersion).toBe("0005");
    expect(await readRelease("stable")).toMatchObject({
      reference: { image: IMAGE, schemaVersion: "0005" },
      earlierReferences: [{ image: NEXT_IMAGE, schemaVersion: "0006" }],
    });
    // The image's own migration checks the database each time.
    expect([migrations("zero"), migrations("alpha")]).toEqual([3, 1]);
  });

  it("returns every Sovereign, when all of them took the image and the last one failed", async () => {
    const { shapes } = bench.simulation();
    shapes.set(`sovereign-delta ${NEXT_IMAGE}`, `sha256:${"f".repeat(64)}`);
    await change("stable", { spec: { image: NEXT_IMAGE, rollout: { backwardCompatible: true } } });
    await awaitRelease("stable", (status) => status?.rollout?.halt?.returns);
    await awaitImage([...ALL, "delta"], IMAGE);
    shapes.clear();
    expect(migrations("zero")).toBe(5);
  });
});

describe("a Sovereign that moves to another release", () => {
  it("stays Ready while it waits there for an approval, and goes back to an image that only the earlier one measured", async () => {
    const NAMES = ["zero", "alpha"];
    await createRelease("next", NEXT_IMAGE, {
      backwardCompatible: true,
      stages: [{ name: "prod", sovereigns: ["alpha"], approval: true }],
    });
    const stop = new AbortController();
    const trouble = recordTrouble(IMAGE, stop.signal);
    for (const name of NAMES)
      await bench.client().mergePatch(SOVEREIGNS, { name }, { spec: { billing: { release: "next" } } });
    await awaitRelease("next", (status) => status?.phase === "WaitingForApproval");
    await awaitImage(["alpha"], IMAGE);
    await change("next", { spec: { rollout: { stages: [] } } });
    await awaitImage(NAMES, NEXT_IMAGE);
    await awaitRelease("next", (status) => status?.phase === "Complete");
    const aborted = `amal@${NEXT_IMAGE.split("@")[1]}`;
    await change("next", {
      metadata: { annotations: { "catalyst.openova.io/rollout-aborted": aborted } },
    });
    await awaitImage(NAMES, IMAGE);
    stop.abort();
    expect(trouble).toEqual([]);
  });
});
