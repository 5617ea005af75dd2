-- One shape for a database that was empty and for one that the earlier service grew over its releases: columns that its
-- first releases lacked are added, nullability and defaults are set the same, constraints are rebuilt under one name.
-- Nothing here rewrites a table, or looks at its rows: the locks are taken together and held for a moment.
LOCK TABLE public.customers, public.promo_codes, public.promo_redemptions, public.credit_ledger, public.orders,
  public.subscriptions, public.invoices, public.stripe_webhook_events, public.settings IN ACCESS EXCLUSIVE MODE;

ALTER TABLE public.orders
  ADD COLUMN IF NOT EXISTS apps jsonb, ADD COLUMN IF NOT EXISTS addons jsonb,
  ADD COLUMN IF NOT EXISTS amount_baisa bigint, ADD COLUMN IF NOT EXISTS promo_code text;
ALTER TABLE public.invoices ADD COLUMN IF NOT EXISTS amount_baisa bigint;
ALTER TABLE public.promo_codes ADD COLUMN IF NOT EXISTS deleted_at timestamptz;
ALTER TABLE public.credit_ledger ADD COLUMN IF NOT EXISTS status text;
ALTER TABLE public.stripe_webhook_events ADD COLUMN IF NOT EXISTS status text;

DO $$
DECLARE
  earlier CONSTANT text[] := ARRAY['customers', 'subscriptions', 'orders', 'invoices', 'stripe_webhook_events', 'settings',
    'promo_codes', 'credit_ledger', 'promo_redemptions'];
  item record;
BEGIN
  -- Foreign keys first: they lean on the unique constraints and keys.
  FOR item IN
    SELECT c.conrelid::regclass AS relation, c.conname
      FROM pg_catalog.pg_constraint c
     WHERE c.connamespace = 'public'::regnamespace AND c.contype IN ('f', 'u', 'c', 'x')
       AND c.conrelid IN (SELECT format('public.%I', t)::regclass FROM unnest(earlier) AS t)
     ORDER BY c.contype = 'f' DESC
  LOOP
    EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', item.relation, item.conname);
  END LOOP;
  FOR item IN
    SELECT c.conrelid::regclass AS relation, c.conname, t || '_pkey' AS wanted
      FROM unnest(earlier) AS t
      JOIN pg_catalog.pg_constraint c ON c.conrelid = format('public.%I', t)::regclass AND c.contype = 'p'
     WHERE c.conname <> t || '_pkey'
  LOOP
    EXECUTE format('ALTER TABLE %s RENAME CONSTRAINT %I TO %I', item.relation, item.conname, item.wanted);
  END LOOP;
  -- Indexes that somebody added by hand: ours replace them (the adoption report names them).
  FOR item IN
    SELECT i.indexrelid::regclass AS index_name
      FROM pg_catalog.pg_index i
     WHERE NOT i.indisprimary AND i.indrelid IN (SELECT format('public.%I', t)::regclass FROM unnest(earlier) AS t)
  LOOP
    RAISE NOTICE 'dropping the index % in favour of the standard ones', item.index_name;
    EXECUTE format('DROP INDEX %s', item.index_name);
  END LOOP;
  -- What is needed of new rows is said by CHECK constraints that do not judge old ones.
  FOR item IN
    SELECT a.attrelid::regclass AS relation, a.attname
      FROM pg_catalog.pg_attribute a
     WHERE a.attrelid IN (SELECT format('public.%I', t)::regclass FROM unnest(earlier) AS t)
       AND a.attnum > 0 AND NOT a.attisdropped AND a.attnotnull
       AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_index i
                        WHERE i.indrelid = a.attrelid AND i.indisprimary AND a.attnum = ANY (i.indkey))
  LOOP
    EXECUTE format('ALTER TABLE %s ALTER COLUMN %I DROP NOT NULL', item.relation, item.attname);
  END LOOP;
END $$;

ALTER TABLE public.customers
  ALTER COLUMN id SET DEFAULT gen_random_uuid(), ALTER COLUMN created_at SET DEFAULT now(),
  ADD CONSTRAINT customers_user_id_key UNIQUE (user_id),
  ADD CONSTRAINT customers_stripe_customer_id_key UNIQUE (stripe_customer_id),
  -- Integer baisa; the sum of the customer's ledger. The floor lets an adopted debt stand, and never lets one grow.
  ADD COLUMN balance_baisa bigint NOT NULL DEFAULT 0,
  ADD COLUMN balance_floor_baisa bigint NOT NULL DEFAULT 0;
