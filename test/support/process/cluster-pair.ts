import { isConditionTrue } from "../../../src/api/condition.ts";
import type { KubernetesObject } from "../../../src/api/object.ts";
import type { Sovereign } from "../../../src/api/sovereign.ts";
import { managedResources } from "../../../src/controllers/sovereign/cache.ts";
import type { OwnedObject } from "../../../src/kube/foreign-field.ts";
import { canonicalJson } from "../../../src/platform/canonical-json.ts";
import { franchise, IMAGE, NEXT_IMAGE, sovereign } from "../builder/catalyst-object.ts";
import { contentOf, withoutRunValues } from "../builder/end-state.ts";
import { until } from "../wait.ts";
import type { ControllerRun, Gate } from "./controller-run.ts";
import { type Plan, STAGES, type Stage } from "./fault-plan.ts";
import { converged, RELEASES, SOVEREIGNS, settled, type useOperatorBench } from "./operator-bench.ts";
import { createFault, type PlannedFault } from "./operator-fault.ts";
import { FRANCHISES, POLICIES, POLICY, REMOTE, readRelease, useSpokeBench } from "./spoke-bench.ts";

const PATIENCE_MS = 60_000;
const CONVERGENCE_MS = 10_000;
const QUIET_MS = 150;

/** What a stage of one Sovereign left behind. `calls` are those of the hub to the spoke. */
interface StageResult {
  hasCome: boolean;
  end: string[];
  calls: string[];
}
export type HubResults = Record<Stage, StageResult>;

/** Stages on whose end the state after later ones depends. A drift without a planned fault is left out. */
const NEEDED: readonly Stage[] = ["creation", "upgrade", "deletion"];

/** A hub and a spoke of its own, on which one Sovereign after the other goes through all stages. */
export interface ClusterPair {
  /** Without `expected`, the stages pass undisturbed. */
  goThrough(faults: Plan, expected?: HubResults): Promise<Partial<HubResults>>;
}

