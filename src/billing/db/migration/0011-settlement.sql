-- When the sweeper asks the payment processor again about a pending order's session; null: a minute after that is over. Each
-- question puts it off, so that a session which never ends holds up no other.
LOCK TABLE public.orders, public.invoices, public.stripe_webhook_events IN ACCESS EXCLUSIVE MODE;
ALTER TABLE public.orders ADD COLUMN session_look_at timestamptz;
CREATE INDEX orders_look_idx ON public.orders (coalesce(session_look_at, session_expires_at))
  WHERE status = 'pending' AND NOT adopted AND stripe_session_id IS NOT NULL;

-- Stripe's own word, in one spelling.
UPDATE public.invoices SET status = 'void' WHERE status = 'voided';

-- Events are forgotten by their age.
CREATE INDEX stripe_webhook_events_processed_idx ON public.stripe_webhook_events (processed_at);

-- As before, and in which transaction it was said: whoever asked first is told apart from whoever asks again.
CREATE OR REPLACE FUNCTION public.billing_checkout_answer(l public.billing_checkout_line) RETURNS json LANGUAGE sql STABLE AS $$
  SELECT json_build_object('outcome', l.outcome, 'order_id', l.order_id, 'voucher', l.code, 'card_baisa', l.card_baisa,
                           'balance_baisa', l.balance_baisa + l.credit_baisa - l.spent_baisa, 'transaction', pg_current_xact_id()::text)
$$;
