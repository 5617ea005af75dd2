-- The tables of the earlier service, as that service creates them. On a database of the earlier service, each statement changes
-- nothing.
CREATE TABLE IF NOT EXISTS public.customers (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id text UNIQUE NOT NULL,
  tenant_id text NOT NULL,
  stripe_customer_id text UNIQUE,
  email text NOT NULL,
  created_at timestamptz DEFAULT now()
);
CREATE TABLE IF NOT EXISTS public.subscriptions (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  customer_id uuid REFERENCES public.customers (id),
  tenant_id text,
  stripe_subscription_id text UNIQUE,
  plan_id text,
  status text DEFAULT 'active',
  current_period_start timestamptz,
  current_period_end timestamptz,
  created_at timestamptz DEFAULT now(),
  updated_at timestamptz DEFAULT now()
);
CREATE TABLE IF NOT EXISTS public.orders (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  customer_id uuid REFERENCES public.customers (id),
  tenant_id text,
  plan_id text,
  apps jsonb DEFAULT '[]',
  addons jsonb DEFAULT '[]',
  amount_omr int,
  amount_baisa bigint DEFAULT 0,
  status text DEFAULT 'pending',
  stripe_session_id text,
  created_at timestamptz DEFAULT now(),
  promo_code text
);
CREATE TABLE IF NOT EXISTS public.invoices (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  customer_id uuid REFERENCES public.customers (id),
  tenant_id text,
  stripe_invoice_id text UNIQUE,
  amount_omr int,
  amount_baisa bigint,
  currency text DEFAULT 'omr',
  status text DEFAULT 'draft',
  period_start timestamptz,
  period_end timestamptz,
  pdf_url text,
  created_at timestamptz DEFAULT now()
);
CREATE TABLE IF NOT EXISTS public.stripe_webhook_events (
  event_id text PRIMARY KEY,
  event_type text,
  processed_at timestamptz DEFAULT now(),
  status text DEFAULT 'processed'
);
CREATE TABLE IF NOT EXISTS public.settings (
  id int PRIMARY KEY DEFAULT 1,
  stripe_secret_key text DEFAULT '',
  stripe_webhook_secret text DEFAULT '',
  stripe_public_key text DEFAULT '',
  updated_at timestamptz DEFAULT now()
);
CREATE TABLE IF NOT EXISTS public.promo_codes (
  code text PRIMARY KEY,
  credit_omr int,
  description text DEFAULT '',
  active bool DEFAULT true,
  max_redemptions int DEFAULT 0,
  times_redeemed int DEFAULT 0,
  created_at timestamptz DEFAULT now(),
  deleted_at timestamptz
);
CREATE TABLE IF NOT EXISTS public.credit_ledger (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  customer_id uuid REFERENCES public.customers (id),
  amount_omr int,
  reason text,
  order_id text,
  created_at timestamptz DEFAULT now(),
  status text DEFAULT 'active'
);
CREATE TABLE IF NOT EXISTS public.promo_redemptions (
  customer_id uuid REFERENCES public.customers (id),
  code text REFERENCES public.promo_codes (code),
  created_at timestamptz DEFAULT now(),
  PRIMARY KEY (customer_id, code)
);
