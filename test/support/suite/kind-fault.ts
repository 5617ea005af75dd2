import { isDeepStrictEqual } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import { type Condition, findCondition, isConditionTrue } from "../../../src/api/condition.ts";
import type { CatalystObject, KubernetesObject } from "../../../src/api/object.ts";
import {
  CLUSTER_ROLE_BINDINGS,
  CLUSTER_ROLES,
  LIMIT_RANGES,
  NAMESPACES,
  NETWORK_POLICIES,
  RESOURCE_QUOTAS,
  ROLE_BINDINGS,
} from "../../../src/kube/resource.ts";
import { canonicalJson } from "../../../src/platform/canonical-json.ts";
import { contentOf, withoutRunValues } from "../builder/end-state.ts";
import { type Expected, expectedOf, fewestCalls, readEvents } from "../builder/event-state.ts";
import {
  BLUEPRINTS,
  FRANCHISES,
  keysOf,
  kindObjects,
  ORGANIZATIONS,
  POLICIES,
} from "../builder/kind-object.ts";
import { AT_ONCE } from "../process/fault-plan.ts";
import { failureOf, runFaultStage } from "../process/fault-stage.ts";
import { startKindControllers } from "../process/kind-run.ts";
import { SOVEREIGNS, useOperatorBench } from "../process/operator-bench.ts";
import { createFault, isConcerned, type PlannedFault } from "../process/operator-fault.ts";

const PATIENCE_MS = 60_000;
const QUIET_MS = 100;
/** A term that ends after this time ends while its stage runs. */
const TERM_MS = 500;
const MAX_ROUNDS = 4;
const KINDS = ["crash", "lost", "500"] as const;

const STAGES = ["creation", "drift", "expiry", "deletion"] as const;
type Stage = (typeof STAGES)[number];
type Conditioned = CatalystObject<unknown, { conditions?: Condition[] | undefined }>;

const MANAGED = [
  ...[CLUSTER_ROLES, CLUSTER_ROLE_BINDINGS, ROLE_BINDINGS],
  ...[NAMESPACES, NETWORK_POLICIES, RESOURCE_QUOTAS, LIMIT_RANGES],
];
const NAMESPACES_OF_EVENTS = ["default", "catalog-sovereign", "catalyst-system"];

/**
 * A Franchise with its rights, an Organization with its home, an EnvironmentPolicy and a Blueprint: created, edited by hand,
 * at the end of the Franchise's term, and deleted. Each call of the process fails once in each way. Each stage must end as
 * it ends without a fault.
 */