ALTER TABLE public.subscriptions
  ALTER COLUMN id SET DEFAULT gen_random_uuid(), ALTER COLUMN status SET DEFAULT 'active',
  ALTER COLUMN created_at SET DEFAULT now(), ALTER COLUMN updated_at SET DEFAULT now(),
  ADD CONSTRAINT subscriptions_stripe_subscription_id_key UNIQUE (stripe_subscription_id),
  ADD CONSTRAINT subscriptions_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES public.customers (id) NOT VALID,
  ADD COLUMN order_id uuid,
  ADD COLUMN price_baisa bigint;
ALTER TABLE public.orders
  ALTER COLUMN id SET DEFAULT gen_random_uuid(), ALTER COLUMN apps SET DEFAULT '[]', ALTER COLUMN addons SET DEFAULT '[]',
  ALTER COLUMN amount_baisa SET DEFAULT 0, ALTER COLUMN status SET DEFAULT 'pending', ALTER COLUMN created_at SET DEFAULT now(),
  ADD CONSTRAINT orders_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES public.customers (id) NOT VALID,
  -- What the customer's credit paid of the amount; null on adopted orders, where nobody wrote it down.
  ADD COLUMN credit_spent_baisa bigint,
  ADD COLUMN adopted boolean NOT NULL DEFAULT true;
ALTER TABLE public.invoices
  ALTER COLUMN id SET DEFAULT gen_random_uuid(), ALTER COLUMN currency SET DEFAULT 'omr',
  ALTER COLUMN status SET DEFAULT 'draft', ALTER COLUMN created_at SET DEFAULT now(),
  ADD CONSTRAINT invoices_stripe_invoice_id_key UNIQUE (stripe_invoice_id),
  ADD CONSTRAINT invoices_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES public.customers (id) NOT VALID;
ALTER TABLE public.stripe_webhook_events
  ALTER COLUMN processed_at SET DEFAULT now(), ALTER COLUMN status SET DEFAULT 'processed';
ALTER TABLE public.settings
  ALTER COLUMN id SET DEFAULT 1, ALTER COLUMN stripe_secret_key SET DEFAULT '', ALTER COLUMN stripe_webhook_secret SET DEFAULT '',
  ALTER COLUMN stripe_public_key SET DEFAULT '', ALTER COLUMN updated_at SET DEFAULT now();
ALTER TABLE public.promo_codes
  ALTER COLUMN description SET DEFAULT '', ALTER COLUMN active SET DEFAULT true, ALTER COLUMN max_redemptions SET DEFAULT 0,
  ALTER COLUMN times_redeemed SET DEFAULT 0, ALTER COLUMN created_at SET DEFAULT now(),
  ADD COLUMN starts_at timestamptz,
  ADD COLUMN expires_at timestamptz,
  -- `issuer:subject` of the token that issued it last; null for adopted codes.
  ADD COLUMN issued_by text,
  ADD COLUMN adopted boolean NOT NULL DEFAULT true,
  -- By how much the counter of an adopted code exceeded its edges on the day of adoption.
  ADD COLUMN adopted_excess bigint NOT NULL DEFAULT 0;
ALTER TABLE public.credit_ledger
  ALTER COLUMN id SET DEFAULT gen_random_uuid(), ALTER COLUMN created_at SET DEFAULT now(), ALTER COLUMN status SET DEFAULT 'active',
  ADD CONSTRAINT credit_ledger_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES public.customers (id) NOT VALID,
  -- The truth; amount_omr keeps the whole part for older readers. Null on adopted rows, whose truth is amount_omr: no table
  -- of a million rows is rewritten for what a multiplication says.
  ADD COLUMN amount_baisa bigint,
  ADD COLUMN kind text,
  ADD COLUMN promo_code text,
  ADD COLUMN adopted boolean NOT NULL DEFAULT true;
ALTER TABLE public.promo_redemptions
  ALTER COLUMN created_at SET DEFAULT now(),
  ADD CONSTRAINT promo_redemptions_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES public.customers (id) NOT VALID,
  ADD CONSTRAINT promo_redemptions_code_fkey FOREIGN KEY (code) REFERENCES public.promo_codes (code) NOT VALID,
  -- What this redemption granted, whatever the code is worth later; null on adopted edges.
  ADD COLUMN amount_baisa bigint,
  ADD COLUMN order_id uuid,
  ADD COLUMN issued_by text,
  ADD COLUMN adopted boolean NOT NULL DEFAULT true;

