import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { PreflightError, RULES, type Rule } from "../../../../src/billing/db/preflight/finding.ts";
import { OBSTACLES } from "../../../support/builder/adoption-obstacle.ts";
import { fillEarlierTables } from "../../../support/builder/earlier-service.ts";
import { runCommand } from "../../../support/process/command.ts";
import { migrate } from "../../../support/server/migration-database.ts";
import { createTestDatabase, type TestDatabase } from "../../../support/server/postgres.ts";

const opened: TestDatabase[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.drop()));
});

async function earlierDatabase(...statements: string[]): Promise<TestDatabase> {
  const one = await createTestDatabase("empty");
  opened.push(one);
  await fillEarlierTables(one.pool);
  for (const statement of statements) await one.pool.query(statement);
  return one;
}

async function refusal(one: { url: string }): Promise<PreflightError> {
  const error = await migrate(one).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof PreflightError) return error;
  throw new Error("the migration was not refused by its preflight", { cause: error });
}

/** Every relation, column, constraint and function of the database, and the number of rows of each table. */
async function catalogOf({ pool }: TestDatabase): Promise<string[]> {
  const { rows } = await pool.query<{ line: string }>(`
    SELECT concat_ws(' ', c.relname, c.relkind, a.attname, a.atttypid::regtype, a.attnotnull) AS line FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.relnamespace = 'public'::regnamespace
    UNION ALL SELECT conname || pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT proname || prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT 'rows ' || (SELECT count(*) FROM promo_codes) || ' ' || (SELECT count(*) FROM credit_ledger) ORDER BY 1`);
  return rows.map(({ line }) => line);
}

let reference: string;
beforeAll(async () => {
  const one = await createTestDatabase("migrated");
  reference = (await migrate(one)).fingerprint;
  await one.drop();
});

describe("the preflight of an adoption", () => {
  it.each(OBSTACLES)("refuses $what ($rule), changes nothing, and names the remedy", async (one) => {
    const database = await earlierDatabase(one.add);
    const before = await catalogOf(database);

    const error = await refusal(database);

    expect(error.code).toBe("preflight_refused");
    expect(error.findings.map(({ rule, object }) => ({ rule, object }))).toEqual([
      { rule: one.rule, object: one.object },
    ]);
    const [{ remedy } = { remedy: "" }] = error.findings;
    expect(error.message).toContain(`- ${one.rule}: ${one.object} `);
    expect(error.message).toContain(remedy);
    expect(await catalogOf(database)).toEqual(before);

    await database.pool.query(one.mend ?? remedy.slice(0, remedy.indexOf(";")));
    expect((await migrate(database)).fingerprint).toBe(reference);
  });

  it("lists all obstacles in one error", async () => {
    const database = await earlierDatabase(...OBSTACLES.slice(0, 4).map(({ add }) => add));
    await database.pool.query("ALTER TABLE promo_codes ADD COLUMN region text, ENABLE ROW LEVEL SECURITY");
    const { findings, message } = await refusal(database);
    expect(findings.map(({ rule }) => rule).sort()).toEqual([
      "column-unknown",
      "name-taken",
      "name-taken",
      "name-taken",
      "name-taken",
      "row-security",
    ]);
    expect(message.split("\n- ")).toHaveLength(findings.length + 1);
    expect(message).toMatch(/^the database was not changed; objects that prevent the migration: 6\n/);
  });
});

/** Harmless objects, with the finding that each becomes. */
const KEPT: { rule: Rule; add: string; object: string; stays: string }[] = [
  {
    rule: "foreign-key-kept",
    add: "CREATE TABLE flyers (code text CONSTRAINT of_code REFERENCES promo_codes (code))",
    object: "foreign key of_code of public.flyers",
    stays: "SELECT FROM pg_constraint WHERE conname = 'of_code'",
  },
  {
    rule: "view",
    add: "CREATE VIEW live AS SELECT code, count(*) FROM promo_codes WHERE deleted_at IS NULL GROUP BY code",
    object: "view public.live",
    stays: "SELECT FROM live HAVING count(*) > 10",
  },
  {
    rule: "view",
    add: "CREATE MATERIALIZED VIEW totals AS SELECT customer_id, sum(amount_omr) FROM credit_ledger GROUP BY 1",
    object: "view public.totals",
    stays: "SELECT FROM totals HAVING count(*) = 3",
  },
  {
    rule: "index-replaced",
    add: "CREATE UNIQUE INDEX orders_created_idx ON orders (id, status)",
    object: "index orders_created_idx on public.orders",
    stays:
      "SELECT FROM pg_indexes WHERE indexname = 'orders_created_idx' AND indexdef LIKE '%(created_at DESC, id DESC)'",
  },
  {
    rule: "constraint-replaced",
    add: "ALTER TABLE customers ADD CONSTRAINT email_is_mail CHECK (email LIKE '%@%')",
    object: "constraint email_is_mail on public.customers",
    stays: "SELECT WHERE NOT EXISTS (SELECT FROM pg_constraint WHERE conname = 'email_is_mail')",
  },
  {
    rule: "default-replaced",
    add: "ALTER TABLE orders ALTER COLUMN promo_code SET DEFAULT 'none'",
    object: "column orders.promo_code",
    stays:
      "SELECT FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attname = 'promo_code' AND NOT atthasdef",
  },
];

