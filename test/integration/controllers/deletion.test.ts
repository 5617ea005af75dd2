import { beforeAll, describe, expect, it } from "vitest";
import type { BillingRelease } from "../../../src/api/billing-release.ts";
import { findCondition } from "../../../src/api/condition.ts";
import type { KubernetesObject } from "../../../src/api/object.ts";
import type { Sovereign, SovereignSpec } from "../../../src/api/sovereign.ts";
import {
  CONFIG_MAPS,
  DEPLOYMENTS,
  INGRESSES,
  JOBS,
  NAMESPACES,
  NETWORK_POLICIES,
  POD_DISRUPTION_BUDGETS,
  SERVICE_ACCOUNTS,
  SERVICES,
} from "../../../src/kube/resource.ts";
import { release, sovereign } from "../../support/builder/catalyst-object.ts";
import type { ControllerRun } from "../../support/process/controller-run.ts";
import { RELEASES, SOVEREIGNS, settled, useOperatorBench } from "../../support/process/operator-bench.ts";
import { until } from "../../support/wait.ts";

const bench = useOperatorBench();
const KEPT = [
  DEPLOYMENTS,
  SERVICES,
  POD_DISRUPTION_BUDGETS,
  NETWORK_POLICIES,
  CONFIG_MAPS,
  SERVICE_ACCOUNTS,
  INGRESSES,
  JOBS,
];
let run: ControllerRun;

/** The objects in a namespace with their uids: an object that was deleted and created again has another uid. */
async function contents(namespace: string): Promise<string[]> {
  const all: string[] = [];
  for (const resource of KEPT) {
    const { items } = await bench.client().list<KubernetesObject>(resource, { namespace });
    for (const { kind, metadata } of items)
      if (metadata.labels?.["catalyst.openova.io/managed-by"] === "operator")
        all.push(`${kind} ${metadata.name} ${metadata.uid}`);
  }
  return all.sort();
}

const create = (name: string, spec: Partial<SovereignSpec> = {}) =>
  bench.client().create<Sovereign>(SOVEREIGNS, sovereign(name, spec));

async function remove(name: string): Promise<void> {
  await bench.client().delete(SOVEREIGNS, { name });
  await until(
    async () => (await bench.sovereign(name)) === undefined,
    () => `${name} is gone`,
  );
  await until(
    () => bench.caches().sovereigns.get(name) === undefined,
    () => `the cache knows that ${name} is gone`,
  );
}