export function describeKindFaults({ sample }: { sample?: number } = {}): void {
  const bench = useOperatorBench();
  let created = 0;

  const readAll = (name: string) => {
    const keys = keysOf(name);
    return Promise.all([
      bench.client().get<Conditioned>(FRANCHISES, keys.franchise),
      bench.client().get<Conditioned>(ORGANIZATIONS, keys.organization),
      bench.client().get<Conditioned>(POLICIES, keys.policy),
      bench.client().get<Conditioned>(BLUEPRINTS, keys.blueprint),
    ]);
  };
  const binding = (name: string) => ({ name: `catalyst-franchisee-${name}`, namespace: `sovereign-${name}` });
  const membersBinding = (name: string) => ({ name: "organization-members", namespace: `org-${name}` });
  const quota = (name: string) => ({ name: "organization", namespace: `org-${name}` });

  async function create(name: string): Promise<void> {
    for (const [resource, object] of kindObjects(name)) await bench.client().create(resource, object);
  }

  const rightsOf = async (name: string) => bench.client().get<KubernetesObject>(ROLE_BINDINGS, binding(name));

  /** Each is also Ready before it has seen the others. */
  async function areReady(name: string): Promise<true | undefined> {
    const all = await readAll(name);
    const { sovereigns, privateBlueprints, namespaces, governs } = Object.assign(
      {},
      ...all.map((each) => each?.status),
    ) as Record<string, unknown>;
    const isSeen = isDeepStrictEqual(
      { sovereigns, privateBlueprints, namespaces, governs },
      {
        ...{ sovereigns: [name], privateBlueprints: 1 },
        ...{ namespaces: [`${name}-prod`, `org-${name}`], governs: [`${name}-prod`] },
      },
    );
    const hasRights = (await rightsOf(name)) !== undefined;
    return (
      (isSeen && hasRights && all.every((each) => isConditionTrue(each?.status?.conditions, "Ready"))) ||
      undefined
    );
  }

  const stages: Record<
    Stage,
    { act(name: string): Promise<unknown>; isOver(name: string): Promise<true | undefined> }
  > = {
    creation: { act: create, isOver: areReady },
    drift: {
      async act(name) {
        await bench.client().delete(ROLE_BINDINGS, binding(name));
        await bench.client().mergePatch(RESOURCE_QUOTAS, quota(name), { spec: { hard: { pods: "99999" } } });
      },
      async isOver(name) {
        const { spec } = ((await bench.client().get(RESOURCE_QUOTAS, quota(name))) ?? {}) as {
          spec?: object;
        };
        const isBack = spec !== undefined && !JSON.stringify(spec).includes("99999");
        return (isBack && (await rightsOf(name)) !== undefined) || undefined;
      },
    },
    expiry: {
      act: (name) =>
        bench.client().mergePatch(
          FRANCHISES,
          { name },
          {
            spec: { term: { end: new Date(Date.now() + TERM_MS).toISOString() } },
          },
        ),
      async isOver(name) {
        const [agreement] = await readAll(name);
        const isEnded = findCondition(agreement?.status?.conditions, "Ready")?.status === "False";
        return (isEnded && (await rightsOf(name)) === undefined) || undefined;
      },
    },
    deletion: {
      async act(name) {
        const keys = keysOf(name);
        await bench.client().delete(BLUEPRINTS, keys.blueprint);
        await bench.client().delete(POLICIES, keys.policy);
        await bench.client().delete(ORGANIZATIONS, keys.organization);
        await bench.client().delete(FRANCHISES, keys.franchise);
        await bench.client().delete(SOVEREIGNS, { name });
      },
      async isOver(name) {
        const all = [...(await readAll(name)), await bench.client().get(ROLE_BINDINGS, membersBinding(name))];
        return all.every((each) => each === undefined) || undefined;
      },
    },
  };

  const general = (name: string, text: string) =>
    withoutRunValues(text, { image: "no-image", earlier: "no-image", name });

  async function endState(name: string): Promise<string[]> {
    const own = new RegExp(`\\b${name}\\b`);
    const lists = await Promise.all(
      MANAGED.map((resource) => bench.client().list<KubernetesObject>(resource)),
    );
    const objects = lists
      .flatMap(({ items }) => items)
      .filter(({ metadata }) => own.test(`${metadata.namespace ?? ""}/${metadata.name}`))
      .map((object) => canonicalJson({ ...contentOf(object), namespace: object.metadata.namespace }));
    const statuses = (await readAll(name)).map((each) =>
      canonicalJson({ finalizers: each?.metadata.finalizers, status: each?.status ?? {} }),
    );
    return [...objects, ...statuses].map((text) => general(name, text)).sort();
  }

  const eventsOf = async (name: string) =>
    new Map(
      (
        await Promise.all(
          NAMESPACES_OF_EVENTS.map((namespace) => readEvents(bench.client(), name, namespace)),
        )
      ).flatMap((found) => [...found]),
    );

  async function runStage(
    name: string,
    stage: Stage,
    planned: PlannedFault | undefined,
    expected?: Expected,
  ) {
    const fault = createFault(planned);
    const startRun = (gate: typeof fault.gate) =>
      startKindControllers({ client: bench.client(), caches: bench.caches() }, { name, gate });
    const result = await runFaultStage({
      fault,
      start: () => startRun(fault.gate),
      restart: () => startRun((_call, act) => act()),
      act: () => stages[stage].act(name),
      isOver: () => stages[stage].isOver(name),
      describe: async ({ calls }) => JSON.stringify([stage, planned, calls, await readAll(name)]),
      readEnd: () => endState(name),
      readEvents: () => eventsOf(name),
      ...{ expectedEnd: expected?.end, patienceMs: PATIENCE_MS, quietMs: QUIET_MS },
    });
    const events = result.events.map(({ text, count }) => ({ text: general(name, text), count }));
    return { ...result, events };
  }

  type Plan = Partial<Record<Stage, PlannedFault>>;

  async function goThrough(plans: readonly Plan[], expected?: Record<Stage, Expected>) {
    const names = plans.map((_, i) => `k${created + i}`);
    created += plans.length;
    const results = {} as Record<Stage, Awaited<ReturnType<typeof runStage>>[]>;
    for (const stage of STAGES)
      results[stage] = await Promise.all(
        names.map((name, i) => runStage(name, stage, plans[i]?.[stage], expected?.[stage])),
      );
    return results;
  }

  function planAll(callsOf: (stage: Stage) => string[]): Plan[] {
    const faults = STAGES.map((stage) => {
      const all = KINDS.flatMap((kind) =>
        callsOf(stage)
          .filter((call) => isConcerned(kind, call))
          .map((_, i): PlannedFault => ({ kind, call: i + 1 })),
      );
      const step = sample === undefined ? 1 : Math.max(1, Math.floor(all.length / sample));
      return all.filter((_, i) => i % step === 0);
    });
    return Array.from({ length: Math.max(...faults.map(({ length }) => length)) }, (_, i) =>
      Object.fromEntries(STAGES.map((stage, at) => [stage, faults[at]?.[i]])),
    );
  }

  describe("a Franchise, an Organization, an EnvironmentPolicy and a Blueprint", () => {
    beforeAll(async () => {
      for (const name of ["catalog", "catalog-sovereign"])
        await bench.client().create(NAMESPACES, { apiVersion: "v1", kind: "Namespace", metadata: { name } });
    });

    it(`end as without a fault when ${sample === undefined ? "each call" : "a call"} crashes, is lost or is refused`, async () => {
      const undisturbed = await goThrough([{}, {}, {}]);
      const expected = Object.fromEntries(
        STAGES.map((stage) => [stage, expectedOf(undisturbed[stage])]),
      ) as Record<Stage, Expected>;
      let missed = planAll((stage) => fewestCalls(undisturbed[stage]));
      const planned = STAGES.map((stage) => missed.filter((plan) => plan[stage] !== undefined).length);
      const failures: string[] = [];
      const come = STAGES.map(() => 0);
      for (let round = 0; round < MAX_ROUNDS && missed.length > 0; round += 1) {
        const plans = missed;
        missed = [];
        for (let from = 0; from < plans.length; from += AT_ONCE) {
          const some = plans.slice(from, from + AT_ONCE);
          const results = await goThrough(some, expected);
          for (const [at, stage] of STAGES.entries())
            for (const [i, result] of results[stage].entries()) {
              const fault = some[i]?.[stage];
              if (result.hasCome) come[at] = (come[at] ?? 0) + 1;
              else if (fault !== undefined) missed.push({ [stage]: fault });
              const failure = failureOf(stage, fault, expected[stage], result);
              if (failure !== undefined) failures.push(failure);
            }
        }
      }
      const summary = STAGES.map((stage, at) => `${stage} ${come[at]} of ${planned[at]}`).join(", ");
      process.stdout.write(`faults of the other kinds that came: ${summary}\n`);
      expect(failures).toEqual([]);
      expect(missed).toEqual([]);
      expect(Math.min(...planned)).toBeGreaterThan(0);
    }, 300_000);
  });
}
