-- As before, and in which transaction it was said: whoever asked first is told apart from whoever asks again.
CREATE OR REPLACE FUNCTION public.billing_checkout_answer(l public.billing_checkout_line) RETURNS json LANGUAGE sql STABLE AS $$
  SELECT json_build_object('outcome', l.outcome, 'order_id', l.order_id, 'voucher', l.code, 'card_baisa', l.card_baisa,
                           'balance_baisa', l.balance_baisa + l.credit_baisa - l.spent_baisa, 'transaction', pg_current_xact_id()::text)
$$;
