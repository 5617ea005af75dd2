-- Events that reach us: one row for each that was handled, written in the transaction of its effects.
CREATE TABLE public.handled_events (
  topic text NOT NULL,
  event_id text NOT NULL,
  type text NOT NULL,
  tenant_id text NOT NULL,
  -- How many rows of each kind it changed.
  effects jsonb NOT NULL,
  handled_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (topic, event_id)
);
CREATE INDEX customers_tenant_idx ON public.customers USING hash (tenant_id);

-- The outbox is read in its own order. Only rows that failed hold up their tenant, and they are few: a checkout writes
-- as many indexes as before.
DROP INDEX public.outbox_pending_idx;
CREATE INDEX outbox_order_idx ON public.outbox (sink, id) WHERE delivered_at IS NULL;
CREATE INDEX outbox_failed_idx ON public.outbox (sink, tenant_id, id) WHERE delivered_at IS NULL AND attempts > 0;
CREATE INDEX outbox_delivered_idx ON public.outbox (delivered_at) WHERE delivered_at IS NOT NULL;

-- The tenant was deleted, and the payment processor has not been told yet that its subscription ends.
ALTER TABLE public.subscriptions ADD COLUMN cancel_due boolean NOT NULL DEFAULT false;
CREATE INDEX subscriptions_cancel_due_idx ON public.subscriptions (id) WHERE cancel_due;