describe("the preflight's cost", () => {
  it("reads no row of the tables, so that its cost does not grow with them", async () => {
    const database = await earlierDatabase("ALTER TABLE promo_codes ADD COLUMN region text");
    const scans = async () =>
      (
        await database.pool.query(
          "SELECT relname, seq_scan, idx_scan FROM pg_stat_user_tables WHERE schemaname = 'public' ORDER BY 1",
        )
      ).rows;
    // PostgreSQL publishes a session's statistics when the session ends.
    await database.pool.query("SELECT pg_stat_force_next_flush()");
    const before = await scans();
    expect(before).toHaveLength(9);
    await refusal(database);
    expect(await scans()).toEqual(before);
  });
});

describe("what an adoption keeps or replaces", () => {
  it.each(KEPT)("records a finding: $object ($rule)", async ({ rule, add, object, stays }) => {
    const database = await earlierDatabase(add);
    const { fingerprint, findings } = await migrate(database);
    expect(fingerprint).toBe(reference);
    expect(findings).toContainEqual({ kind: rule, row_count: 1, remedy: expect.any(String) });
    const { rows } = await database.pool.query("SELECT samples FROM adoption_findings WHERE kind = $1", [
      rule,
    ]);
    expect(rows[0].samples).toEqual([{ object, message: expect.any(String) }]);
    expect((await database.pool.query(stays)).rows).toHaveLength(1);
  });

  it("records no finding for a database with only the earlier service's tables and a publication", async () => {
    const database = await earlierDatabase("CREATE PUBLICATION listen FOR ALL TABLES");
    const { fingerprint, findings } = await migrate(database);
    expect(fingerprint).toBe(reference);
    expect(findings.filter(({ kind }) => Object.hasOwn(RULES, kind))).toEqual([]);
  });

  it("records each finding once when runs start together, and after a crash", async () => {
    const database = await earlierDatabase(...KEPT.map(({ add }) => add));
    await database.pool.query(`CREATE FUNCTION crash() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
        IF to_regclass('public.adoption_findings') IS NOT NULL THEN RAISE EXCEPTION 'crash'; END IF; END $$;
      CREATE EVENT TRIGGER crash ON ddl_command_end EXECUTE FUNCTION crash()`);
    await expect(migrate(database)).rejects.toThrow("crash");
    await database.pool.query("DROP EVENT TRIGGER crash; DROP FUNCTION crash()");
    const reports = await Promise.all([migrate(database), migrate(database), migrate(database)]);
    expect(reports.map(({ fingerprint }) => fingerprint)).toEqual([reference, reference, reference]);
    const { rows } = await database.pool.query(
      "SELECT kind, row_count::int FROM adoption_findings WHERE kind = ANY ($1) ORDER BY kind",
      [Object.keys(RULES)],
    );
    expect(rows).toEqual([
      { kind: "constraint-replaced", row_count: 1 },
      { kind: "default-replaced", row_count: 1 },
      { kind: "foreign-key-kept", row_count: 1 },
      { kind: "index-replaced", row_count: 1 },
      { kind: "view", row_count: 2 },
    ]);
  });
});

describe("catalyst migrate", () => {
  it("exits 1, with the list on stderr and as much of it in TERMINATION_LOG as Kubernetes accepts", async () => {
    const columns = Array.from({ length: 60 }, (_, n) => `ADD COLUMN "spalte ä ${n}" text`).join(", ");
    const { url } = await earlierDatabase(`ALTER TABLE promo_codes ${columns}`);
    const folder = mkdtempSync(join(tmpdir(), "catalyst-migrate-"));
    const log = join(folder, "termination-log");
    const { code, stdout, stderr } = await runCommand("migrate", { DATABASE_URL: url, TERMINATION_LOG: log });
    const text = readFileSync(log, "utf8");
    rmSync(folder, { recursive: true });
    expect([code, stdout]).toEqual([1, ""]);
    expect(
      stderr.match(
        /^- column-unknown: column promo_codes\."spalte ä \d+" is not a column of the earlier service/gm,
      ),
    ).toHaveLength(60);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(4_096);
    expect(JSON.parse(text).error).toMatch(/^the database was not changed; .*: 60\n- column-unknown: /);
  });
});
