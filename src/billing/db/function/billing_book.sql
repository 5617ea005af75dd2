-- Writes one ledger entry of an order's settlement and changes the balance by the same amount. Writes nothing for 0.
CREATE OR REPLACE FUNCTION public.billing_book(p_order public.orders, p_kind text, p_amount_baisa bigint, p_reason text) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_catalog AS $$
BEGIN
  IF p_amount_baisa = 0 THEN RETURN; END IF;
  INSERT INTO credit_ledger (customer_id, amount_omr, amount_baisa, kind, reason, promo_code, order_id)
  VALUES (p_order.customer_id, (p_amount_baisa / 1000)::int, p_amount_baisa, p_kind, p_reason,
          CASE WHEN p_kind = 'undo' THEN p_order.promo_code END, p_order.id::text);
  UPDATE customers c
     SET balance_baisa = c.balance_baisa + p_amount_baisa, balance_floor_baisa = least(c.balance_baisa + p_amount_baisa, 0)
   WHERE c.id = p_order.customer_id;
END $$;
