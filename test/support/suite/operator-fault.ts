import { beforeAll, describe, expect, it } from "vitest";
import type { BillingRelease } from "../../../src/api/billing-release.ts";
import { isConditionTrue } from "../../../src/api/condition.ts";
import type { KubernetesObject } from "../../../src/api/object.ts";
import type { Sovereign } from "../../../src/api/sovereign.ts";
import { managedResources } from "../../../src/controllers/sovereign/cache.ts";
import { CONFIG_MAPS, DEPLOYMENTS, SERVICES } from "../../../src/kube/resource.ts";
import type { OperatorCaches } from "../../../src/operator/cache.ts";
import { canonicalJson } from "../../../src/platform/canonical-json.ts";
import { IMAGE, NEXT_IMAGE, release, sovereign } from "../builder/catalyst-object.ts";
import { contentOf, withoutRunValues } from "../builder/end-state.ts";
import { type Expected, expectedOf, fewestCalls, readEvents } from "../builder/event-state.ts";
import { DISTURBANCES, type Disturbance, disturbWatches } from "../process/disturbed-watch.ts";
import { AT_ONCE, NO_FAULT, type Plan, planFaults, SEED, STAGES, type Stage } from "../process/fault-plan.ts";
import { failureOf, runFaultStage } from "../process/fault-stage.ts";
import { RELEASES, SOVEREIGNS, useOperatorBench } from "../process/operator-bench.ts";
import { createFault, type PlannedFault, seededRandom } from "../process/operator-fault.ts";
import { editBillingImage } from "../server/api-request.ts";
import { until } from "../wait.ts";

const PATIENCE_MS = 120_000;
const QUIET_MS = 60;
/** The number of calls at the end of a stage depends on timing, so a fault that did not come is tried again, so often. */
const MAX_ROUNDS = 4;

/**
 * One Sovereign from its creation to Ready, through an upgrade and an edit by hand, to its deletion, with one fault in each
 * stage. Each stage must end as it ends without a fault. `sample` selects this many faults of each stage at random, the
 * same each time. `isBrief` leaves out the kinds that last.
 */