-- Every row that is there now is adopted, every later one is not: without touching a row.
ALTER TABLE public.orders ALTER COLUMN adopted SET DEFAULT false;
ALTER TABLE public.promo_codes ALTER COLUMN adopted SET DEFAULT false;
ALTER TABLE public.credit_ledger ALTER COLUMN adopted SET DEFAULT false;
ALTER TABLE public.promo_redemptions ALTER COLUMN adopted SET DEFAULT false;

-- From here on a row that breaks these is refused, also one of the earlier service while it still runs. Old rows are
-- not judged.
ALTER TABLE public.customers
  ADD CONSTRAINT customers_identity_check CHECK (user_id IS NOT NULL AND tenant_id IS NOT NULL AND email IS NOT NULL) NOT VALID,
  ADD CONSTRAINT customers_balance_check CHECK (balance_baisa >= balance_floor_baisa AND balance_baisa <= 9007199254740991) NOT VALID,
  ADD CONSTRAINT customers_balance_floor_check CHECK (balance_floor_baisa <= 0) NOT VALID;
ALTER TABLE public.promo_codes
  ADD CONSTRAINT promo_codes_shape_check CHECK (adopted OR (
    code COLLATE "C" ~ '^[A-Z0-9][A-Z0-9_-]{2,63}$' AND credit_omr IS NOT NULL AND credit_omr > 0
    AND description IS NOT NULL AND active IS NOT NULL AND created_at IS NOT NULL
    AND max_redemptions IS NOT NULL AND max_redemptions >= 0 AND times_redeemed IS NOT NULL AND times_redeemed >= 0)) NOT VALID,
  ADD CONSTRAINT promo_codes_dates_check CHECK (starts_at < expires_at) NOT VALID;
ALTER TABLE public.promo_redemptions
  ADD CONSTRAINT promo_redemptions_grant_check CHECK (adopted OR (
    amount_baisa IS NOT NULL AND amount_baisa > 0 AND order_id IS NOT NULL)) NOT VALID,
  ADD CONSTRAINT promo_redemptions_order_id_fkey FOREIGN KEY (order_id) REFERENCES public.orders (id) NOT VALID;
ALTER TABLE public.credit_ledger
  ADD CONSTRAINT credit_ledger_entry_check CHECK (adopted OR (
    customer_id IS NOT NULL AND amount_baisa IS NOT NULL AND amount_baisa <> 0 AND amount_omr = trunc(amount_baisa / 1000.0)
    AND order_id IS NOT NULL
    AND ((kind = 'grant' AND amount_baisa > 0 AND promo_code IS NOT NULL)
      OR (kind = 'spend' AND amount_baisa < 0) OR (kind = 'release' AND amount_baisa > 0))
  )) NOT VALID;
ALTER TABLE public.orders
  ADD CONSTRAINT orders_amount_check CHECK (adopted OR (
    customer_id IS NOT NULL AND amount_baisa >= 0 AND amount_omr = trunc(amount_baisa / 1000.0)
    AND credit_spent_baisa IS NOT NULL AND credit_spent_baisa BETWEEN 0 AND amount_baisa)
  ) NOT VALID;
ALTER TABLE public.subscriptions
  ADD CONSTRAINT subscriptions_order_id_fkey FOREIGN KEY (order_id) REFERENCES public.orders (id) NOT VALID,
  ADD CONSTRAINT subscriptions_price_check CHECK (price_baisa >= 0) NOT VALID;

-- A tenant belongs to the customer who first ordered for it.
CREATE TABLE public.tenants (
  tenant_id text PRIMARY KEY,
  customer_id uuid NOT NULL REFERENCES public.customers (id),
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE public.idempotency_records (
  user_id text NOT NULL,
  key text NOT NULL,
  request_hash text NOT NULL,
  answer json NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (user_id, key)
);
-- One row for each event and each sink it must reach.
CREATE TABLE public.outbox (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  event_id uuid NOT NULL,
  sink text NOT NULL,
  type text NOT NULL,
  tenant_id text NOT NULL,
  payload jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  attempts int NOT NULL DEFAULT 0,
  next_attempt_at timestamptz NOT NULL DEFAULT now(),
  last_error text,
  delivered_at timestamptz
);
CREATE TABLE public.voucher_audit (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  code text NOT NULL,
  action text NOT NULL,
  actor text NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  before jsonb,
  after jsonb
);
-- What adoption found and left as it was.
CREATE TABLE public.adoption_findings (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind text NOT NULL,
  row_count bigint NOT NULL,
  samples jsonb NOT NULL,
  remedy text NOT NULL,
  found_at timestamptz NOT NULL DEFAULT now()
);