export function useClusterPair(start?: Parameters<typeof useOperatorBench>[0]): ClusterPair {
  const bench = useSpokeBench(NEXT_IMAGE, { isBare: true, ...(start === undefined ? {} : { start }) });
  const { hub, spoke } = bench;
  let image = NEXT_IMAGE;
  let created = 0;

  const namespace = (name: string) => `sovereign-${name}`;

  /** The objects of both clusters after a stage, without the values that differ between runs. */
  async function endState(name: string): Promise<string[]> {
    const workloads = await Promise.all(
      managedResources(spoke.caches()).map((resource) =>
        spoke.client().list<KubernetesObject>(resource, { namespace: namespace(name) }),
      ),
    );
    const ofHub = await Promise.all(
      [SOVEREIGNS, FRANCHISES, POLICIES, RELEASES].map((resource) =>
        spoke.client().list<OwnedObject>(resource),
      ),
    );
    const here = await hub.sovereign(name);
    const there = await spoke.sovereign(name);
    const { phase, sovereigns, updated, verified, failed, leftOut } =
      (await readRelease(hub.client()))?.status ?? {};
    const facts = [
      ...summary("hub", here),
      ...summary("spoke", there),
      ["release", phase, sovereigns, updated, verified, failed, leftOut],
      [
        "migrations",
        spoke.simulation().migrations.filter((each) => each.namespace === namespace(name)).length,
      ],
    ];
    const other = image === IMAGE ? NEXT_IMAGE : IMAGE;
    const general = (text: string) => withoutRunValues(text, { image, earlier: other, name });
    return [
      ...workloads.flatMap(({ items }) =>
        items
          // Each cluster has an authority of its own.
          .filter(({ metadata }) => metadata.name !== "kube-root-ca.crt")
          .map((object) => canonicalJson(content(object))),
      ),
      ...ofHub.flatMap(({ items }) =>
        items.map((object) => canonicalJson({ ...content(object), managers: managersOf(object) })),
      ),
      ...facts.map((fact) => JSON.stringify(fact)),
    ]
      .map(general)
      .sort();
  }

  async function isOnImage(name: string): Promise<true | undefined> {
    const isReady = (seen: Sovereign | undefined) =>
      isConditionTrue(seen?.status?.conditions, "Ready") &&
      seen?.status?.observedGeneration === seen?.metadata.generation &&
      seen?.status?.pinnedImage === image &&
      seen.status.verified?.image === image;
    const all = await Promise.all([hub.sovereign(name), hub.sovereign("zero"), spoke.sovereign(name)]);
    const { phase, rollout } = (await readRelease(hub.client()))?.status ?? {};
    return (all.every(isReady) && phase === "Complete" && rollout?.image === image) || undefined;
  }

  const policyOnSpoke = () =>
    spoke.client().get<KubernetesObject & { spec: object }>(POLICIES, POLICY.metadata);
  const franchiseOnSpoke = (name: string) => spoke.client().get(FRANCHISES, { name });

  const stages: Record<
    Stage,
    { act(name: string): Promise<unknown>; isOver(name: string): Promise<true | undefined> }
  > = {
    creation: {
      async act(name) {
        await hub.client().create(FRANCHISES, franchise(name));
        await hub.client().create(SOVEREIGNS, sovereign(name, { ...REMOTE, franchise: name }));
      },
      isOver: isOnImage,
    },
    upgrade: { act: () => bench.setImage(image), isOver: isOnImage },
    drift: {
      async act(name) {
        const edited = { spec: { suspend: true, parent: "other" } };
        await spoke.client().mergePatch(SOVEREIGNS, { name }, edited);
        await spoke.client().mergePatch(POLICIES, POLICY.metadata, { spec: { enforcement: "Audit" } });
        await spoke.client().delete(FRANCHISES, { name });
        await spoke
          .client()
          .mergePatch(FRANCHISES, { name }, { metadata: { finalizers: [] } })
          .catch(() => undefined);
      },
      async isOver(name) {
        const { spec } = (await spoke.sovereign(name)) ?? {};
        const isBack = spec?.suspend === false && spec.parent === undefined;
        const isEnforced = JSON.stringify((await policyOnSpoke())?.spec).includes('"Deny"');
        if (!isBack || !isEnforced || (await franchiseOnSpoke(name)) === undefined) return undefined;
        return isOnImage(name);
      },
    },
    deletion: {
      async act(name) {
        await hub.client().delete(SOVEREIGNS, { name });
        await hub.client().delete(FRANCHISES, { name });
      },
      async isOver(name) {
        const found = await Promise.all([
          ...[hub.sovereign(name), spoke.sovereign(name), franchiseOnSpoke(name)],
          ...[policyOnSpoke(), readRelease(spoke.client())],
        ]);
        return found.every((each) => each === undefined) || undefined;
      },
    },
  };

  const describeAll = async (name: string) =>
    JSON.stringify(
      [await hub.sovereign(name), await spoke.sovereign(name), (await readRelease(hub.client()))?.status],
      undefined,
      1,
    );

  /** Runs one stage. If the hub dies, one without a fault follows. */
  async function runStage(
    name: string,
    stage: Stage,
    planned: PlannedFault | undefined,
    expected: readonly string[] | undefined,
  ): Promise<StageResult> {
    const fault = createFault(planned);
    const calls: string[] = [];
    // A crash after a read counts too: the calls are few, and each is a moment of its own on two clusters.
    const spokeGate: Gate = (call, act) => {
      calls.push(call);
      return fault.gate(`spoke ${call}`, act);
    };
    let run: ControllerRun = hub.startControllers({ gate: fault.mortalGate, spokeGate });
    await settled(run, QUIET_MS, calls);
    const before = calls.length;
    fault.arm();
    await stages[stage].act(name);
    const ofDeadHub = new AbortController();
    const untilOver = (signal?: AbortSignal) =>
      until(
        () => {
          signal?.throwIfAborted();
          return stages[stage].isOver(name);
        },
        async () => [stage, JSON.stringify(planned), ...calls, await describeAll(name)].join("\n"),
        PATIENCE_MS,
      );
    async function startAgain(): Promise<void> {
      await run.stop();
      calls.push("the hub starts again");
      run = hub.startControllers({
        spokeGate: (call, act) => {
          calls.push(call);
          return act();
        },
      });
    }
    const end = async (signal?: AbortSignal) => {
      await untilOver(signal);
      await settled(run, QUIET_MS, calls);
      const read = () => {
        signal?.throwIfAborted();
        return endState(name);
      };
      return converged(read, expected, CONVERGENCE_MS);
    };
    // The hub may also crash at a call that follows the end of the stage.
    const first = end(ofDeadHub.signal);
    first.catch(() => undefined);
    let last = await Promise.race([first, fault.died.then(() => undefined)]);
    if (last === undefined) {
      ofDeadHub.abort();
      await startAgain();
      last = await end();
    }
    await run.stop();
    return { hasCome: fault.hasCome(), end: last, calls: calls.slice(before) };
  }

  /** Takes one Sovereign through all stages. */
  async function goThrough(faults: Plan, expected?: HubResults): Promise<Partial<HubResults>> {
    const name = `r${created}`;
    created += 1;
    const results: Partial<HubResults> = {};
    for (const stage of STAGES) {
      const isNeeded = expected === undefined || faults[stage] !== undefined || NEEDED.includes(stage);
      if (!isNeeded) continue;
      if (stage === "upgrade") image = image === IMAGE ? NEXT_IMAGE : IMAGE;
      results[stage] = await runStage(name, stage, faults[stage], expected?.[stage].end);
    }
    return results;
  }

  return { goThrough };
}

const summary = (where: string, seen: Sovereign | undefined) => [
  [where, seen?.metadata.finalizers, seen?.status?.pinnedImage, seen?.status?.verified?.image],
  [where, seen?.status?.previousImage, seen?.status?.schemaVersion, seen?.status?.cluster],
  ...(seen?.status?.conditions?.map(({ type, status, reason }) => [where, type, status, reason]) ?? []),
];

/** Without the generation: the reference may arrive in the same write as the release, or after it. */
function content(object: KubernetesObject): Record<string, unknown> {
  const { generation: _, ...rest } = contentOf(object);
  return rest;
}

const managersOf = ({ metadata }: OwnedObject): string[] =>
  [...new Set((metadata.managedFields ?? []).map(({ manager = "" }) => manager))].sort();
