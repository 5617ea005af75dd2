import { describe, expect, it } from "vitest";
import {
  database,
  fingerprintOf,
  useMigrationDatabases,
} from "../../../support/server/migration-database.ts";

useMigrationDatabases();

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
