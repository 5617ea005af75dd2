import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../support/server/postgres.ts";

let database: TestDatabase;
let client: pg.PoolClient;

beforeAll(async () => {
  database = await createTestDatabase();
  client = await database.pool.connect();
  // Autovacuum is off, because it could change the statistics of any table at any moment, and with them the plans.
  const { rows } = await client.query("SELECT relid::regclass::text AS name FROM pg_stat_user_tables");
  for (const { name } of rows) await client.query(`ALTER TABLE ${name} SET (autovacuum_enabled = false)`);
  await client.query(`INSERT INTO promo_codes (code, credit_omr, description) VALUES ('PLAN', 20, '')`);
});

afterAll(async () => {
  client.release();
  await database.drop();
});

const BATCH = 20;
let customers = 0;

/** One call for customers and tenants that are new, each with a voucher and a key. */
async function placeBatch(): Promise<void> {
  const requests = Array.from({ length: BATCH }, (_, line) => {
    customers += 1;
    return {
      line,
      user_id: `user-${customers}`,
      email: "",
      tenant_id: `tenant-${customers}`,
      tenant_member: false,
      plan_id: "small",
      apps: [],
      addons: [],
      total_baisa: 9_000,
      voucher_key: "PLAN",
      idempotency_key: `key-${customers}`,
      request_hash: "h",
    };
  });
  const { rows } = await client.query(
    "SELECT outcome FROM public.billing_checkout($1, 'x', '{kafka}', NULL, false, 0)",
    [JSON.stringify(requests)],
  );
  expect(rows.map(({ outcome }) => outcome)).toEqual(Array(BATCH).fill("placed"));
}

/** The rows that each table's scans have read so far. */
async function countRead(): Promise<Map<string, number>> {
  await client.query("SELECT pg_stat_force_next_flush()");
  const { rows } = await client.query(
    `SELECT t.relname, (t.seq_tup_read + coalesce(sum(i.idx_tup_read), 0))::int AS read
       FROM pg_stat_user_tables t LEFT JOIN pg_stat_user_indexes i USING (relid) GROUP BY t.relid, t.relname, t.seq_tup_read`,
  );
  return new Map(rows.map(({ relname, read }) => [relname, read]));
}

async function readByBatch(): Promise<Record<string, number>> {
  const before = await countRead();
  await placeBatch();
  return Object.fromEntries(
    [...(await countRead())].map(([name, read]) => [name, read - (before.get(name) ?? 0)]),
  );
}

describe("the plans of a checkout call", () => {
  it.each([
    ["while the tables are empty", 0],
    ["while the tables have few rows", 3],
  ])("read no more rows after the tables have grown, when they are made %s", async (_when, callsBefore) => {
    for (let call = 0; call < callsBefore; call += 1) await placeBatch();
    await client.query("DISCARD PLANS");
    await client.query("ANALYZE");
    for (let call = 0; call < 2; call += 1) await placeBatch();
    const early = await readByBatch();
    for (let call = 0; call < 20; call += 1) await placeBatch();
    const late = await readByBatch();
    // The index may have a second entry of the voucher's row, which each line then reads. A plan that reads a whole table reads
    // the rows of twenty calls.
    const grown = Object.entries(late).filter(([name, read]) => read - (early[name] ?? 0) >= 5 * BATCH);
    expect(grown).toEqual([]);
  });
});
