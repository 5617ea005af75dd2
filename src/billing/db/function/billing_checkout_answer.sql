-- The answer to a checkout, and to a repeated request with its idempotency key. The transaction id distinguishes the first answer
-- from a repeated one.
CREATE OR REPLACE FUNCTION public.billing_checkout_answer(l public.billing_checkout_line) RETURNS json LANGUAGE sql STABLE AS $$
  SELECT json_build_object('outcome', CASE l.outcome WHEN 'same' THEN 'pending' ELSE l.outcome END, 'order_id', l.order_id, 'voucher', l.code, 'card_baisa', l.card_baisa,
                           'balance_baisa', l.balance_baisa + l.credit_baisa - l.spent_baisa, 'transaction', pg_current_xact_id()::text)
$$;
