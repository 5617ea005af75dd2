import pg from "pg";
import { afterEach, describe, expect, it } from "vitest";
import { migrateDatabase } from "../../../../src/billing/db/migrate.ts";
import { MIGRATION_TABLE, TABLES } from "../../../../src/billing/db/schema.ts";
import {
  findUnprotectedBooks,
  readServingRole,
  SERVING_RIGHTS,
} from "../../../../src/billing/db/serving-role.ts";
import { createLogger } from "../../../../src/platform/log.ts";
import { issueVoucher, placeOrder, reconcile, useBillings } from "../../../support/builder/billing.ts";
import { fillEarlierTables } from "../../../support/builder/earlier-service.ts";
import { createTestDatabase, type TestDatabase } from "../../../support/server/postgres.ts";

const start = useBillings();
const OWNER = `owner_${process.pid}`;
const SERVER = `server_${process.pid}`;
const opened: TestDatabase[] = [];

afterEach(async () => {
  for (const one of opened.splice(0)) {
    for (const role of [SERVER, OWNER])
      await one.pool.query(
        `DO $$ BEGIN IF to_regrole('${role}') IS NOT NULL THEN DROP OWNED BY ${role}; DROP ROLE ${role}; END IF; END $$`,
      );
    await one.drop();
  }
});

function as(one: TestDatabase, role: string): string {
  const url = new URL(one.url);
  url.username = role;
  url.password = role;
  return url.href;
}

/** A database with two logins, of which `OWNER` may create tables. */
async function database(): Promise<TestDatabase> {
  const one = await createTestDatabase("empty");
  opened.push(one);
  for (const role of [OWNER, SERVER]) await one.pool.query(`CREATE ROLE ${role} LOGIN PASSWORD '${role}'`);
  await one.pool.query(`GRANT CREATE ON SCHEMA public TO ${OWNER}`);
  return one;
}

const migrate = (databaseUrl: string, servingUrl?: string) =>
  migrateDatabase({
    databaseUrl,
    servingUrl,
    logger: createLogger("test", "silent"),
    signal: new AbortController().signal,
  });

async function run(url: string, statement: string): Promise<string> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
    return "done";
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  } finally {
    await client.end();
  }
}

async function ownersOf(one: TestDatabase): Promise<string[]> {
  const { rows } = await one.pool.query<{ owner: string }>(
    `SELECT DISTINCT relowner::regrole::text AS owner FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
     UNION SELECT DISTINCT proowner::regrole::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace`,
  );
  return rows.map(({ owner }) => owner).sort();
}

