import { readFileSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { readSchemaState } from "../../../../src/billing/db/schema-state.ts";
import { SCHEMA_PATH } from "../../../../src/cli/generate.ts";
import { describeDatabase } from "../../../../src/cli/generate-schema.ts";
import { startBilling } from "../../../support/builder/billing.ts";
import { createBillingProcesses } from "../../../support/process/billing-process.ts";
import { runCommand } from "../../../support/process/command.ts";
import { createTestDatabase, type TestDatabase } from "../../../support/server/postgres.ts";
import { eventually } from "../../../support/wait.ts";

const opened: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

async function drifted(...statements: string[]): Promise<TestDatabase> {
  const database = await createTestDatabase();
  opened.push(() => database.drop());
  for (const statement of statements) await database.pool.query(statement);
  return database;
}

async function driftOf({ pool }: TestDatabase): Promise<string[]> {
  const client = await pool.connect();
  try {
    return (await readSchemaState(client)).drift;
  } finally {
    client.release();
  }
}

describe("schema.sql", () => {
  it("equals the schema that the migrations make; npm run generate writes it", async () => {
    const { url } = await drifted();
    expect(readFileSync(SCHEMA_PATH, "utf8")).toBe(await describeDatabase(url));
  });

  it("creates the same schema in an empty database", async () => {
    const database = await createTestDatabase("empty");
    opened.push(() => database.drop());
    await database.pool.query(readFileSync(SCHEMA_PATH, "utf8"));
    expect(await describeDatabase(database.url)).toBe(readFileSync(SCHEMA_PATH, "utf8"));
  });
});

describe("drift", () => {
  it.each([
    [
      "an added column",
      "ALTER TABLE promo_codes ADD COLUMN extra int",
      ["column promo_codes.extra is not ours"],
    ],
    ["a dropped column", "ALTER TABLE invoices DROP COLUMN pdf_url", ["column invoices.pdf_url is missing"]],
    [
      "another default",
      "ALTER TABLE promo_codes ALTER COLUMN active SET DEFAULT false",
      ["column promo_codes.active differs: is boolean DEFAULT false, should be boolean DEFAULT true"],
    ],
    [
      "another type",
      "ALTER TABLE outbox ALTER COLUMN attempts TYPE bigint",
      ["column outbox.attempts differs: is bigint DEFAULT 0 NOT NULL, should be integer DEFAULT 0 NOT NULL"],
    ],
    [
      "a dropped constraint",
      "ALTER TABLE customers DROP CONSTRAINT customers_balance_check",
      ["constraint customers.customers_balance_check is missing"],
    ],
    [
      "another storage parameter of a key",
      "ALTER INDEX orders_pkey SET (fillfactor = 70)",
      [
        "constraint orders.orders_pkey differs: is PRIMARY KEY (id) WITH (fillfactor=70), should be PRIMARY KEY (id)",
      ],
    ],
    ["a dropped index", "DROP INDEX orders_tenant_idx", ["index orders.orders_tenant_idx is missing"]],
    [
      "another body",
      "CREATE OR REPLACE FUNCTION billing_amount_baisa(o orders) RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT 0::bigint'",
      [
        "function billing_amount_baisa(o public.orders) differs: line 5 is AS $function$SELECT 0::bigint$function$, should be AS $function$",
      ],
    ],
    [
      "another property of a function",
      "ALTER FUNCTION billing_amount_baisa(orders) STABLE",
      ["function billing_amount_baisa(o public.orders) differs: line 4 is STABLE, should be IMMUTABLE"],
    ],
    [
      "an aggregate with our prefix",
      "CREATE AGGREGATE billing_total (bigint) (SFUNC = int8pl, STYPE = bigint)",
      ["function billing_total(bigint) is not ours"],
    ],
    [
      "a disabled trigger",
      "ALTER TABLE credit_ledger DISABLE TRIGGER credit_ledger_append_only",
      [
        "trigger credit_ledger.credit_ledger_append_only differs: is …created_at, adopted ON public.credit_ledger FOR EACH ROW EXECUTE FUNCTION public.billing_refuse_ledger_change() DISABLED, should be …mo_code, created_at, adopted ON public.credit_ledger FOR EACH ROW EXECUTE FUNCTION public.billing_refuse_ledger_change()",
      ],
    ],
    [
      "row level security",
      "ALTER TABLE promo_codes ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON promo_codes USING (true)",
      [
        "table promo_codes differs: is table with row level security, should be table",
        "policy promo_codes.p is not ours",
      ],
    ],
    // The report names the table, not the parts that went with it.
    ["a missing table", "DROP TABLE handled_events", ["table handled_events is missing"]],
    [
      "nothing, for tables and views of others",
      "CREATE TABLE theirs (id int); CREATE VIEW live AS SELECT code FROM promo_codes",
      [],
    ],
    [
      "a column of a newer program",
      "ALTER TABLE promo_codes ADD COLUMN extra int; INSERT INTO kysely_migration (name, timestamp) VALUES ('9999-later', '')",
      [],
    ],
  ])("reports drift object by object: %s", async (_what, statement, lines) => {
    expect(await driftOf(await drifted(statement))).toEqual(lines);
  });

  it("reports drift in /readyz, with at most twenty objects, and continues to serve", async () => {
    const columns = Array.from({ length: 21 }, (_, n) => `ADD COLUMN c${n} int`).join(", ");
    const database = await drifted(`ALTER TABLE settings ${columns}`);
    const billing = await startBilling({ database });
    opened.push(() => billing.close());
    const { status, json } = await billing.ask("/readyz");
    expect([status, json.schema.drift.length, json.schema.drift[0]]).toEqual([
      200,
      20,
      "column settings.c0 is not ours",
    ]);
  });

  it("leaves drift out of /readyz when the schema has none", async () => {
    const billing = await startBilling();
    opened.push(() => billing.close());
    expect(Object.keys((await billing.ask("/readyz")).json.schema)).toEqual(["version", "fingerprint"]);
  });

  it("reports drift once when billing starts", async () => {
    const { url } = await drifted("DROP INDEX orders_tenant_idx");
    const processes = createBillingProcesses(url);
    opened.push(() => processes.close());
    const { log } = await processes.start();
    await eventually(() => expect(log()).toContain("orders.orders_tenant_idx is missing"));
    expect(log().match(/the schema differs from the one that this program creates/g)).toHaveLength(1);
  });

  it("reports drift in catalyst migrate, which succeeds", async () => {
    const { url } = await drifted("DROP INDEX orders_tenant_idx");
    const { code, stderr, stdout } = await runCommand("migrate", { DATABASE_URL: url });
    expect([code, Object.keys(JSON.parse(stdout))]).toEqual([0, ["version", "fingerprint"]]);
    expect(stderr).toContain('"object":"index orders.orders_tenant_idx is missing"');
  });
});
