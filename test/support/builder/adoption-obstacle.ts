import type { Rule } from "../../../src/billing/db/preflight/finding.ts";

/** `mend` is for a remedy that leaves a decision open. Otherwise the remedy's own statement removes the obstacle. */
export interface Obstacle {
  rule: Rule;
  what: string;
  add: string;
  object: string;
  mend?: string;
}

const NOOP = "CREATE FUNCTION noop() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'";

/** Objects that prevent an adoption, one of each kind. */
export const OBSTACLES: Obstacle[] = [
  {
    rule: "name-taken",
    what: "a table",
    add: "CREATE TABLE outbox (id int)",
    object: "table public.outbox",
    mend: "ALTER TABLE outbox RENAME TO letters",
  },
  {
    rule: "name-taken",
    what: "a view",
    add: "CREATE VIEW tenants AS SELECT 1 AS id",
    object: "view public.tenants",
    mend: "CREATE SCHEMA other; ALTER VIEW tenants SET SCHEMA other",
  },
  {
    rule: "name-taken",
    what: "a materialized view",
    add: "CREATE MATERIALIZED VIEW voucher_audit AS SELECT 1 AS id",
    object: "materialized view public.voucher_audit",
    mend: "ALTER MATERIALIZED VIEW voucher_audit RENAME TO trail",
  },
  {
    rule: "name-taken",
    what: "a sequence",
    add: "CREATE SEQUENCE idempotency_records",
    object: "sequence public.idempotency_records",
    mend: "ALTER SEQUENCE idempotency_records RENAME TO numbers",
  },
  {
    rule: "name-taken",
    what: "an enum",
    add: "CREATE TYPE handled_events AS ENUM ('a')",
    object: "type public.handled_events",
    mend: "ALTER TYPE handled_events RENAME TO letter",
  },
  {
    rule: "name-taken",
    what: "a composite type",
    add: "CREATE TYPE billing_checkout_line AS (line int)",
    object: "type public.billing_checkout_line",
    mend: "ALTER TYPE billing_checkout_line RENAME TO line",
  },
  {
    rule: "name-taken",
    what: "another table's index",
    add: "CREATE TABLE theirs (id int); CREATE INDEX orders_created_idx ON theirs (id)",
    object: "index public.orders_created_idx",
    mend: "ALTER INDEX orders_created_idx RENAME TO theirs_idx",
  },
  {
    rule: "name-taken",
    what: "the key of a table of ours",
    add: "CREATE TABLE theirs (id int CONSTRAINT tenants_pkey PRIMARY KEY)",
    object: "index public.tenants_pkey",
    mend: "ALTER INDEX tenants_pkey RENAME TO theirs_pkey",
  },
  {
    rule: "name-taken",
    what: "the key of an earlier table, which has another one",
    add: "ALTER INDEX promo_codes_pkey RENAME TO promo_pk; CREATE SEQUENCE promo_codes_pkey",
    object: "sequence public.promo_codes_pkey",
    mend: "DROP SEQUENCE promo_codes_pkey",
  },
  {
    rule: "name-taken",
    what: "a function",
    add: "CREATE FUNCTION billing_checkout(text) RETURNS int LANGUAGE sql AS 'SELECT 1'",
    object: "function public.billing_checkout(text)",
    mend: "ALTER FUNCTION billing_checkout(text) RENAME TO theirs",
  },
  {
    rule: "name-taken",
    what: "a function with our prefix",
    add: "CREATE FUNCTION billing_report() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    object: "function public.billing_report()",
    mend: "DROP FUNCTION billing_report()",
  },
  {
    rule: "not-a-plain-table",
    what: "a view in a table's place",
    add: "DROP TABLE invoices; CREATE VIEW invoices AS SELECT 1 AS id",
    object: "view public.invoices",
    mend: "DROP VIEW invoices",
  },
  {
    rule: "not-a-plain-table",
    what: "an unlogged table",
    add: "ALTER TABLE stripe_webhook_events SET UNLOGGED",
    object: "table public.stripe_webhook_events",
  },
  {
    rule: "inheritance",
    what: "a child",
    add: "CREATE TABLE old_orders () INHERITS (orders)",
    object: "table public.old_orders",
  },
  {
    rule: "inheritance",
    what: "a parent",
    add: "CREATE TABLE codes (code text NOT NULL); ALTER TABLE promo_codes INHERIT codes",
    object: "table public.promo_codes",
  },
  {
    rule: "column-taken",
    what: "a column that we add",
    add: "ALTER TABLE promo_codes ADD COLUMN expires_at text",
    object: "column promo_codes.expires_at",
    mend: "ALTER TABLE promo_codes DROP COLUMN expires_at",
  },
  {
    rule: "column-unknown",
    what: "an unknown column",
    add: "ALTER TABLE promo_codes ADD COLUMN \"Region\" text DEFAULT 'OM'",
    object: 'column promo_codes."Region"',
    mend: 'CREATE TABLE regions AS SELECT code, "Region" FROM promo_codes; ALTER TABLE promo_codes DROP COLUMN "Region"',
  },
  {
    rule: "column-missing",
    what: "a column that is not there",
    add: "ALTER TABLE credit_ledger DROP COLUMN reason",
    object: "column credit_ledger.reason",
  },
  {
    rule: "column-type",
    what: "a column of another type",
    add: "ALTER TABLE credit_ledger ALTER COLUMN amount_omr TYPE numeric(12,3)",
    object: "column credit_ledger.amount_omr",
  },
  {
    rule: "column-type",
    what: "a column of another collation",
    add: 'ALTER TABLE promo_codes ALTER COLUMN description TYPE text COLLATE "POSIX"',
    object: "column promo_codes.description",
  },
  {
    rule: "column-type",
    what: "a column that the server generates",
    add: "ALTER TABLE invoices DROP COLUMN amount_baisa; ALTER TABLE invoices ADD COLUMN amount_baisa bigint GENERATED ALWAYS AS (amount_omr) STORED",
    object: "column invoices.amount_baisa",
  },
  {
    rule: "column-type",
    what: "a column that the server numbers",
    add: "ALTER TABLE settings ALTER COLUMN id DROP DEFAULT, ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY",
    object: "column settings.id",
  },
  {
    rule: "primary-key",
    what: "no primary key",
    add: "ALTER TABLE stripe_webhook_events DROP CONSTRAINT stripe_webhook_events_pkey",
    object: "table public.stripe_webhook_events",
  },
  {
    rule: "primary-key",
    what: "another primary key",
    add: "ALTER TABLE promo_redemptions DROP CONSTRAINT promo_redemptions_pkey, ADD PRIMARY KEY (code, customer_id)",
    object: "table public.promo_redemptions",
  },
  {
    rule: "primary-key",
    what: "a primary key with a storage parameter",
    add: "ALTER TABLE credit_ledger DROP CONSTRAINT credit_ledger_pkey, ADD PRIMARY KEY (id) WITH (fillfactor = 70)",
    object: "table public.credit_ledger",
  },
  {
    rule: "foreign-key",
    what: "another table's foreign key on a unique constraint",
    add: "CREATE TABLE profiles (user_id text CONSTRAINT of_user REFERENCES customers (user_id))",
    object: "foreign key of_user of public.profiles",
  },
  {
    rule: "foreign-key",
    what: "another table's foreign key that holds on to redemptions",
    add: "CREATE TABLE thanks (c uuid, code text, CONSTRAINT of_edge FOREIGN KEY (c, code) REFERENCES promo_redemptions)",
    object: "foreign key of_edge of public.thanks",
  },
  {
    rule: "row-type",
    what: "a column of a table's row type",
    add: "CREATE TABLE archive (id int, voucher promo_codes)",
    object: "column public.archive.voucher",
  },
  {
    rule: "trigger",
    what: "a trigger",
    add: `${NOOP}; CREATE TRIGGER audit BEFORE INSERT ON promo_codes FOR EACH ROW EXECUTE FUNCTION noop()`,
    object: "trigger audit on public.promo_codes",
  },
  {
    rule: "rule",
    what: "a rule",
    add: "CREATE RULE keep AS ON DELETE TO promo_redemptions DO INSTEAD NOTHING",
    object: "rule keep on public.promo_redemptions",
  },
  {
    rule: "row-security",
    what: "row level security",
    add: "ALTER TABLE customers ENABLE ROW LEVEL SECURITY",
    object: "table public.customers",
  },
  {
    rule: "row-security",
    what: "a policy",
    add: "CREATE POLICY own ON orders USING (true)",
    object: "policy own on public.orders",
  },
  {
    rule: "replica-identity",
    what: "a replica identity by an index of the earlier service",
    add: "CREATE UNIQUE INDEX code_identity ON promo_codes (code); ALTER TABLE promo_codes REPLICA IDENTITY USING INDEX code_identity",
    object: "table public.promo_codes",
  },
  {
    rule: "duplicates",
    what: "users who are there twice",
    add: `ALTER TABLE customers DROP CONSTRAINT customers_user_id_key;
      INSERT INTO customers (user_id, tenant_id, email) VALUES ('user-rich', 't', 'e')`,
    object: "column customers.user_id",
    mend: "DELETE FROM customers WHERE user_id = 'user-rich' AND tenant_id = 't'",
  },
];
