import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type pg from "pg";
import { afterEach, describe, expect, it } from "vitest";
import { createDatabase } from "../../../../src/billing/db/database.ts";
import {
  type MigrationReport,
  migrateDatabase,
  UnknownSchemaError,
} from "../../../../src/billing/db/migrate.ts";
import { MIGRATIONS, SCHEMA_VERSION } from "../../../../src/billing/db/schema.ts";
import { readSchemaState } from "../../../../src/billing/db/schema-state.ts";
import { reconcileLedger } from "../../../../src/billing/ledger/reconcile-ledger.ts";
import { createReadiness } from "../../../../src/billing/readiness.ts";
import { createLogger } from "../../../../src/platform/log.ts";
import { EARLIER_TABLES, fillEarlierTables } from "../../../support/builder/earlier-service.ts";
import { createTestDatabase, type TestDatabase } from "../../../support/server/postgres.ts";

const MAIN = resolve(import.meta.dirname, "../../../../src/cli/main.ts");
const opened: TestDatabase[] = [];

async function database(kind: "empty" | "migrated" = "empty"): Promise<TestDatabase> {
  const created = await createTestDatabase(kind);
  opened.push(created);
  return created;
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.drop()));
});

function migrate(one: TestDatabase): Promise<MigrationReport> {
  return migrateDatabase({
    databaseUrl: one.url,
    logger: createLogger("test", "silent"),
    signal: new AbortController().signal,
  });
}

async function fingerprintOf(pool: pg.Pool, settings: string[] = []): Promise<string> {
  const client = await pool.connect();
  try {
    for (const setting of settings) await client.query(setting);
    return (await readSchemaState(client)).fingerprint;
  } finally {
    client.release(true);
  }
}

const referenceOf = async () => fingerprintOf((await database("migrated")).pool);

/** Every row of the earlier tables, as its own columns said it. */
async function earlierRows(pool: pg.Pool): Promise<string[]> {
  const { rows } = await pool.query<{ row: string }>(`
    SELECT 'customer ' || concat_ws('|', id, user_id, tenant_id, email) AS row FROM customers
    UNION ALL SELECT 'promo ' || concat_ws('|', code, credit_omr, description, active, max_redemptions, times_redeemed, created_at, deleted_at) FROM promo_codes
    UNION ALL SELECT 'edge ' || concat_ws('|', customer_id, code, created_at) FROM promo_redemptions
    UNION ALL SELECT 'ledger ' || concat_ws('|', id, customer_id, amount_omr, reason, order_id, status) FROM credit_ledger
    UNION ALL SELECT 'order ' || concat_ws('|', id, customer_id, tenant_id, amount_omr, amount_baisa, status, promo_code) FROM orders
    UNION ALL SELECT 'subscription ' || concat_ws('|', id, customer_id, tenant_id, plan_id, status) FROM subscriptions
    UNION ALL SELECT 'invoice ' || concat_ws('|', id, customer_id, amount_omr, amount_baisa) FROM invoices
    UNION ALL SELECT 'settings ' || concat_ws('|', id, stripe_secret_key) FROM settings
    UNION ALL SELECT 'event ' || event_id FROM stripe_webhook_events ORDER BY 1`);
  return rows.map(({ row }) => row);
}

