import { beforeAll, describe, expect, it } from "vitest";
import type { BillingRelease } from "../../../src/api/billing-release.ts";
import type { KubernetesObject } from "../../../src/api/object.ts";
import type { Sovereign } from "../../../src/api/sovereign.ts";
import { KubeError } from "../../../src/kube/error.ts";
import { DEPLOYMENTS, JOBS, SERVICES } from "../../../src/kube/resource.ts";
import { release, sovereign } from "../../support/builder/catalyst-object.ts";
import {
  type Gate,
  type OperatorLife,
  RELEASES,
  SOVEREIGNS,
  settled,
  until,
  useOperatorBench,
} from "../../support/process/operator-bench.ts";

const bench = useOperatorBench();
/** Lives side by side, each with a Sovereign of its own. */
const AT_ONCE = 8;
const PATIENCE_MS = 60_000;
/** A process that dies after a read leaves what one leaves that died after the write before it. */
const isRead = (call: string) => /^(get|list) /.test(call);

interface Fault {
  gate: Gate;
  /** Resolves when the process has died. */
  died: Promise<true>;
  hasDied(): boolean;
}

/** The process dies when its n-th effect, counted from 1, was carried out, before the answer came: it makes no more calls. */
function deathAfter(n: number): Fault {
  const { promise, resolve } = Promise.withResolvers<true>();
  let effects = 0;
  const gate: Gate = async (call, act) => {
    if (effects >= n) throw new Error("the process is dead");
    if (isRead(call)) return act();
    effects += 1;
    const isLast = effects === n;
    const answer = await act();
    if (!isLast) return answer;
    resolve(true);
    throw new Error("the process is dead");
  };
  return { gate, died: promise, hasDied: () => effects >= n };
}

/** Each call fails when it is made for the first time: refused, or carried out with its answer lost. */
function failureOfEach(kind: "refused" | "lost", failed: Set<string>): Fault {
  const gate: Gate = async (call, act) => {
    if (failed.has(call)) return act();
    failed.add(call);
    if (kind === "lost") await act();
    throw new KubeError("told to", { status: kind === "lost" ? 0 : 500, reason: "Told" });
  };
  return { gate, died: new Promise(() => {}), hasDied: () => false };
}

/** Lets `act` happen before an operator with a fault; one that died is followed by one without. */
async function endure<T>(
  name: string,
  fault: Fault,
  act: () => Promise<T>,
  done: () => Promise<unknown>,
): Promise<OperatorLife> {
  const concerns = (key: string) => key === name;
  const first = bench.live({ gate: fault.gate, concerns, hasReleases: false });
  await act();
  const end = done();
  end.catch(() => undefined);
  const hasDied = await Promise.race([fault.died, end.then(() => false)]);
  if (!hasDied) {
    await end;
    return first;
  }
  await first.stop();
  const second = bench.live({ concerns, hasReleases: false });
  await end;
  return second;
}

let count = 0;

/** Brings a Sovereign up, and says whether the fault came. */
async function bringUp(fault: Fault): Promise<{ name: string; hasDied: boolean }> {
  count += 1;
  const name = `s${count}`;
  const namespace = `sovereign-${name}`;
  const life = await endure(
    name,
    fault,
    () => bench.client().create<Sovereign>(SOVEREIGNS, sovereign(name)),
    () => bench.awaitCondition(name, "Ready", "True", undefined, PATIENCE_MS),
  );
  await settled(life, 60);
  const { items: jobs } = await bench.client().list<KubernetesObject>(JOBS, { namespace });
  expect(jobs).toHaveLength(1);
  expect(bench.simulation().migrations.filter((migration) => migration.namespace === namespace)).toEqual([
    { namespace, uid: jobs[0]?.metadata.uid },
  ]);
  const { items: deployments } = await bench.client().list<KubernetesObject>(DEPLOYMENTS, { namespace });
  // A second rollout of the same words would be another generation.
  expect(deployments.map(({ metadata }) => [metadata.name, metadata.generation])).toEqual([["billing", 1]]);
  expect(life.drifts).toEqual([]);
  await life.stop();
  return { name, hasDied: fault.hasDied() };
}

/** Takes a Sovereign down, and says whether the fault came. */
async function takeDown(name: string, fault: Fault): Promise<boolean> {
  const life = await endure(
    name,
    fault,
    () => bench.client().delete(SOVEREIGNS, { name }),
    () =>
      until(
        async () => ((await bench.sovereign(name)) === undefined ? true : undefined),
        async () => `${name} is gone`,
        PATIENCE_MS,
      ),
  );
  await life.stop();
  for (const resource of [DEPLOYMENTS, SERVICES, JOBS]) {
    const { items } = await bench
      .client()
      .list<KubernetesObject>(resource, { namespace: `sovereign-${name}` });
    expect(items).toEqual([]);
  }
  return fault.hasDied();
}

describe("creating and deleting a Sovereign", () => {
  beforeAll(async () => {
    await bench.client().create<BillingRelease>(RELEASES, release({ maxUnavailable: 1000 }));
    await bench.client().create<Sovereign>(SOVEREIGNS, sovereign("zero", { role: "CatalystZero" }));
    // The release's figures are kept by this life alone, so that the others' calls are about their Sovereign.
    bench.live({ concerns: (key) => key === "zero" });
    await bench.awaitCondition("zero", "Ready", "True", undefined, PATIENCE_MS);
    await until(
      async () => (await bench.client().get<BillingRelease>(RELEASES, { name: "stable" }))?.status?.reference,
      async () => "the reference",
    );
  });

  it("converges with one migration and leaves nothing when the operator is killed after any of its writes", async () => {
    let [deathsUp, deathsDown] = [0, 0];
    for (let first = 1, isOver = false; !isOver; first += AT_ONCE) {
      const numbers = Array.from({ length: AT_ONCE }, (_, i) => first + i);
      const runs = await Promise.all(numbers.map((n) => bringUp(deathAfter(n))));
      const ends = await Promise.all(runs.map(({ name }, i) => takeDown(name, deathAfter(numbers[i] ?? 0))));
      deathsUp += runs.filter(({ hasDied }) => hasDied).length;
      deathsDown += ends.filter((hasDied) => hasDied).length;
      isOver = runs.some(({ hasDied }) => !hasDied);
    }
    // Fewer would mean that the harness looked at nothing: 13 objects, three reports, a probe and two smoke tests; their
    // deletion and the finalizer.
    expect(deathsUp).toBeGreaterThanOrEqual(16);
    expect(deathsDown).toBeGreaterThanOrEqual(8);
  }, 120_000);

  it.each(["refused", "lost"] as const)(
    "converges when each call is %s once",
    async (kind) => {
      const failed = new Set<string>();
      const { name } = await bringUp(failureOfEach(kind, failed));
      // Every write, and the reads that a Sovereign in a new namespace needs.
      const writes = [...failed].filter((call) => !/^(get|list|probe|smoke)/.test(call));
      expect(writes.length).toBeGreaterThanOrEqual(11);
      expect(failed.size).toBeGreaterThanOrEqual(18);
      failed.clear();
      await takeDown(name, failureOfEach(kind, failed));
      expect([...failed].filter((call) => call.startsWith("delete")).length).toBeGreaterThanOrEqual(7);
    },
    120_000,
  );
});
