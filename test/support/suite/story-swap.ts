import pg from "pg";
import { expect, it } from "vitest";
import { findCondition } from "../../../src/api/condition.ts";
import type { KubernetesObject, SecretObject } from "../../../src/api/object.ts";
import type { Sovereign } from "../../../src/api/sovereign.ts";
import {
  type ContainerStatus,
  isReadyPod,
  type PodObject,
} from "../../../src/controllers/sovereign/observed.ts";
import { migrationRuns, ownProcessesWith, type SovereignEntry } from "../process/playground.ts";
import { eventually } from "../wait.ts";
import type { StoryBench } from "./story-bench.ts";

const SECRETS = ["billing-db", "billing-db-owner"];

type BillingPod = PodObject & {
  status?: { containerStatuses?: (ContainerStatus & { restartCount: number })[] };
};

/** A process may end between its listing and the signal. */
function killIfRunning(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Two Sovereigns whose Secrets name each other's database. */
export function testSwappedDatabases(bench: StoryBench): void {
  const secretOf = (sovereign: string, name: string) =>
    ({ kind: "Secret", name, namespace: `sovereign-${sovereign}` }) as const;
  const dataOf = async (sovereign: string, name: string) =>
    (await bench.cluster.mustGet<SecretObject>(secretOf(sovereign, name))).data;

  async function swap(one: string, other: string): Promise<void> {
    for (const name of SECRETS) {
      const [own, foreign] = [await dataOf(one, name), await dataOf(other, name)];
      await bench.cluster.asAdmin().mergePatch(secretOf(one, name), { data: foreign });
      await bench.cluster.asAdmin().mergePatch(secretOf(other, name), { data: own });
    }
  }

  /** What must not change in a database while the other Sovereign's Secret names it. */
  async function contentsOf({ name, databaseUrl }: SovereignEntry) {
    const client = new pg.Client({ connectionString: databaseUrl });
    await client.connect();
    try {
      const rows = async (text: string) => (await client.query(text)).rows;
      return {
        owner: await rows("SELECT fqdn FROM sovereign_identity"),
        migrations: await rows("SELECT name, timestamp FROM kysely_migration ORDER BY name"),
        orders: await rows("SELECT id::text FROM orders ORDER BY id"),
        runs: migrationRuns(bench.stateDir, name),
      };
    } finally {
      await client.end();
    }
  }

  const conditionOf = (object: KubernetesObject, type: string) =>
    findCondition((object as Sovereign).status?.conditions, type);
  const podsOf = async (sovereign: string) =>
    (await bench.cluster.list(
      "Pod",
      `sovereign-${sovereign}`,
      "app.kubernetes.io/name=billing",
    )) as BillingPod[];
  const readyPods = async (sovereign: string) => (await podsOf(sovereign)).filter(isReadyPod);
  /** How often billing was restarted, for each of its Pods. */
  const restartsOf = async (sovereign: string) =>
    (await podsOf(sovereign)).map(({ status }) => status?.containerStatuses?.[0]?.restartCount ?? 0);

  it("refuses two Sovereigns that swap their database Secrets, and serves both again when they are swapped back", async () => {
    const sovereigns = bench.sovereigns;
    expect(sovereigns).toHaveLength(2);
    const [one, other] = sovereigns;
    if (one === undefined || other === undefined) throw new Error("the story has two Sovereigns");
    const before = await Promise.all(sovereigns.map(contentsOf));
    await swap(one.name, other.name);
    for (const { name, fqdn } of sovereigns) {
      const owner = sovereigns.find((each) => each.name !== name);
      const refused = await bench.cluster.waitUntil(
        { kind: "Sovereign", name },
        "is stalled by the other's database",
        (object) => conditionOf(object, "Stalled")?.reason === "DatabaseTaken",
      );
      expect(conditionOf(refused, "DatabaseReady")?.message).toContain(
        `the database belongs to Sovereign ${owner?.fqdn}, and this is Sovereign ${fqdn}`,
      );
    }
    // Billing starts again and reads the Secret as it is now. A second restart shows that it refused the database.
    const restarts = await Promise.all(sovereigns.map(({ name }) => restartsOf(name)));
    expect(restarts.map((counts) => counts.length)).toEqual([2, 2]);
    for (const pid of ownProcessesWith("main.ts billing", bench.playground)) killIfRunning(pid);
    for (const [index, { name }] of sovereigns.entries()) {
      const risen = async () =>
        (await restartsOf(name)).map((count, pod) => count - (restarts[index]?.[pod] ?? 0));
      await eventually(async () => expect(Math.min(...(await risen()))).toBeGreaterThanOrEqual(2));
      expect(await readyPods(name)).toEqual([]);
    }
    for (const { url, adminToken } of sovereigns) {
      const headers = { authorization: `Bearer ${adminToken}` };
      const answer = await fetch(`${url}/billing/vouchers/list`, { headers }).catch(() => undefined);
      expect(answer?.status ?? 503).toBe(503);
    }
    expect(await Promise.all(sovereigns.map(contentsOf))).toEqual(before);

    await swap(one.name, other.name);
    for (const { name } of sovereigns)
      await bench.cluster.waitForCondition({ kind: "Sovereign", name }, "Ready", "True");
    for (const { name } of sovereigns)
      await eventually(async () => expect((await readyPods(name)).length).toBe(2), 60_000);
    for (const { name } of sovereigns)
      await bench.cluster.waitForCondition({ kind: "Sovereign", name }, "Ready", "True");
    expect(await Promise.all(sovereigns.map(contentsOf))).toEqual(before);
  }, 240_000);
}
