import { afterEach, describe, expect, it } from "vitest";
import { migrateDatabase } from "../../../../src/billing/db/migrate.ts";
import { createLogger } from "../../../../src/platform/log.ts";
import { FQDN, useBillings } from "../../../support/builder/billing.ts";
import { fillEarlierTables } from "../../../support/builder/earlier-service.ts";
import { createTestDatabase, type TestDatabase } from "../../../support/server/postgres.ts";
import { eventually } from "../../../support/wait.ts";

const opened: TestDatabase[] = [];

async function database(kind: "empty" | "migrated" = "empty"): Promise<TestDatabase> {
  const one = await createTestDatabase(kind);
  opened.push(one);
  return one;
}

afterEach(async () => {
  for (const one of opened.splice(0)) await one.drop();
});

// After the hook that drops the databases: hooks run in reverse order, so the services end first.
const start = useBillings();

const migrate = (one: TestDatabase, sovereignFqdn?: string, signal = new AbortController().signal) =>
  migrateDatabase({ databaseUrl: one.url, sovereignFqdn, logger: createLogger("test", "silent"), signal });

async function ownersOf({ pool }: TestDatabase): Promise<string[]> {
  const { rows } = await pool.query<{ fqdn: string }>("SELECT fqdn FROM sovereign_identity");
  return rows.map(({ fqdn }) => fqdn);
}

const hasTable = async ({ pool }: TestDatabase, table: string) =>
  (await pool.query("SELECT to_regclass($1) IS NOT NULL AS found", [`public.${table}`])).rows[0].found;

const FOREIGN =
  "the database belongs to Sovereign omantel.omani.works, and this is Sovereign bank.om: give this Sovereign a database of its own (to hand the database over, see docs/billing/operations.md)";

describe("the identity of a database", () => {
  it("keeps the Sovereign of the first migration that names one", async () => {
    const one = await database();
    await migrate(one, "Omantel.Omani.Works");
    expect(await ownersOf(one)).toEqual(["omantel.omani.works"]);
    expect((await migrate(one, "omantel.omani.works")).executed).toEqual([]);
    await migrate(one);
    await expect(migrate(one, "bank.om")).rejects.toThrow(FOREIGN);
    expect(await ownersOf(one)).toEqual(["omantel.omani.works"]);
  });

  it("writes the identity into a database that was migrated without one", async () => {
    const one = await database("migrated");
    expect(await ownersOf(one)).toEqual([]);
    await migrate(one, "omantel.omani.works");
    expect(await ownersOf(one)).toEqual(["omantel.omani.works"]);
  });

  it("writes the identity in the transaction that adopts the earlier service's database", async () => {
    const one = await database();
    await fillEarlierTables(one.pool);
    // The third migration fails, as if the run had been killed after the second.
    await one.pool.query(
      `CREATE FUNCTION stop_run() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
         IF to_regclass('public.sovereign_identity') IS NULL THEN RETURN; END IF;
         IF EXISTS (SELECT FROM public.kysely_migration WHERE name = '0002-shape') THEN RAISE EXCEPTION 'killed'; END IF;
       END $$;
       CREATE EVENT TRIGGER stop_run ON ddl_command_start EXECUTE FUNCTION stop_run()`,
    );
    await expect(migrate(one, "omantel.omani.works")).rejects.toThrow("killed");
    await one.pool.query("DROP EVENT TRIGGER stop_run");
    expect(await ownersOf(one)).toEqual(["omantel.omani.works"]);
    await expect(migrate(one, "bank.om")).rejects.toThrow(FOREIGN);
    expect((await migrate(one, "omantel.omani.works")).executed).toContain("0003-adoption");
  });

  it("writes one identity when several Sovereigns migrate at once", async () => {
    const one = await database();
    const names = ["a.om", "b.om", "c.om", "d.om"];
    const results = await Promise.allSettled(names.map((fqdn) => migrate(one, fqdn)));
    const winners = names.filter((_, index) => results[index]?.status === "fulfilled");
    expect(winners).toHaveLength(1);
    expect(await ownersOf(one)).toEqual(winners);
    for (const result of results)
      if (result.status === "rejected") expect(result.reason).toMatchObject({ name: "ForeignDatabaseError" });
  });

  it("changes no table of another Sovereign's database", async () => {
    const one = await database();
    await one.pool.query(
      "CREATE TABLE sovereign_identity (id int PRIMARY KEY, fqdn text); INSERT INTO sovereign_identity VALUES (1, 'omantel.omani.works')",
    );
    await expect(migrate(one, "bank.om")).rejects.toThrow(FOREIGN);
    expect(await hasTable(one, "promo_codes")).toBe(false);
  });

  it("makes billing of another Sovereign not ready, and lets its own serve", async () => {
    const one = await database("migrated");
    await migrate(one, "bank.om");
    const other = await start({ database: one });
    await expect(other.service.ready(new AbortController().signal)).rejects.toMatchObject({
      name: "DatabaseMismatchError",
      message: expect.stringContaining(`belongs to Sovereign bank.om, and this is Sovereign ${FQDN}`),
    });
    const probe = await other.ask("/readyz");
    expect(probe.status).toBe(503);
    expect(probe.json.reason).toContain("belongs to Sovereign bank.om");
    const own = await start({ database: one, env: { SOVEREIGN_FQDN: "bank.om" } });
    await own.service.ready(new AbortController().signal);
    expect((await own.ask("/readyz")).status).toBe(200);
  });

  it("ends every request at once when another Sovereign's database takes the place of the own one", async () => {
    const one = await database("migrated");
    await migrate(one, FQDN);
    const own = await start({ database: one });
    await own.service.ready(new AbortController().signal);
    const preview = () => own.ask("/billing/vouchers/redeem-preview", { body: { code: "NOBODY" } });
    expect((await preview()).status).toBe(404);
    const handOver = async (fqdn: string) => {
      await one.pool.query("DELETE FROM sovereign_identity");
      await migrate(one, fqdn);
    };
    await handOver("bank.om");
    // The former server's connections end.
    await one.pool.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'catalyst-billing' AND datname = current_database()",
    );
    await eventually(async () => expect((await preview()).status).toBe(503));
    expect((await preview()).json).toMatchObject({ code: "database_unavailable" });
    // A ready state counts for two seconds.
    await eventually(async () =>
      expect((await own.ask("/readyz")).json.reason).toContain(
        `belongs to Sovereign bank.om, and this is Sovereign ${FQDN}`,
      ),
    );
    await handOver(FQDN);
    await eventually(async () => expect((await preview()).status).toBe(404));
  });

  it("makes billing not ready within two seconds when a backup of another Sovereign is restored in its database", async () => {
    let nowMs = Date.now();
    const one = await database("migrated");
    await migrate(one, FQDN);
    const own = await start({ database: one, now: () => new Date(nowMs) });
    expect((await own.ask("/readyz")).status).toBe(200);
    await one.pool.query("DELETE FROM sovereign_identity");
    await migrate(one, "bank.om");
    nowMs += 2_000;
    expect((await own.ask("/readyz")).json.reason).toContain("belongs to Sovereign bank.om");
  });
});
