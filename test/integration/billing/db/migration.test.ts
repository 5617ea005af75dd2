import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { oldestCompatible } from "../../../../src/billing/db/compatibility.ts";
import { createDatabase } from "../../../../src/billing/db/database.ts";
import { UnknownSchemaError } from "../../../../src/billing/db/migrate.ts";
import { MIGRATIONS, SCHEMA_VERSION } from "../../../../src/billing/db/schema.ts";
import { reconcileLedger } from "../../../../src/billing/ledger/reconcile-ledger.ts";
import { createReadiness } from "../../../../src/billing/readiness.ts";
import { createLogger } from "../../../../src/platform/log.ts";
import { EARLIER_TABLES, fillEarlierTables } from "../../../support/builder/earlier-service.ts";
import {
  database,
  earlierRows,
  migrate,
  referenceOf,
  useMigrationDatabases,
} from "../../../support/server/migration-database.ts";

useMigrationDatabases();

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
      // The trigger makes the record of this migration fail. The transaction rolls back, as after a crash.
      await one.pool.query(`CREATE FUNCTION crash() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
          IF to_regclass('public.kysely_migration') IS NOT NULL AND (SELECT count(*) FROM public.kysely_migration) = ${index}
          THEN RAISE EXCEPTION 'crash'; END IF; END $$;
        CREATE EVENT TRIGGER crash ON ddl_command_end EXECUTE FUNCTION crash()`);
      await expect(migrate(one)).rejects.toThrow("crash");
      await one.pool.query("DROP EVENT TRIGGER crash; DROP FUNCTION crash()");
      const { rows } = await one.pool.query(
        "SELECT obj_description(to_regclass('public.kysely_migration'), 'pg_class') AS record",
      );
      const done = MIGRATIONS.slice(0, index);
      expect(JSON.parse(rows[0].record)).toEqual(
        index === 0 ? null : { version: done.at(-1)?.name, compatibleFrom: oldestCompatible(done) },
      );
      const { executed, fingerprint } = await migrate(one);
      expect(executed).toEqual(MIGRATIONS.slice(index).map(({ name }) => name));
      expect(await earlierRows(one.pool)).toEqual(before);
      expect(fingerprint).toBe(await referenceOf());
    },
  );

  it("adopts texts of any length and extreme counters and times, and leaves no difference in the ledger", async () => {
    const one = await database();
    await fillEarlierTables(one.pool);
    // The text is incompressible, so an index would have to store all of it.
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