describe("migrateDatabase", () => {
  it("migrates an empty database, and does nothing the second time", async () => {
    const one = await database();
    const first = await migrate(one);
    expect(first).toMatchObject({
      version: SCHEMA_VERSION,
      executed: MIGRATIONS.map(({ name }) => name),
      findings: [],
    });
    const second = await migrate(one);
    expect(second).toMatchObject({ version: SCHEMA_VERSION, fingerprint: first.fingerprint, executed: [] });
  });

  it("adopts the earlier service's tables with every row, and ends at the same fingerprint", async () => {
    const one = await database();
    await fillEarlierTables(one.pool);
    const before = await earlierRows(one.pool);
    expect(before.length).toBeGreaterThan(25);

    const { fingerprint, findings } = await migrate(one);

    expect(fingerprint).toBe(await referenceOf());
    expect(await earlierRows(one.pool)).toEqual(before);
    expect(Object.fromEntries(findings.map(({ kind, row_count }) => [kind, row_count]))).toEqual({
      "balance-below-zero": 1,
      "cap-below-zero": 1,
      "code-shape": 7,
      "code-twins": 2,
      "counter-differs-from-redemptions": 1,
      "grant-without-order": 3,
      "grants-differ-from-redemptions": 2,
      "invoice-omr-holds-baisa": 1,
      "order-amount-baisa-missing": 1,
      "tenant-of-several-customers": 1,
    });
    const { rows } = await one.pool.query(
      "SELECT user_id, balance_baisa::int, balance_floor_baisa::int FROM customers ORDER BY user_id",
    );
    expect(rows).toEqual([
      { user_id: "user-indebted", balance_baisa: -100_000, balance_floor_baisa: -100_000 },
      { user_id: "user-plain", balance_baisa: 10_000, balance_floor_baisa: 0 },
      { user_id: "user-rich", balance_baisa: 70_000, balance_floor_baisa: 0 },
    ]);
  });

  it("ends at the same fingerprint despite other constraint names, extra indexes and the first release's columns", async () => {
    const one = await database();
    await one.pool.query(
      EARLIER_TABLES.replace("ALTER TABLE orders ADD COLUMN IF NOT EXISTS promo_code text;", "")
        .replace("ALTER TABLE orders ADD COLUMN IF NOT EXISTS amount_baisa bigint DEFAULT 0;", "")
        .replace(
          ", created_at timestamptz DEFAULT now(), deleted_at timestamptz",
          ", created_at timestamptz DEFAULT now()",
        )
        .replace("code text PRIMARY KEY", "code text CONSTRAINT promo_pk PRIMARY KEY"),
    );
    await one.pool.query(`CREATE INDEX fast_ledger ON credit_ledger (customer_id);
      ALTER TABLE customers ADD CONSTRAINT email_is_mail CHECK (email LIKE '%@%');
      CREATE TABLE other_table (id int PRIMARY KEY)`);
    expect((await migrate(one)).fingerprint).toBe(await referenceOf());
  });

  it("executes each migration once when ten runs start together", async () => {
    const one = await database();
    await fillEarlierTables(one.pool);
    const reports = await Promise.all(Array.from({ length: 10 }, () => migrate(one)));
    expect(new Set(reports.map(({ fingerprint }) => fingerprint)).size).toBe(1);
    expect(reports.flatMap(({ executed }) => executed).sort()).toEqual(MIGRATIONS.map(({ name }) => name));
  });

  it.each(MIGRATIONS.map(({ name }, index) => ({ name, index })))(
    "continues after a crash inside $name",
    async ({ index }) => {
      const one = await database();
      await fillEarlierTables(one.pool);
      const before = await earlierRows(one.pool);
      // A trigger that fails the bookkeeping of this migration: its transaction rolls back, as a crash would.
      await one.pool.query(`CREATE FUNCTION crash() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
          IF to_regclass('public.kysely_migration') IS NOT NULL AND (SELECT count(*) FROM public.kysely_migration) = ${index}
          THEN RAISE EXCEPTION 'crash'; END IF; END $$;
        CREATE EVENT TRIGGER crash ON ddl_command_end EXECUTE FUNCTION crash()`);
      await expect(migrate(one)).rejects.toThrow("crash");
      await one.pool.query("DROP EVENT TRIGGER crash; DROP FUNCTION crash()");
      const { executed, fingerprint } = await migrate(one);
      expect(executed).toEqual(MIGRATIONS.slice(index).map(({ name }) => name));
      expect(await earlierRows(one.pool)).toEqual(before);
      expect(fingerprint).toBe(await referenceOf());
    },
  );

  it("adopts texts of any length and extreme counters and times, and leaves no difference in the ledger", async () => {
    const one = await database();
    await fillEarlierTables(one.pool);
    // Incompressible, as an index would have to hold it.
    const long = Array.from({ length: 100 }, () => randomBytes(16).toString("hex")).join("");
    await one.pool.query(
      `WITH c AS (INSERT INTO customers (user_id, tenant_id, email) VALUES ('long', '${long}', 'x') RETURNING id)
       INSERT INTO orders (customer_id, tenant_id, plan_id, amount_omr, stripe_session_id) SELECT id, '${long}', 'p', 1, '${long}' FROM c`,
    );
    await one.pool.query(`INSERT INTO credit_ledger (customer_id, amount_omr, reason, order_id) SELECT id, 5, 'x', '${long}' FROM customers WHERE user_id = 'long';
      INSERT INTO promo_codes (code, credit_omr, times_redeemed, created_at) VALUES ('ENDLESS', 1, 2147483647, 'infinity'), ('UNCOUNTED', 1, NULL, now());
      INSERT INTO promo_redemptions (customer_id, code) SELECT id, 'UNCOUNTED' FROM customers WHERE user_id = 'long'`);
    expect((await migrate(one)).fingerprint).toBe(await referenceOf());
    const client = await one.pool.connect();
    const differences = await reconcileLedger(client).finally(() => client.release());
    expect(differences.filter(({ adopted }) => !adopted)).toEqual([]);
  });

  it("causes no deadlock for readers of two tables", async () => {
    const one = await database();
    await fillEarlierTables(one.pool);
    let isOver = false;
    const failures: string[] = [];
    const readers = Array.from({ length: 6 }, async () => {
      while (!isOver) {
        await one.pool
          .query(
            "SELECT count(*), pg_sleep(0.05) FROM credit_ledger l JOIN customers c ON c.id = l.customer_id JOIN orders o ON o.customer_id = c.id",
          )
          .catch((error: Error) => failures.push(error.message));
      }
    });
    await migrate(one);
    isOver = true;
    await Promise.all(readers);
    expect(failures).toEqual([]);
  });

  it("refuses a database that a newer program migrated", async () => {
    const one = await database("migrated");
    await one.pool.query(
      "INSERT INTO kysely_migration (name, timestamp) VALUES ('9999-future', now()::text)",
    );
    await expect(migrate(one)).rejects.toThrow(UnknownSchemaError);
    await expect(migrate(one)).rejects.toThrow(
      /at schema version 9999-future, this program needs .*: run the release that/,
    );
  });

  it.each<[string, object, boolean]>([
    ["works with", { version: "9999-future", compatibleFrom: SCHEMA_VERSION }, true],
    ["does not work with", { version: "9999-future", compatibleFrom: "9998-later" }, false],
    ["has no record about", { version: SCHEMA_VERSION, compatibleFrom: SCHEMA_VERSION }, false],
  ])(
    "leaves a newer schema as it is, and says whether this program %s it",
    async (_what, record, isUsable) => {
      const one = await database("migrated");
      const own = (await migrate(one)).fingerprint;
      await one.pool.query(
        "INSERT INTO kysely_migration (name, timestamp) VALUES ('9999-future', now()::text)",
      );
      await one.pool.query(`COMMENT ON TABLE kysely_migration IS '${JSON.stringify(record)}'`);
      const readiness = createReadiness({
        database: createDatabase(one.pool),
        sovereignFqdn: "own.example",
        now: () => new Date(),
        logger: createLogger("test", "silent"),
      });
      expect((await readiness.current()).kind).toBe(isUsable ? "ready" : "mismatch");
      if (isUsable)
        expect(await migrate(one)).toMatchObject({ version: "9999-future", fingerprint: own, executed: [] });
      else await expect(migrate(one)).rejects.toThrow(UnknownSchemaError);
    },
  );

  it("waits for a table that is in use without blocking readers", async () => {
    const one = await database();
    await fillEarlierTables(one.pool);
    const holder = await one.pool.connect();
    await holder.query("BEGIN; SELECT * FROM credit_ledger");
    const migrating = migrate(one);
    await new Promise((done) => setTimeout(done, 300));
    await holder.query("COMMIT");
    holder.release();
    await expect(migrating).resolves.toMatchObject({ version: SCHEMA_VERSION });
  });
});

