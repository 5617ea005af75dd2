import pg from "pg";
import { migrateDatabase } from "../../../src/billing/db/migrate.ts";
import { createLogger } from "../../../src/platform/log.ts";
import { EARLIER_TABLES } from "../../support/builder/earlier-service.ts";
import { CODE_COUNT, HOT_CODE } from "./code.ts";

/** Two databases with the same history: one as the earlier service left it, one adopted by `catalyst migrate`. */
export interface DatabasePair {
  ledgerRows: number;
  earlierUrl: string;
  oursUrl: string;
  /** How long the adoption took. */
  adoptionMs: number;
}

const ROWS_PER_CUSTOMER = 100;

/** `serverUrl` is the URL of the superuser, without a database. */
export async function createDatabasePair(serverUrl: string, ledgerRows: number): Promise<DatabasePair> {
  const earlier = `earlier_${ledgerRows}`;
  const ours = `ours_${ledgerRows}`;
  await runSql(`${serverUrl}/postgres`, `CREATE DATABASE ${earlier}`);
  await runSql(
    `${serverUrl}/${earlier}`,
    EARLIER_TABLES,
    `INSERT INTO promo_codes (code, credit_omr, description)
       SELECT code, 25, 'offer' FROM (SELECT '${HOT_CODE}' AS code
         UNION ALL SELECT 'CODE' || lpad(n::text, 4, '0') FROM generate_series(0, ${CODE_COUNT - 1}) AS n) codes`,
    `INSERT INTO customers (user_id, tenant_id, email)
       SELECT 'old-' || n, 'old-' || n, 'old@example.om' FROM generate_series(1, ${ledgerRows / ROWS_PER_CUSTOMER}) AS n`,
    // Each customer earns 10 and spends 9 in turn, so no customer ends with a debt.
    `INSERT INTO credit_ledger (customer_id, amount_omr, reason, order_id, created_at)
       SELECT c.id, CASE WHEN n % 2 = 0 THEN 10 ELSE -9 END, 'history', gen_random_uuid()::text, now() - n * interval '1 hour'
         FROM generate_series(0, ${ROWS_PER_CUSTOMER - 1}) AS n, customers c`,
    "VACUUM ANALYZE",
  );
  await runSql(`${serverUrl}/postgres`, `CREATE DATABASE ${ours} TEMPLATE ${earlier}`);
  const startMs = performance.now();
  await migrateDatabase({
    databaseUrl: `${serverUrl}/${ours}`,
    logger: createLogger("bench", "silent"),
    signal: new AbortController().signal,
  });
  const adoptionMs = performance.now() - startMs;
  await runSql(`${serverUrl}/${ours}`, "VACUUM ANALYZE");
  return { ledgerRows, earlierUrl: `${serverUrl}/${earlier}`, oursUrl: `${serverUrl}/${ours}`, adoptionMs };
}

/**
 * Restores the state before the first measurement, and writes a checkpoint. No measurement then does the work of an
 * earlier one.
 */
export async function resetPair({ ledgerRows, earlierUrl, oursUrl }: DatabasePair): Promise<void> {
  // Bypasses the trigger that keeps the ledger append-only.
  const asEmpty =
    ledgerRows === 0
      ? [
          "SET session_replication_role = replica",
          "TRUNCATE customers CASCADE",
          "UPDATE promo_codes SET times_redeemed = 0",
        ]
      : [];
  await runSql(earlierUrl, ...asEmpty, "VACUUM promo_codes");
  // The outbox is emptied because, on a Sovereign, the operator relays it.
  await runSql(oursUrl, ...asEmpty, "TRUNCATE outbox", "VACUUM promo_codes", "CHECKPOINT");
}

/** Runs each statement in a transaction of its own. */
export async function runSql(url: string, ...statements: string[]): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    let result = await client.query("SELECT 1");
    for (const statement of statements) result = await client.query(statement);
    return result;
  } finally {
    await client.end();
  }
}
