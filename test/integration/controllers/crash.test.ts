import { beforeAll, describe, expect, it } from "vitest";
import type { BillingRelease } from "../../../src/api/billing-release.ts";
import type { KubernetesObject } from "../../../src/api/object.ts";
import type { Sovereign } from "../../../src/api/sovereign.ts";
import { KubeError } from "../../../src/kube/error.ts";
import { DEPLOYMENTS, JOBS, SERVICES } from "../../../src/kube/resource.ts";
import { release, sovereign } from "../../support/catalyst-object.ts";
import {
  type Call,
  type Gate,
  type OperatorLife,
  RELEASES,
  SOVEREIGNS,
  settled,
  until,
  useOperatorBench,
} from "../../support/operator-bench.ts";

const bench = useOperatorBench();
/** Lives side by side, each with a Sovereign of its own. */
const AT_ONCE = 16;

type Fault =
  /** The process dies when its n-th call was carried out, before the answer came. */
  | "dies after"
  /** The n-th call fails once: refused, or carried out and its answer lost. */
  | "fails at"
  | "loses the answer of";

function errorOf(fault: Fault): Error {
  if (fault === "fails at") return new KubeError("told to", { status: 500, reason: "InternalError" });
  return new KubeError("told to", { status: 0, reason: "Unreachable" });
}

/** A gate with a fault at the n-th call, counted from 1; a process that died makes no more calls. */
function faultAt(n: number, fault: Fault): { gate: Gate; reached: Promise<Call>; isReached(): boolean } {
  const { promise, resolve } = Promise.withResolvers<Call>();
  let calls = 0;
  const gate: Gate = async (call, act) => {
    calls += 1;
    if (calls < n || (calls > n && fault !== "dies after")) return act();
    if (calls === n) {
      if (fault !== "fails at") await act();
      resolve(call);
    }
    throw errorOf(fault);
  };
  return { gate, reached: promise, isReached: () => calls >= n };
}

let count = 0;

/** Brings a Sovereign up with one fault on the way, and says how many calls it took until the fault. */
async function bringUp(n: number, fault: Fault): Promise<{ name: string; isReached: boolean }> {
  count += 1;
  const name = `s${count}`;
  const { gate, reached, isReached } = faultAt(n, fault);
  const concerns = (key: string) => key === name;
  const first = bench.live({ gate, concerns, hasReleases: false });
  await bench.client().create<Sovereign>(SOVEREIGNS, sovereign(name));
  const up = bench.awaitCondition(name, "Ready", "True");
  up.catch(() => undefined);
  const hasDied =
    fault === "dies after" && (await Promise.race([reached.then(() => true), up.then(() => false)]));
  let last = first;
  if (hasDied) {
    await first.stop();
    last = bench.live({ concerns, hasReleases: false });
  }
  await up;
  await converged(name, last);
  await last.stop();
  return { name, isReached: isReached() };
}

async function converged(name: string, life: OperatorLife): Promise<void> {
  const namespace = `sovereign-${name}`;
  await settled(life, 60);
  const { items: jobs } = await bench.client().list<KubernetesObject>(JOBS, { namespace });
  expect(jobs).toHaveLength(1);
  expect(bench.world().migrations.filter((migration) => migration.namespace === namespace)).toEqual([
    { namespace, uid: jobs[0]?.metadata.uid },
  ]);
  for (const resource of [DEPLOYMENTS, SERVICES]) {
    const { items } = await bench.client().list<KubernetesObject>(resource, { namespace });
    expect(items.map(({ metadata }) => metadata.name)).toEqual(["billing"]);
    // Applied once: a second rollout of the same words would be another generation.
    if (resource === DEPLOYMENTS) expect(items[0]?.metadata.generation).toBe(1);
  }
  expect(life.drifts).toEqual([]);
}

describe("a Sovereign's first reconcile", () => {
  beforeAll(async () => {
    await bench.client().create<BillingRelease>(RELEASES, release({ maxUnavailable: 1000 }));
    await bench.client().create<Sovereign>(SOVEREIGNS, sovereign("zero", { role: "CatalystZero" }));
    const life = bench.live({ concerns: (key) => key === "zero" });
    await bench.awaitCondition("zero", "Ready", "True");
    await until(
      async () => (await bench.client().get<BillingRelease>(RELEASES, { name: "stable" }))?.status?.reference,
      async () => "the reference",
    );
    // The release's figures are kept by this life alone, so that the others' calls are about their Sovereign.
    expect(life.reconciles.length).toBeGreaterThan(0);
  });

  it.each<Fault>(["dies after", "fails at", "loses the answer of"])(
    "converges with one migration and no drift when the process %s its n-th call, for every n",
    async (fault) => {
      let reached = 0;
      for (let first = 1; ; first += AT_ONCE) {
        const numbers = Array.from({ length: AT_ONCE }, (_, i) => first + i);
        const runs = await Promise.all(numbers.map((n) => bringUp(n, fault)));
        reached += runs.filter(({ isReached }) => isReached).length;
        for (const { name } of runs) await bench.client().delete(SOVEREIGNS, { name });
        if (runs.some(({ isReached }) => !isReached)) break;
      }
      // Fewer would mean that the harness looked at nothing.
      expect(reached).toBeGreaterThan(20);
    },
    120_000,
  );
});