describe("the role that serves", () => {
  it("has exactly the documented rights on each table", () => {
    expect(Object.keys(SERVING_RIGHTS).sort()).toEqual([...TABLES, MIGRATION_TABLE].sort());
  });

  it("serves, and can neither change the books nor alter, empty or unguard their tables", async () => {
    const one = await database();
    const report = await migrate(as(one, OWNER), as(one, SERVER));
    expect(report.roles).toEqual([]);
    expect(await ownersOf(one)).toEqual([OWNER]);
    const billing = await start({ database: { ...one, servingUrl: as(one, SERVER) } });
    await issueVoucher(billing, "GOOD");
    expect((await billing.ask("/metrics")).text).toContain("\ncatalyst_billing_unprotected_books 0\n");
    expect((await placeOrder(billing, "salma", { promo_code: "GOOD" })).status).toBe(200);
    for (const statement of [
      "UPDATE voucher_audit SET actor = 'another'",
      "DELETE FROM voucher_audit",
      "INSERT INTO voucher_audit (code, action, actor) VALUES ('GOOD', 'record', 'one')",
      "INSERT INTO voucher_audit (code, action, actor) VALUES ('GOOD', 'adopt', 'one')",
      "INSERT INTO voucher_audit (code, action, actor) VALUES ('GOOD', 'another', 'one')",
      "TRUNCATE voucher_audit",
      "UPDATE voucher_audit_head SET last_id = 0",
      "INSERT INTO voucher_audit_head VALUES (1, 0, '')",
      "UPDATE credit_ledger SET amount_baisa = 1",
      "DELETE FROM credit_ledger",
      "TRUNCATE credit_ledger",
      "DELETE FROM promo_codes",
      "UPDATE orders SET adopted = true",
      "INSERT INTO orders (amount_omr, adopted) VALUES (1, true)",
      "UPDATE promo_codes SET adopted = true",
      "UPDATE promo_codes SET adopted_excess = 1",
      "INSERT INTO promo_codes (code, credit_omr, adopted) VALUES ('a', 1, true)",
      "INSERT INTO promo_redemptions (code, adopted) VALUES ('GOOD', true)",
      "UPDATE promo_redemptions SET amount_baisa = 1",
      "INSERT INTO credit_ledger (amount_omr, adopted) VALUES (1, true)",
      "ALTER TABLE voucher_audit DISABLE TRIGGER ALL",
      "ALTER TABLE credit_ledger DISABLE TRIGGER credit_ledger_append_only",
      "ALTER TABLE promo_codes ADD COLUMN more int",
      "DROP TRIGGER voucher_audit_chain ON voucher_audit",
      "CREATE TRIGGER more BEFORE INSERT ON voucher_audit EXECUTE FUNCTION billing_chain_audit()",
      "ALTER FUNCTION billing_chain_audit() SECURITY INVOKER",
      "CREATE OR REPLACE FUNCTION billing_refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
      "SET session_replication_role = replica",
      "DROP TABLE voucher_audit",
    ])
      expect([statement, await run(as(one, SERVER), statement)]).toEqual([statement, "42501"]);
    expect(await reconcile(billing)).toEqual([]);
  });

  it("does not change the fingerprint, and keeps its rights when the migration runs again", async () => {
    const one = await database();
    const alone = await migrate(as(one, OWNER));
    expect(alone.roles).toEqual([
      {
        finding: "books-not-protected",
        role: OWNER,
        message: expect.stringContaining("no other role may write them"),
      },
    ]);
    for (let count = 0; count < 2; count += 1) {
      const apart = await migrate(as(one, OWNER), as(one, SERVER));
      expect([apart.fingerprint, apart.roles, apart.drift]).toEqual([alone.fingerprint, [], []]);
    }
  });

  it("loses the tables that it owned before, where the migrating role may take them", async () => {
    const one = await database();
    await one.pool.query(`GRANT CREATE ON SCHEMA public TO ${SERVER}; GRANT ${SERVER} TO ${OWNER}`);
    const client = new pg.Client({ connectionString: as(one, SERVER) });
    await client.connect();
    await fillEarlierTables(client).finally(() => client.end());
    expect(await ownersOf(one)).toEqual([SERVER]);
    const { roles, version } = await migrate(as(one, OWNER), as(one, SERVER));
    // Only the schema's owner takes that right back.
    const message = expect.stringContaining("REVOKE CREATE ON SCHEMA public");
    const found = [{ finding: "books-not-protected", role: SERVER, message }];
    expect([roles, await ownersOf(one), version]).toEqual([found, [OWNER], expect.any(String)]);
    expect(await run(as(one, SERVER), "TRUNCATE voucher_audit")).toBe("42501");
    await one.pool.query(`REVOKE CREATE ON SCHEMA public FROM ${SERVER}`);
    expect((await migrate(as(one, OWNER), as(one, SERVER))).roles).toEqual([]);
  });

  it("reports a serving role that owns the tables when the migrating role may not take them, and the migration succeeds", async () => {
    const one = await database();
    await one.pool.query(`GRANT CREATE ON SCHEMA public TO ${SERVER}`);
    await migrate(as(one, SERVER));
    await one.pool.query(`GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${OWNER}`);
    const { roles } = await migrate(as(one, OWNER), as(one, SERVER));
    expect(roles).toEqual([expect.objectContaining({ finding: "books-not-protected", role: SERVER })]);
    const billing = await start({ database: { ...one, servingUrl: as(one, SERVER) } });
    expect((await billing.ask("/metrics")).text).toContain("\ncatalyst_billing_unprotected_books 1\n");
  });

  it("reports a serving role that is a member of the owner", async () => {
    const one = await database();
    await one.pool.query(`GRANT ${OWNER} TO ${SERVER}`);
    await migrate(as(one, OWNER), as(one, SERVER));
    const client = await one.pool.connect();
    const found = await findUnprotectedBooks(client).finally(() => client.release());
    expect(found).toEqual([
      {
        finding: "books-not-protected",
        role: SERVER,
        message: expect.stringContaining("can alter or empty them too"),
      },
    ]);
  });

  it.each<[what: string, give: (name: string) => string, take: (name: string) => string, words: string]>([
    [
      "owns the database",
      (name) => `ALTER DATABASE ${name} OWNER TO ${SERVER}`,
      (name) => `ALTER DATABASE ${name} OWNER TO CURRENT_USER`,
      "can alter or empty them too",
    ],
    [
      "owns the schema",
      () => `ALTER SCHEMA public OWNER TO ${SERVER}`,
      () => "ALTER SCHEMA public OWNER TO pg_database_owner",
      "can alter or empty them too",
    ],
    [
      "creates functions in the schema",
      () => `GRANT CREATE ON SCHEMA public TO ${SERVER}`,
      () => `REVOKE CREATE ON SCHEMA public FROM ${SERVER}`,
      "can create functions that the owner runs: REVOKE CREATE",
    ],
    [
      "creates functions in the schema as everyone does",
      () => "GRANT CREATE ON SCHEMA public TO PUBLIC",
      () => "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
      "can create functions that the owner runs: REVOKE CREATE",
    ],
  ])("reports a serving role that %s", async (_what, give, take, words) => {
    const one = await database();
    await migrate(as(one, OWNER), as(one, SERVER));
    const name = new URL(one.url).pathname.slice(1);
    const find = async () => {
      const client = await one.pool.connect();
      return findUnprotectedBooks(client).finally(() => client.release());
    };
    await one.pool.query(give(name));
    expect(await find()).toEqual([
      { finding: "books-not-protected", role: SERVER, message: expect.stringContaining(words) },
    ]);
    await one.pool.query(take(name));
    expect(await find()).toEqual([]);
  });

  it("reports no role when the migration's own connection fails", async () => {
    const one = await database();
    const migrating = new pg.Client({ connectionString: as(one, OWNER) });
    await migrating.connect();
    await migrating.end();
    await expect(readServingRole(as(one, SERVER), migrating)).rejects.toThrow("Client was closed");
  });

  it("requires a serving role that can log in to the same database", async () => {
    const one = await database();
    const other = await createTestDatabase("empty");
    try {
      await expect(migrate(as(one, OWNER), as(other, SERVER))).rejects.toThrow("leads to another database");
      await expect(migrate(as(one, OWNER), as(one, "absent"))).rejects.toThrow(
        "the role that serves cannot log in",
      );
    } finally {
      await other.drop();
    }
  });
});