describe("schema fingerprint", () => {
  it.each([
    ["a column", "ALTER TABLE promo_codes ADD COLUMN extra int"],
    ["a type", "ALTER TABLE tenants ALTER COLUMN tenant_id TYPE varchar(300)"],
    ["a default", "ALTER TABLE promo_codes ALTER COLUMN active SET DEFAULT false"],
    ["a NOT NULL", "ALTER TABLE outbox ALTER COLUMN payload DROP NOT NULL"],
    ["a constraint", "ALTER TABLE customers DROP CONSTRAINT customers_balance_check"],
    ["an index", "DROP INDEX credit_ledger_customer_idx"],
    [
      "a function",
      "CREATE OR REPLACE FUNCTION billing_voucher_standing(voucher promo_codes, at timestamptz) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$SELECT 'live'$$",
    ],
    [
      "a trigger",
      "CREATE FUNCTION noop() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER t BEFORE INSERT ON promo_codes EXECUTE FUNCTION noop()",
    ],
    ["a rule", "CREATE RULE r AS ON DELETE TO promo_codes DO INSTEAD NOTHING"],
    ["row security", "ALTER TABLE promo_codes ENABLE ROW LEVEL SECURITY"],
  ])("changes with %s", async (_what, statement) => {
    const one = await database("migrated");
    const before = await fingerprintOf(one.pool);
    await one.pool.query(statement);
    expect(await fingerprintOf(one.pool)).not.toBe(before);
  });

  it("does not change with rows, owner, search_path, time zone or the tables of others", async () => {
    const one = await database("migrated");
    const before = await fingerprintOf(one.pool);
    await one.pool.query(`INSERT INTO promo_codes (code, credit_omr) VALUES ('SOME-CODE', 1);
      CREATE TABLE other_table (id int); CREATE SCHEMA other; CREATE TABLE other.promo_codes (code int);
      CREATE ROLE owner_${process.pid}; ALTER TABLE promo_codes OWNER TO owner_${process.pid}`);
    const after = await fingerprintOf(one.pool, [
      "SET search_path = other",
      "SET timezone = 'Asia/Muscat'",
      "SET datestyle = 'German'",
    ]);
    await one.pool.query(`ALTER TABLE promo_codes OWNER TO postgres; DROP ROLE owner_${process.pid}`);
    expect(after).toBe(before);
  });
});

