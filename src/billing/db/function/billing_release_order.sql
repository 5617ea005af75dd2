-- Releases everything that a pending order holds: it returns the reserved credit to the customer, and undoes the redemption. If the
-- customer has spent a part of the voucher's credit on another order, the redemption stays. An expired order keeps its redemption too.
-- The order stays, with the given status, and so do its ledger entries. The caller has locked the customer and the order.
CREATE OR REPLACE FUNCTION public.billing_release_order(p_order public.orders, p_status text, p_reason text) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_catalog AS $$
DECLARE
  v_granted_baisa bigint;
BEGIN
  UPDATE orders o SET status = p_status, credit_spent_baisa = 0 WHERE o.id = p_order.id;
  PERFORM billing_book(p_order, 'release', p_order.credit_spent_baisa, 'order ' || p_order.id || ' ' || p_reason);
  IF billing_is_grant_spent(p_order.id, p_order.customer_id, NULL, ARRAY[p_order.id]) THEN RETURN; END IF;
  UPDATE promo_codes p SET times_redeemed = p.times_redeemed - 1 WHERE p.code = p_order.promo_code;
  DELETE FROM promo_redemptions e WHERE e.order_id = p_order.id RETURNING e.amount_baisa INTO v_granted_baisa;
  PERFORM billing_book(p_order, 'undo', -coalesce(v_granted_baisa, 0), 'voucher ' || p_order.promo_code || ' not redeemed');
END $$;
