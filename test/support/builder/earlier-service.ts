import type pg from "pg";

/** The earlier service's tables, as it created them at each start. */
export const EARLIER_TABLES = `
CREATE TABLE IF NOT EXISTS customers (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(), user_id text UNIQUE NOT NULL, tenant_id text NOT NULL,
  stripe_customer_id text UNIQUE, email text NOT NULL, created_at timestamptz DEFAULT now());
CREATE TABLE IF NOT EXISTS subscriptions (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(), customer_id uuid NOT NULL REFERENCES customers(id), tenant_id text NOT NULL,
  stripe_subscription_id text UNIQUE, plan_id text NOT NULL, status text NOT NULL DEFAULT 'active',
  current_period_start timestamptz, current_period_end timestamptz,
  created_at timestamptz DEFAULT now(), updated_at timestamptz DEFAULT now());
CREATE TABLE IF NOT EXISTS orders (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(), customer_id uuid NOT NULL REFERENCES customers(id) ON DELETE CASCADE,
  tenant_id text NOT NULL, plan_id text NOT NULL, apps jsonb DEFAULT '[]', addons jsonb DEFAULT '[]', amount_omr int NOT NULL,
  status text NOT NULL DEFAULT 'pending', stripe_session_id text, created_at timestamptz DEFAULT now());
ALTER TABLE orders ADD COLUMN IF NOT EXISTS promo_code text;
ALTER TABLE orders ADD COLUMN IF NOT EXISTS amount_baisa bigint DEFAULT 0;
CREATE TABLE IF NOT EXISTS invoices (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(), customer_id uuid NOT NULL REFERENCES customers(id), tenant_id text NOT NULL,
  stripe_invoice_id text UNIQUE, amount_omr int NOT NULL, amount_baisa bigint, currency text DEFAULT 'omr',
  status text DEFAULT 'draft', period_start timestamptz, period_end timestamptz, pdf_url text, created_at timestamptz DEFAULT now());
CREATE TABLE IF NOT EXISTS stripe_webhook_events (
  event_id text PRIMARY KEY, event_type text, processed_at timestamptz DEFAULT now(), status text DEFAULT 'processed');
CREATE TABLE IF NOT EXISTS settings (
  id int PRIMARY KEY DEFAULT 1 CHECK (id = 1), stripe_secret_key text DEFAULT '', stripe_webhook_secret text DEFAULT '',
  stripe_public_key text DEFAULT '', updated_at timestamptz DEFAULT now());
CREATE TABLE IF NOT EXISTS promo_codes (
  code text PRIMARY KEY, credit_omr int NOT NULL, description text DEFAULT '', active bool DEFAULT true,
  max_redemptions int DEFAULT 0, times_redeemed int DEFAULT 0, created_at timestamptz DEFAULT now(), deleted_at timestamptz);
CREATE TABLE IF NOT EXISTS credit_ledger (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(), customer_id uuid NOT NULL REFERENCES customers(id), amount_omr int NOT NULL,
  reason text, order_id text, created_at timestamptz DEFAULT now(), status text DEFAULT 'active');
CREATE TABLE IF NOT EXISTS promo_redemptions (
  customer_id uuid REFERENCES customers(id), code text REFERENCES promo_codes(code), created_at timestamptz DEFAULT now(),
  PRIMARY KEY (customer_id, code));`;

const id = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`;

/** Users of the earlier service, by the state of their data. */
export const EARLIER = { rich: "user-rich", indebted: "user-indebted", plain: "user-plain" } as const;

/**
 * Rows that its bugs allowed: codes that differ only in case, blank codes, debts, wrong counters, and amounts in the wrong
 * column.
 */
export async function fillEarlierTables(client: pg.ClientBase | pg.Pool): Promise<void> {
  await client.query(EARLIER_TABLES);
  await client.query(`
INSERT INTO customers (id, user_id, tenant_id, email) VALUES
  ('${id(1)}', '${EARLIER.rich}', 'rich-shop', 'rich@example.om'),
  ('${id(2)}', '${EARLIER.indebted}', 'debt-shop', 'debt@example.om'),
  ('${id(3)}', '${EARLIER.plain}', 'plain-shop', 'plain@example.om');
INSERT INTO promo_codes (code, credit_omr, description, active, max_redemptions, times_redeemed, created_at, deleted_at) VALUES
  ('WELCOME', 10, 'plain', true, 0, 2, '2025-01-01', NULL),
  ('RAMADAN 2026', 20, 'with a blank', true, 0, 0, '2025-01-02', NULL),
  ('A/B', 5, 'with a slash', true, 0, 0, '2025-01-03', NULL),
  ('eid', 7, 'lower twin', true, 0, 0, '2025-01-04', NULL),
  ('EID', 8, 'upper twin', true, 0, 0, '2025-02-04', NULL),
  ('Summer', 3, 'younger twin', true, 0, 0, '2025-03-02', NULL),
  ('summer', 4, 'older twin', true, 0, 0, '2025-03-01', NULL),
  ('  padded ', 6, 'blanks around', true, 0, 0, '2025-01-05', NULL),
  ('AB', 2, 'two letters', true, 0, 0, '2025-01-06', NULL),
  ('NEGATIVE', 9, 'cap below zero', true, -1, 0, '2025-01-07', NULL),
  ('CROOKED', 1, 'counter differs', true, 100, 40, '2025-01-08', NULL),
  ('GONE', 1, 'deleted', false, 0, 0, '2025-01-09', '2025-02-01'),
  ('HUGE', 2147483647, 'largest', true, 1, 0, '2025-01-10', NULL);
INSERT INTO promo_redemptions (customer_id, code) VALUES ('${id(1)}', 'WELCOME'), ('${id(3)}', 'WELCOME'), ('${id(3)}', 'CROOKED');
INSERT INTO credit_ledger (customer_id, amount_omr, reason, order_id, status) VALUES
  ('${id(1)}', 100, 'promo', NULL, 'active'), ('${id(1)}', -30, 'spend', '${id(11)}', 'tenant_deleted'),
  ('${id(2)}', 50, 'promo', '', 'active'), ('${id(2)}', -150, 'spend', NULL, 'active'),
  ('${id(3)}', 10, 'promo', NULL, 'active');
INSERT INTO orders (id, customer_id, tenant_id, plan_id, amount_omr, amount_baisa, status, created_at) VALUES
  ('${id(11)}', '${id(1)}', 'rich-shop', 'small', 30, 0, 'completed', '2025-01-01'),
  ('${id(12)}', '${id(3)}', 'rich-shop', 'small', 5, 5000, 'completed', '2025-01-02'),
  ('${id(13)}', '${id(2)}', 'debt-shop', 'large', 150, 150000, 'completed', '2025-01-03');
INSERT INTO subscriptions (customer_id, tenant_id, plan_id) VALUES ('${id(1)}', 'rich-shop', 'small');
INSERT INTO invoices (customer_id, tenant_id, amount_omr, amount_baisa) VALUES ('${id(1)}', 'rich-shop', 30000, 30000);
INSERT INTO settings (id, stripe_secret_key, stripe_webhook_secret, stripe_public_key)
  VALUES (1, 'sk_live_aaaabbbbcccc1234', 'whsec_aaaabbbbcccc5678', 'pk_live_x');
INSERT INTO stripe_webhook_events (event_id, event_type) VALUES ('evt_1', 'checkout.session.completed');`);
}