describe("catalyst migrate", () => {
  function run(url: string, env: Record<string, string> = {}) {
    const child = spawn(process.execPath, [MAIN, "migrate"], {
      env: { PATH: process.env.PATH ?? "", DATABASE_URL: url, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    child.stdout.on("data", (chunk) => {
      stdout += chunk;
    });
    child.stderr.resume();
    return { child, exit: once(child, "close").then(([code]) => ({ code, stdout })) };
  }

  it("prints one JSON line, writes it to TERMINATION_LOG, and exits with 0 also the second time", async () => {
    const one = await database();
    const log = join(tmpdir(), `termination-${process.pid}`);
    const first = await run(one.url, { TERMINATION_LOG: log }).exit;
    const second = await run(one.url).exit;
    expect(first.code).toBe(0);
    expect(JSON.parse(first.stdout)).toEqual({ version: SCHEMA_VERSION, fingerprint: await referenceOf() });
    expect(readFileSync(log, "utf8")).toBe(first.stdout);
    expect(second).toEqual(first);
    rmSync(log);
  });

  it("continues in the next run after kill -9", async () => {
    const one = await database();
    await fillEarlierTables(one.pool);
    const before = await earlierRows(one.pool);
    // Held open, so that the kill hits a migration under way.
    const holder = await one.pool.connect();
    await holder.query("BEGIN; LOCK TABLE invoices IN ACCESS SHARE MODE");
    const killed = run(one.url);
    await waitUntil(
      one.pool,
      "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'invoices'::regclass AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
    );
    killed.child.kill("SIGKILL");
    await killed.exit;
    await holder.query("COMMIT");
    holder.release();
    expect((await run(one.url).exit).code).toBe(0);
    expect(await earlierRows(one.pool)).toEqual(before);
    const { rows } = await one.pool.query("SELECT name FROM kysely_migration ORDER BY name");
    expect(rows.map(({ name }) => name)).toEqual(MIGRATIONS.map(({ name }) => name));
  });

  it("exits with 2 without DATABASE_URL, and with 1 when the database is down", async () => {
    expect((await run("").exit).code).toBe(2);
    expect((await run("postgres://postgres@127.0.0.1:1/none").exit).code).toBe(1);
  });
});

async function waitUntil(pool: pg.Pool, sql: string): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    if ((await pool.query(sql)).rows.length > 0) return;
    await new Promise((done) => setTimeout(done, 25));
  }
  throw new Error(`never true: ${sql}`);
}
