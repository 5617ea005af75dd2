import { afterEach, describe, expect, it } from "vitest";
import { type Finding, PreflightError } from "../../../../src/billing/db/preflight/finding.ts";
import { runPreflight } from "../../../../src/billing/db/preflight/preflight.ts";
import { MIGRATIONS, SCHEMA_VERSION, TABLES } from "../../../../src/billing/db/schema.ts";
import { fillEarlierTables } from "../../../support/builder/earlier-service.ts";
import { migrate } from "../../../support/server/migration-database.ts";
import { createTestDatabase, type TestDatabase } from "../../../support/server/postgres.ts";

const ROLE = `right_${process.pid}`;
const opened: TestDatabase[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) {
    await one.pool.query(
      `DO $$ BEGIN IF to_regrole('${ROLE}') IS NOT NULL THEN DROP OWNED BY ${ROLE}; DROP ROLE ${ROLE}; END IF; END $$`,
    );
    await one.drop();
  }
});

async function database(kind: "empty" | "migrated" = "empty"): Promise<TestDatabase> {
  const one = await createTestDatabase(kind);
  opened.push(one);
  return one;
}

/** The same database, for a role that may only log in. */
async function asStranger(one: TestDatabase): Promise<{ url: string }> {
  await one.pool.query(`CREATE ROLE ${ROLE} LOGIN PASSWORD 'stranger'`);
  const url = new URL(one.url);
  url.username = ROLE;
  url.password = "stranger";
  return { url: url.href };
}

async function findingsOf(one: { url: string }): Promise<readonly Finding[]> {
  const error = await migrate(one).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof PreflightError) return error.findings;
  throw new Error("the migration was not refused by its preflight", { cause: error });
}

const rulesOf = (findings: readonly Finding[]) => findings.map(({ rule, object }) => `${rule} ${object}`);

/** Stops before the migration of this name, as a crash would. */
async function migrateUpTo(one: TestDatabase, name: string): Promise<void> {
  const index = MIGRATIONS.findIndex((migration) => migration.name === name);
  await one.pool.query(`CREATE FUNCTION crash() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
      IF to_regclass('public.kysely_migration') IS NOT NULL AND (SELECT count(*) FROM public.kysely_migration) = ${index}
      THEN RAISE EXCEPTION 'crash'; END IF; END $$;
    CREATE EVENT TRIGGER crash ON ddl_command_end EXECUTE FUNCTION crash()`);
  await expect(migrate(one)).rejects.toThrow("crash");
  await one.pool.query("DROP EVENT TRIGGER crash; DROP FUNCTION crash()");
}

describe("the preflight of the migrating role", () => {
  it("names the schema and the tables that the role has no right to, and passes once the role has the rights", async () => {
    const one = await database();
    await fillEarlierTables(one.pool);
    const stranger = await asStranger(one);
    const findings = await findingsOf(stranger);
    expect(rulesOf(findings).sort()).toEqual(
      [
        ...[
          "credit_ledger",
          "customers",
          "invoices",
          "orders",
          "promo_codes",
          "promo_redemptions",
          "settings",
          "stripe_webhook_events",
          "subscriptions",
        ].map((table) => `not-owner table public.${table}`),
        "schema-closed schema public",
      ].sort(),
    );
    for (const { remedy } of findings) await one.pool.query(remedy.slice(0, remedy.indexOf(";")));
    await expect(migrate(stranger)).resolves.toMatchObject({ version: SCHEMA_VERSION });
  });

  it("names a schema that the role may not use, and one that does not exist", async () => {
    const one = await database();
    const stranger = await asStranger(one);
    await one.pool.query("REVOKE ALL ON SCHEMA public FROM PUBLIC");
    const [closed, ...others] = await findingsOf(stranger);
    expect([closed?.remedy, others]).toEqual([`GRANT USAGE, CREATE ON SCHEMA public TO ${ROLE};`, []]);
    await one.pool.query("DROP SCHEMA public");
    const [missing] = await findingsOf(stranger);
    expect(missing?.remedy).toBe(`CREATE SCHEMA public AUTHORIZATION ${ROLE};`);
    await one.pool.query(missing?.remedy ?? "");
    await expect(migrate(stranger)).resolves.toMatchObject({ version: SCHEMA_VERSION });
  });

  it("refuses a read-only server, except for a database that is already migrated", async () => {
    const [fresh, done] = [await database(), await database("migrated")];
    for (const { pool } of [fresh, done])
      await pool.query(
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$",
      );
    expect(rulesOf(await findingsOf(fresh))).toEqual(["server-read-only the server"]);
    await expect(migrate(done)).resolves.toMatchObject({ executed: [] });
  });

  it("names the languages that the functions need and the role may not use", async () => {
    const one = await database();
    const stranger = await asStranger(one);
    await one.pool.query(
      `GRANT CREATE ON SCHEMA public TO ${ROLE}; REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC`,
    );
    const [finding, ...others] = await findingsOf(stranger);
    expect([finding?.rule, finding?.object, others]).toEqual(["language-closed", "language plpgsql", []]);
    await one.pool.query(`GRANT USAGE ON LANGUAGE plpgsql TO ${ROLE}`);
    await expect(migrate(stranger)).resolves.toMatchObject({ version: SCHEMA_VERSION });
  });

  it.each([
    [
      "a record",
      "CREATE TABLE kysely_migration (name text, timestamp text); INSERT INTO kysely_migration VALUES ('0001_users', '')",
    ],
    ["a view", "CREATE VIEW kysely_migration AS SELECT 'x' AS name"],
    ["a table of other columns", "CREATE TABLE kysely_migration (id int)"],
  ])("names another program's table of migrations: %s", async (_what, statement) => {
    const one = await database();
    await one.pool.query(statement);
    expect(rulesOf(await findingsOf(one))).toEqual(["name-taken relation public.kysely_migration"]);
    await one.pool.query("CREATE SCHEMA other; ALTER TABLE kysely_migration SET SCHEMA other");
    await expect(migrate(one)).resolves.toMatchObject({ version: SCHEMA_VERSION });
  });

  it("names the table of migrations when the role may not read it", async () => {
    const one = await database("migrated");
    const stranger = await asStranger(one);
    expect(rulesOf(await findingsOf(stranger))).toEqual([
      "not-owner table public.kysely_migration",
      "not-owner table public.kysely_migration_lock",
    ]);
  });
});

