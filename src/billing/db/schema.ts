import { readdirSync, readFileSync } from "node:fs";

const MIGRATION_FOLDER = new URL("./migration/", import.meta.url);

export interface Migration {
  /** As it is recorded in the database. */
  name: string;
  sql: string;
}

/** The migrations in the order in which they run. */
export const MIGRATIONS: readonly Migration[] = readdirSync(MIGRATION_FOLDER)
  .filter((file) => file.endsWith(".sql"))
  .sort()
  .map((file) => ({
    name: file.replace(/\.sql$/, ""),
    sql: readFileSync(new URL(file, MIGRATION_FOLDER), "utf8"),
  }));

/** The schema version that this program knows: the name of its last migration. */
export const SCHEMA_VERSION: string = MIGRATIONS.at(-1)?.name ?? "";

/** What the fingerprint covers: these tables and what hangs on them, and the functions named `billing_…`. */
export const TABLES: readonly string[] = [
  "adoption_findings",
  "credit_ledger",
  "customers",
  "handled_events",
  "idempotency_records",
  "invoices",
  "orders",
  "outbox",
  "promo_codes",
  "promo_redemptions",
  "settings",
  "stripe_webhook_events",
  "subscriptions",
  "tenants",
  "voucher_audit",
];

/** A ledger entry's amount in SQL: adopted rows say it in whole OMR alone. */
export const LEDGER_BAISA_SQL = "coalesce(l.amount_baisa, l.amount_omr::bigint * 1000, 0)";

export const MIGRATION_TABLE = "kysely_migration";

/**
 * A code as lookups compare it, in SQL; `voucherKey` in voucher.ts is the same in JavaScript. Written exactly as in the
 * index `promo_codes_lookup_idx`, or the index goes unused. `COLLATE "C"` upper-cases ASCII alone, in any locale.
 */
export const LOOKUP_KEY_SQL = `upper(btrim(p.code, E' \\t\\n\\r\\f\\x0B') COLLATE "C")`;
