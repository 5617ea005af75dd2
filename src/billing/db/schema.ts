import { readdirSync, readFileSync } from "node:fs";

const MIGRATION_FOLDER = new URL("./migration/", import.meta.url);

export interface Migration {
  /** The name in the database's record of migrations. */
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

/** The schema version that this program needs: the name of its last migration. */
export const SCHEMA_VERSION: string = MIGRATIONS.at(-1)?.name ?? "";

/** The tables that the fingerprint covers, with their columns, constraints, indexes, triggers, rules and policies. */
export const TABLES: readonly string[] = [
  "adoption_findings",
  "card_refunds",
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
  "sovereign_identity",
  "stripe_subscription_states",
  "stripe_webhook_events",
  "subscriptions",
  "tenants",
  "voucher_audit",
  "voucher_audit_head",
];

/** SQL for the amount of a ledger entry. Adopted entries have it in whole OMR only. */
export const LEDGER_BAISA_SQL = "coalesce(l.amount_baisa, l.amount_omr::bigint * 1000, 0)";

export const MIGRATION_TABLE = "kysely_migration";

/**
 * SQL for a code as lookups compare it. `voucherKey` in voucher/key.ts does the same in JavaScript. Must be written exactly as
 * in the index `promo_codes_lookup_idx`, or PostgreSQL does not use the index.
 */
export const LOOKUP_KEY_SQL = `billing_code_key(p.code) COLLATE "C"`;

/** SQL for generated codes without their dashes, and for the condition that a code was generated: as in `promo_codes_drawn_idx`. */
export const UNDASHED_SQL = `replace(p.code, '-', '') COLLATE "C"`;
export const IS_DRAWN_SQL = `p.code COLLATE "C" ~ '(^|-)([2-9A-HJKMNP-TV-Z]{4}-){2}[2-9A-HJKMNP-TV-Z]{4}$'`;
