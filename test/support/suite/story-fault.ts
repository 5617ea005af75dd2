import pg from "pg";
import { expect, it } from "vitest";
import type { KubernetesObject } from "../../../src/api/object.ts";
import { ADVISORY_LOCK } from "../../../src/billing/db/migrate.ts";
import { MIGRATIONS } from "../../../src/billing/db/schema.ts";
import { sleep } from "../../../src/platform/shutdown.ts";
import {
  eachMigrationRan,
  killOperator,
  migrationRuns,
  operatorsOf,
  ownProcessesWith,
} from "../process/playground.ts";
import { eventually } from "../wait.ts";
import { DEPLOYMENT, SOVEREIGN, type StoryBench } from "./story-bench.ts";

/** Killed processes, and a Sovereign that is deleted and created again. */
export function testFaults(bench: StoryBench): void {
  const appliedMigrations = async () =>
    (await bench.query<{ name: string }>("SELECT name FROM kysely_migration ORDER BY name")).map(
      ({ name }) => name,
    );
  /** Deletes omantel and returns a manifest that creates it again. */
  const removeSovereign = async () => {
    const { spec } = await bench.cluster.mustGet<KubernetesObject & { spec: object }>(SOVEREIGN);
    await bench.cluster.asAdmin().remove(SOVEREIGN);
    await bench.cluster.waitUntilGone(DEPLOYMENT);
    await bench.cluster.waitUntilGone(SOVEREIGN);
    await eventually(async () => expect(await bench.cluster.list("Pod", "sovereign-omantel")).toEqual([]));
    return {
      apiVersion: "catalyst.openova.io/v1alpha1",
      kind: "Sovereign",
      metadata: { name: "omantel" },
      spec,
    };
  };

  it("reconciles a change after the operator was killed by kill -9", async () => {
    killOperator(bench.playground);
    await bench.cluster.asAdmin().mergePatch(SOVEREIGN, {
      spec: { addons: [{ id: "backup", name: "Nightly backup", priceBaisa: 2500 }] },
    });
    await bench.cluster.waitUntil(
      { kind: "ConfigMap", name: "billing-config", namespace: "sovereign-omantel" },
      "has the new add-on",
      (object) => JSON.stringify(object).includes("2500"),
    );
    await bench.waitUntilReady();
  });

  it("redeems a voucher once when billing is killed during a checkout", async () => {
    const { url, adminToken, customerToken } = bench.omantel();
    const post = (path: string, token: string, body: object, key?: string) =>
      fetch(`${url}${path}`, {
        method: "POST",
        headers: {
          authorization: `Bearer ${token}`,
          "content-type": "application/json",
          ...(key === undefined ? {} : { "idempotency-key": key }),
        },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(10_000),
      });
    const code = `KILL-${Date.now().toString(36).toUpperCase()}`;
    expect(
      (await post("/billing/vouchers/issue", adminToken, { code, credit_omr: 50, max_redemptions: 5 }))
        .status,
    ).toBe(200);
    const checkout = {
      plan_id: "starter",
      apps: [],
      addons: [],
      tenant_id: `kill-${code.toLowerCase()}`,
      promo_code: code,
    };
    const underWay = Array.from({ length: 8 }, () =>
      post("/billing/checkout", customerToken, checkout, code).catch(() => undefined),
    );
    await sleep(3);
    for (const pid of ownProcessesWith("main.ts billing", bench.playground)) process.kill(pid, "SIGKILL");
    await Promise.all(underWay);
    await bench.waitUntilReady();
    await eventually(async () =>
      expect(
        await post("/billing/checkout", customerToken, checkout, code).then(
          ({ status }) => status,
          () => 0,
        ),
      ).toBe(200),
    );
    const redemptions = await bench.query(`SELECT 1 FROM promo_redemptions WHERE code = '${code}'`);
    const orders = await bench.query(`SELECT 1 FROM orders WHERE promo_code = '${code}'`);
    const counter = await bench.query<{ times_redeemed: number }>(
      `SELECT times_redeemed FROM promo_codes WHERE code = '${code}'`,
    );
    expect([redemptions.length, orders.length, counter[0]?.times_redeemed]).toEqual([1, 1, 1]);
  });

  it("keeps the database of a deleted Sovereign, and migrates once when the Sovereign is created again", async () => {
    const orders = (await bench.query("SELECT 1 FROM orders")).length;
    const manifest = await removeSovereign();
    expect((await bench.query("SELECT 1 FROM orders")).length).toBe(orders);
    await bench.cluster.asAdmin().mustApply(manifest);
    await bench.waitUntilReady();
    expect((await bench.cluster.list("Job", "sovereign-omantel")).length).toBe(1);
    expect(await appliedMigrations()).toEqual(MIGRATIONS.map(({ name }) => name));
    expect(migrationRuns(bench.stateDir, "omantel")).toEqual(eachMigrationRan(1));
    expect((await bench.query("SELECT 1 FROM orders")).length).toBe(orders);
  });

  it("runs a migration once when the operator is killed during the migration", async () => {
    const manifest = await removeSovereign();
    const lockHolder = new pg.Client({ connectionString: bench.omantel().databaseUrl });
    await lockHolder.connect();
    try {
      await lockHolder.query("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
      await lockHolder.query("SELECT pg_advisory_lock($1)", [ADVISORY_LOCK]);
      await bench.cluster.asAdmin().mustApply(manifest);
      const waiting = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
      await eventually(async () => expect(await bench.query(waiting)).toHaveLength(1));
      const killed = killOperator(bench.playground);
      await eventually(() =>
        expect(operatorsOf(bench.playground).filter((pid) => pid !== killed)).toHaveLength(1),
      );
    } finally {
      await lockHolder.end();
    }
    await bench.waitUntilReady();
    expect((await bench.cluster.list("Job", "sovereign-omantel")).length).toBe(1);
    const pods = await bench.cluster.list(
      "Pod",
      "sovereign-omantel",
      "app.kubernetes.io/name=billing-migrate",
    );
    expect(pods.length).toBe(1);
    expect(await appliedMigrations()).toEqual(MIGRATIONS.map(({ name }) => name));
    // One run on the schema that was dropped, and one on the new schema.
    expect(migrationRuns(bench.stateDir, "omantel")).toEqual(eachMigrationRan(2));
  });
}