export function describeOperatorFaults({
  sample,
  isBrief = false,
  start,
}: {
  sample?: number;
  isBrief?: boolean;
  /** Default: the embedded API server. */
  start?: Parameters<typeof useOperatorBench>[0];
}): void {
  const bench = useOperatorBench(start);
  const calm = new AbortController();
  const disturbed = new Map<Disturbance, Promise<{ caches: OperatorCaches; count(): number }>>();
  let created = 0;
  let image = NEXT_IMAGE;

  /** Caches whose watches are disturbed. The Sovereigns of a disturbance share them. */
  function disturbedCaches(kind: Disturbance) {
    const start = async () => {
      let count = () => 0;
      const caches = await bench.moreCaches((client) => {
        const watches = disturbWatches(client, kind, seededRandom(SEED));
        count = watches.disturbed;
        return watches.client;
      }, calm.signal);
      return { caches, count };
    };
    const caches = disturbed.get(kind) ?? start();
    disturbed.set(kind, caches);
    return caches;
  }

  const key = (name: string) => ({ namespace: `sovereign-${name}`, name: "billing" });

  /** The objects after a stage, without the values that differ between Sovereigns and runs. */
  async function endState(name: string): Promise<string[]> {
    const namespace = `sovereign-${name}`;
    const lists = await Promise.all(
      managedResources(bench.caches()).map((resource) =>
        bench.client().list<KubernetesObject>(resource, { namespace }),
      ),
    );
    const objects = lists.flatMap(({ items }) => items).map(contentOf);
    const { metadata, status } = (await bench.sovereign(name)) ?? {};
    const migrations = bench.simulation().migrations.filter((each) => each.namespace === namespace).length;
    const facts = [
      ...[
        ["migrations", migrations],
        ["finalizers", metadata?.finalizers],
      ],
      ["runs", status?.pinnedImage, status?.verified?.image, status?.schemaVersion],
      ...(status?.conditions?.map(({ type, status, reason, message }) => [type, status, reason, message]) ??
        []),
    ];
    return [...objects.map(canonicalJson), ...facts.map((fact) => JSON.stringify(fact))]
      .map((text) => general(name, text))
      .sort();
  }

  const general = (name: string, text: string) =>
    withoutRunValues(text, { image, earlier: image === IMAGE ? NEXT_IMAGE : IMAGE, name });

  async function isUpgraded(name: string): Promise<true | undefined> {
    const { metadata, status } = bench.caches().sovereigns.get(name) ?? {};
    const isReady = isConditionTrue(status?.conditions, "Ready");
    const runs = [status?.pinnedImage, status?.verified?.image];
    return (
      (isReady && status?.observedGeneration === metadata?.generation && runs.every((it) => it === image)) ||
      undefined
    );
  }
  const describeSovereign = async (name: string) => JSON.stringify(await bench.sovereign(name), undefined, 1);

  async function edit(name: string): Promise<void> {
    const { namespace } = key(name);
    await editBillingImage(bench.client(), namespace, "registry.example/x");
    const configuration = { namespace, name: "billing-config" };
    await bench.client().mergePatch(CONFIG_MAPS, configuration, { data: { "catalog.json": "{}" } });
    await bench.client().delete(SERVICES, key(name));
  }

  async function isPutBack(name: string): Promise<true | undefined> {
    const [deployment, configuration, service] = await Promise.all([
      bench.client().get<KubernetesObject & { spec: unknown }>(DEPLOYMENTS, key(name)),
      bench.client().get<KubernetesObject & { data?: Record<string, string> }>(CONFIG_MAPS, {
        ...key(name),
        name: "billing-config",
      }),
      bench.client().get(SERVICES, key(name)),
    ]);
    const isEdited = JSON.stringify(deployment?.spec).includes("registry.example/x");
    if (isEdited || configuration?.data?.["catalog.json"] === "{}" || service === undefined) return undefined;
    // A Sovereign in the cache may be as it was before the edits.
    const conditions = (await bench.sovereign(name))?.status?.conditions;
    return isConditionTrue(conditions, "InSync") && isConditionTrue(conditions, "Ready")
      ? isUpgraded(name)
      : undefined;
  }

  const stages: Record<
    Stage,
    { act(name: string): Promise<unknown>; isOver(name: string): Promise<true | undefined> }
  > = {
    creation: {
      act: (name) => bench.client().create<Sovereign>(SOVEREIGNS, sovereign(name)),
      isOver: isUpgraded,
    },
    upgrade: {
      act: () => bench.client().mergePatch(RELEASES, { name: "stable" }, { spec: { image } }),
      isOver: isUpgraded,
    },
    drift: { act: edit, isOver: isPutBack },
    deletion: {
      act: (name) => bench.client().delete(SOVEREIGNS, { name }),
      isOver: async (name) => ((await bench.sovereign(name)) === undefined ? true : undefined),
    },
  };

  /** Runs one stage of one Sovereign. */
  async function runStage(
    name: string,
    stage: Stage,
    planned: PlannedFault | undefined,
    expected: Expected | undefined,
  ) {
    const concerns = (concerned: string) => concerned === name;
    const fault = createFault(planned);
    const disturbance = DISTURBANCES.find((kind) => kind === planned?.kind);
    const disturbing = disturbance && (await disturbedCaches(disturbance));
    const common = { concerns, hasReleases: false, hasOwnEvents: true };
    let drifts = 0;
    const result = await runFaultStage(
      {
        fault,
        start: () =>
          bench.startControllers({
            ...{ ...common, gate: fault.gate, now: fault.now },
            ...(disturbing === undefined ? {} : { caches: disturbing.caches }),
          }),
        restart: () => bench.startControllers(common),
        act: () => stages[stage].act(name),
        isOver: () => stages[stage].isOver(name),
        describe: () => describeSovereign(name),
        readEnd: () => endState(name),
        readEvents: () => readEvents(bench.client(), name),
        ...{ expectedEnd: expected?.end, patienceMs: PATIENCE_MS, quietMs: QUIET_MS },
      },
      (run) => {
        drifts = run.drifts.length;
      },
    );
    if (stage !== "drift") expect(drifts).toBe(0);
    const events = result.events.map(({ text, count }) => ({ text: general(name, text), count }));
    return { ...result, events };
  }

  /** Runs Sovereigns through all stages together: one release upgrades all of them. */
  async function goThrough(faults: Plan[], expected?: Record<Stage, Expected>) {
    const names = faults.map((_, i) => `s${created + i}`);
    created += faults.length;
    const results: Record<Stage, Awaited<ReturnType<typeof runStage>>[]> = {
      ...{ creation: [], upgrade: [], drift: [], deletion: [] },
    };
    for (const stage of STAGES) {
      if (stage === "upgrade") image = image === IMAGE ? NEXT_IMAGE : IMAGE;
      results[stage] = await Promise.all(
        names.map((name, i) => runStage(name, stage, faults[i]?.[stage], expected?.[stage])),
      );
    }
    return results;
  }

  describe("a Sovereign's creation, upgrade, drift and deletion", () => {
    beforeAll(async () => {
      await bench.client().create<BillingRelease>(RELEASES, release({ maxUnavailable: 1000 }));
      await bench.client().create<Sovereign>(SOVEREIGNS, sovereign("zero", { role: "CatalystZero" }));
      // Only this process writes the status of the release, so the calls of the others are about their own Sovereign.
      bench.startControllers({ concerns: (name) => name === "zero" });
      await until(
        () => isUpgraded("zero"),
        () => describeSovereign("zero"),
        PATIENCE_MS,
      );
    });

    it(
      `end as without a fault when ${sample === undefined ? "each call" : "a call"} crashes, is lost or is refused`,
      async () => {
        const undisturbed = await goThrough([NO_FAULT, NO_FAULT, NO_FAULT]);
        const expected = Object.fromEntries(
          STAGES.map((stage) => [stage, expectedOf(undisturbed[stage])]),
        ) as Record<Stage, Expected>;
        const counts = { come: new Map<string, number>(), planned: new Map<string, number>() };
        const count = (of: Map<string, number>, stage: Stage) => of.set(stage, (of.get(stage) ?? 0) + 1);
        const failures: string[] = [];
        let missed: Plan[] = [];
        const work = async (plan: Plan[]) => {
          const results = await goThrough(plan, expected);
          for (const stage of STAGES)
            for (const [i, result] of results[stage].entries()) {
              const fault = plan[i]?.[stage];
              if (result.hasCome) count(counts.come, stage);
              else if (fault !== undefined) missed.push({ ...NO_FAULT, [stage]: fault });
              const failure = failureOf(stage, fault, expected[stage], result);
              if (failure !== undefined) failures.push(failure);
            }
        };
        for (const plan of planFaults((stage) => fewestCalls(undisturbed[stage]), { sample, isBrief })) {
          for (const stage of STAGES)
            for (const faults of plan) if (faults[stage] !== undefined) count(counts.planned, stage);
          await work(plan);
          // Only the first plan has faults that last, so the disturbed caches can stop after it.
          calm.abort();
        }
        for (let round = 1; round < MAX_ROUNDS && missed.length > 0; round += 1) {
          const again = missed;
          missed = [];
          for (let i = 0; i < again.length; i += AT_ONCE) await work(again.slice(i, i + AT_ONCE));
        }
        const summary = STAGES.map(
          (stage) => `${stage} ${counts.come.get(stage) ?? 0} of ${counts.planned.get(stage)}`,
        );
        process.stdout.write(`faults of the operator that came: ${summary.join(", ")}\n`);
        for (const kind of isBrief ? [] : DISTURBANCES) {
          const events = (await disturbed.get(kind))?.count() ?? 0;
          process.stdout.write(`events of watches that were ${kind}: ${events}\n`);
          expect(events, kind).toBeGreaterThan(10);
        }
        expect(failures).toEqual([]);
        expect(missed.map((plan) => JSON.stringify(plan))).toEqual([]);
      },
      isBrief ? 120_000 : 600_000,
    );
  });
}
