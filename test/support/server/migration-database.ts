import type pg from "pg";
import { afterEach } from "vitest";
import { type MigrationReport, migrateDatabase } from "../../../src/billing/db/migrate.ts";
import { readSchemaState } from "../../../src/billing/db/schema-state.ts";
import { createLogger } from "../../../src/platform/log.ts";
import { createTestDatabase, type TestDatabase } from "./postgres.ts";

const opened: TestDatabase[] = [];

/** Drops the databases of each test after it. */
export function useMigrationDatabases(): void {
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((one) => one.drop()));
  });
}

export async function database(kind: "empty" | "migrated" = "empty"): Promise<TestDatabase> {
  const created = await createTestDatabase(kind);
  opened.push(created);
  return created;
}

export function migrate({ url }: Pick<TestDatabase, "url">): Promise<MigrationReport> {
  return migrateDatabase({
    databaseUrl: url,
    logger: createLogger("test", "silent"),
    signal: new AbortController().signal,
  });
}

export async function fingerprintOf(pool: pg.Pool, settings: string[] = []): Promise<string> {
  const client = await pool.connect();
  try {
    for (const setting of settings) await client.query(setting);
    return (await readSchemaState(client)).fingerprint;
  } finally {
    client.release(true);
  }
}

/** The fingerprint of a database that only our migrations created. */
export const referenceOf = async () => fingerprintOf((await database("migrated")).pool);

/** Every row of the earlier service's tables as text, with the columns of that service. */
export async function earlierRows(pool: pg.Pool): Promise<string[]> {
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