describe("deleting a Sovereign", () => {
  beforeAll(async () => {
    await bench.client().create<BillingRelease>(RELEASES, release({ maxUnavailable: 10 }));
    run = bench.startControllers();
    await create("zero", { role: "CatalystZero" });
    await create("omantel");
    await bench.awaitCondition("omantel", "Ready", "True");
  });

  it("deletes nothing of another Sovereign that has the requested namespace", async () => {
    const before = await contents("sovereign-omantel");
    expect(before.length).toBeGreaterThanOrEqual(8);
    await create("thief", { namespace: "sovereign-omantel" });
    await bench.awaitCondition("thief", "Ready", "False", "NamespaceTaken");
    await remove("thief");
    await settled(run);
    expect(await contents("sovereign-omantel")).toEqual(before);
  });

  it.each([
    ["was created by another client", {}, "exists already and has no owner label"],
    [
      "belongs to an Organization of this Sovereign",
      { "catalyst.openova.io/organization": "acme", "catalyst.openova.io/sovereign": "guest" },
      "belongs to Organization acme",
    ],
  ])(
    "refuses a Sovereign whose namespace %s, and does not change the namespace",
    async (_whose, labels, message) => {
      const name = `home-${message.length}`;
      await bench
        .client()
        .create(NAMESPACES, { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } });
      const labelled = { ...labels, "catalyst.openova.io/managed-by": "operator" };
      await bench.client().create<KubernetesObject>(CONFIG_MAPS, {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: {
          name: "theirs",
          namespace: name,
          labels: { ...labelled, "catalyst.openova.io/sovereign": "guest" },
        },
      });
      await create("guest", { namespace: name });
      const seen = await bench.awaitCondition("guest", "Stalled", "True", "NamespaceNotOurs");
      expect(JSON.stringify(seen.status)).toContain(message);
      await remove("guest");
      expect(await contents(name)).toHaveLength(1);
    },
  );

  it("makes and deletes nothing here for a Sovereign with a cluster of its own", async () => {
    await create("remote", { cluster: { kubeconfigSecretRef: { name: "remote", key: "value" } } });
    await bench.awaitCondition("remote", "Ready", "False", "KubeconfigMissing");
    await remove("remote");
    expect(await bench.client().get(NAMESPACES, { name: "sovereign-remote" })).toBeUndefined();
  });

  it("deletes the workload, keeps the namespace, and reports no drift when the Sovereign is created again", async () => {
    await create("brief");
    await bench.awaitCondition("brief", "Ready", "True");
    const drifts = run.drifts.length;
    await remove("brief");
    expect(await contents("sovereign-brief")).toEqual([]);
    expect(await bench.client().get(NAMESPACES, { name: "sovereign-brief" })).toBeDefined();
    await create("brief");
    await bench.awaitCondition("brief", "Ready", "True");
    expect(run.drifts.slice(drifts)).toEqual([]);
    await remove("brief");
    await bench.client().delete(NAMESPACES, { name: "sovereign-brief" });
    await until(
      () => bench.caches().namespaces.get("sovereign-brief") === undefined,
      async () =>
        `the namespace is gone: ${JSON.stringify(await bench.client().get(NAMESPACES, { name: "sovereign-brief" }))}`,
    );
    await create("brief");
    await bench.awaitCondition("brief", "Ready", "True");
    expect(run.drifts.slice(drifts)).toEqual([]);
  });

  it("leaves a suspended Sovereign's workload when it is deleted, and takes it over again without a change", async () => {
    await create("paused");
    await bench.awaitCondition("paused", "Ready", "True");
    const setSuspend = (suspend: boolean) =>
      bench.client().mergePatch(SOVEREIGNS, { name: "paused" }, { spec: { suspend } });
    await setSuspend(true);
    const seen = await bench.awaitCondition("paused", "Ready", "Unknown", "Suspended");
    const types = seen.status?.conditions?.map(({ type }) => type);
    expect(types).not.toContain("Stalled");
    expect(types).not.toContain("Reconciling");
    const before = await contents("sovereign-paused");
    await remove("paused");
    expect(await contents("sovereign-paused")).toEqual(before);
    const drifts = run.drifts.length;
    await create("paused");
    await bench.awaitCondition("paused", "Ready", "True");
    expect(run.drifts.slice(drifts)).toEqual([]);
  });

  it("ends although a finalizer holds its migration Job, and names the Job and the finalizer in its Event", async () => {
    const namespace = "sovereign-held";
    bench.simulation().hangingMigrations.add(namespace);
    await create("held");
    await bench.awaitCondition("held", "Ready", "False", "Migrating");
    const job = await until(
      async () => (await bench.client().list<KubernetesObject>(JOBS, { namespace })).items[0],
      "the migration Job",
    );
    const setFinalizers = (finalizers: string[]) =>
      bench.client().mergePatch(JOBS, job.metadata, { metadata: { finalizers } });
    await setFinalizers(["example.com/held"]);
    await remove("held");
    await settled(run);
    expect(await contents(namespace)).toEqual([`Job ${job.metadata.name} ${job.metadata.uid}`]);
    expect(await bench.events("held")).toContainEqual(
      expect.objectContaining({
        reason: "WorkloadDeleted",
        message: expect.stringContaining(
          `; Job ${job.metadata.name} (finalizers: example.com/held) stays until its finalizers are removed`,
        ),
      }),
    );
    // A Sovereign of the same name waits for the Job and says so, because its migration may still run.
    await create("held");
    const waiting = await bench.awaitCondition("held", "Migrated", "False", "Migrating");
    expect(findCondition(waiting.status?.conditions, "Migrated")?.message).toMatch(
      /^Job billing-migrate-\w+ has not finished yet\. It is being deleted since \S+; its finalizers are example\.com\/held: kubectl -n sovereign-held describe job billing-migrate-\w+ shows what holds it$/,
    );
    bench.simulation().hangingMigrations.delete(namespace);
    await setFinalizers([]);
    await bench.awaitCondition("held", "Ready", "True");
    await remove("held");
  });

  it("also deletes objects that the cache does not have yet", async () => {
    await create("hasty");
    await until(
      async () =>
        run.calls.includes("create Job") ||
        run.calls.some((call) => call.startsWith("apply Deployment")) ||
        undefined,
      "a first workload",
    );
    await bench.client().delete(SOVEREIGNS, { name: "hasty" });
    await until(async () => (await bench.sovereign("hasty")) === undefined, "hasty is gone");
    await settled(run);
    expect(await contents("sovereign-hasty")).toEqual([]);
  });
});

describe("changing a Sovereign", () => {
  it("deletes the Ingress of a Sovereign that no longer asks for one", async () => {
    const key = { namespace: "sovereign-omantel", name: "billing" };
    const setIngress = (ingress: object | null) =>
      bench.client().mergePatch(SOVEREIGNS, { name: "omantel" }, { spec: { billing: { ingress } } });
    const ingress = () => bench.client().get(INGRESSES, key);
    await setIngress({ host: "vouchers.example" });
    await until(ingress, "the Ingress is there");
    await setIngress(null);
    await until(async () => (await ingress()) === undefined, "the Ingress is gone");
    await bench.awaitCondition("omantel", "Ready", "True");
  });
});

describe("conflicting Sovereigns", () => {
  it.each<[string, string, Partial<SovereignSpec>]>([
    ["FqdnTaken", "double", { fqdn: "omantel.example" }],
    ["SecondCatalystZero", "second", { role: "CatalystZero" }],
  ])(
    "stalls the younger of two Sovereigns with reason %s until the older one is deleted",
    async (reason, name, spec) => {
      const elder = reason === "FqdnTaken" ? "omantel" : "zero";
      // Creation times have a resolution of one second.
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      await create(name, spec);
      const seen = await bench.awaitCondition(name, "Stalled", "True", reason);
      expect(JSON.stringify(seen.status?.conditions)).toContain(`Sovereign ${elder}`);
      expect(await bench.client().get(NAMESPACES, { name: `sovereign-${name}` })).toBeUndefined();
      await bench.awaitCondition(elder, "Ready", "True");
      await remove(elder);
      await bench.awaitCondition(name, "Ready", "True");
    },
  );
});