describe("the preflight of an upgrade", () => {
  it("names tables and functions of ours that belong to another role", async () => {
    const one = await database();
    await migrateUpTo(one, "0006-index");
    const stranger = await asStranger(one);
    await one.pool.query(
      `GRANT USAGE, CREATE ON SCHEMA public TO ${ROLE}; GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${ROLE}`,
    );
    const findings = rulesOf(await findingsOf(stranger));
    expect(findings).toContain("not-owner table public.outbox");
    expect(findings).toContain("not-owner table public.kysely_migration");
    expect(findings).toContain(
      "not-owner function public.billing_voucher_standing(voucher public.promo_codes, at timestamp with time zone)",
    );
    expect(findings.filter((line) => line.includes("table"))).toHaveLength(TABLES.length + 2);
  });

  it("names functions and indexes whose names the next migrations need, and changes nothing", async () => {
    const one = await database();
    await migrateUpTo(one, "0004-checkout");
    await one.pool.query(`CREATE INDEX orders_tenant_idx ON orders (tenant_id);
      CREATE FUNCTION billing_lock_order() RETURNS int LANGUAGE sql AS 'SELECT 1'`);
    expect(rulesOf(await findingsOf(one)).sort()).toEqual([
      "name-taken function public.billing_lock_order()",
      "name-taken index public.orders_tenant_idx",
    ]);
    const { rows } = await one.pool.query("SELECT name FROM kysely_migration ORDER BY name DESC LIMIT 1");
    expect(rows).toEqual([{ name: "0003-adoption" }]);
    await one.pool.query("DROP INDEX orders_tenant_idx; DROP FUNCTION billing_lock_order()");
    await expect(migrate(one)).resolves.toMatchObject({ version: SCHEMA_VERSION });
  });

  it("names tables, columns, types, indexes and functions that a later release needs", async () => {
    const one = await database("migrated");
    const later = {
      name: "9999-later",
      sql: `CREATE TABLE public.refunds (id bigint PRIMARY KEY);
        ALTER TABLE public.voucher_audit ADD COLUMN region text;
        CREATE TYPE public.billing_refund_line AS (line int);
        CREATE INDEX orders_region_idx ON public.orders (plan_id);
        CREATE OR REPLACE FUNCTION public.billing_refund() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$;
        CREATE OR REPLACE FUNCTION public.billing_time_uuid() RETURNS uuid LANGUAGE sql AS $$ SELECT gen_random_uuid() $$;`,
    };
    const preflight = async () => {
      const client = await one.pool.connect();
      const executed = MIGRATIONS.map(({ name }) => name);
      return runPreflight(client, executed, [...MIGRATIONS, later]).finally(() => client.release());
    };
    // Replacing a function of ours is no obstacle.
    await expect(preflight()).resolves.toEqual([]);
    await one.pool.query(`CREATE TABLE refunds (id int); ALTER TABLE voucher_audit ADD COLUMN region int;
      CREATE TYPE billing_refund_line AS (n int); CREATE INDEX orders_region_idx ON orders (tenant_id);
      CREATE FUNCTION billing_refund() RETURNS int LANGUAGE sql AS 'SELECT 1'`);
    const error = await preflight().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(PreflightError);
    expect(rulesOf((error as PreflightError).findings).sort()).toEqual([
      "column-taken column voucher_audit.region",
      "name-taken function public.billing_refund()",
      "name-taken index public.orders_region_idx",
      "name-taken table public.refunds",
      "name-taken type public.billing_refund_line",
    ]);
  });

  it("allows a changed schema that stops no migration, which the drift report names", async () => {
    const one = await database();
    await migrateUpTo(one, "0006-index");
    await one.pool.query("ALTER TABLE promo_codes ADD COLUMN region text");
    await expect(migrate(one)).resolves.toMatchObject({
      version: SCHEMA_VERSION,
      drift: ["column promo_codes.region is not ours"],
    });
  });
});
