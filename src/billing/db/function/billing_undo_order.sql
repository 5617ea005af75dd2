-- Undoes a pending order for which no session was created. Voucher, credit and idempotency key are as before. The order stays, as
-- failed, and so do its ledger entries. False: there is nothing to undo.
CREATE OR REPLACE FUNCTION public.billing_undo_order(p_order_id uuid) RETURNS boolean
LANGUAGE plpgsql SET search_path = public, pg_catalog AS $$
DECLARE
  v_order CONSTANT orders := billing_lock_order(p_order_id);
  v_granted_baisa bigint;
BEGIN
  IF v_order.status IS DISTINCT FROM 'pending' OR v_order.stripe_session_id IS NOT NULL THEN RETURN false; END IF;
  UPDATE promo_codes p SET times_redeemed = p.times_redeemed - 1 WHERE p.code = v_order.promo_code;
  DELETE FROM promo_redemptions e WHERE e.order_id = v_order.id RETURNING e.amount_baisa INTO v_granted_baisa;
  UPDATE orders o SET status = 'failed', credit_spent_baisa = 0 WHERE o.id = v_order.id;
  DELETE FROM idempotency_records r USING customers c
   WHERE c.id = v_order.customer_id AND r.user_id = c.user_id AND r.answer ->> 'order_id' = v_order.id::text;
  PERFORM billing_book(v_order, 'release', v_order.credit_spent_baisa, 'order ' || v_order.id || ' was not placed');
  PERFORM billing_book(v_order, 'undo', -coalesce(v_granted_baisa, 0), 'voucher ' || v_order.promo_code || ' not redeemed');
  -- The tenant is free again if only this order had claimed it.
  DELETE FROM tenants t
   WHERE t.tenant_id = v_order.tenant_id AND t.customer_id = v_order.customer_id
     AND NOT EXISTS (SELECT 1 FROM orders o WHERE o.tenant_id = t.tenant_id AND coalesce(o.status, '') <> 'failed')
     AND NOT EXISTS (SELECT 1 FROM subscriptions s WHERE s.tenant_id = t.tenant_id)
     AND NOT EXISTS (SELECT 1 FROM invoices i WHERE i.tenant_id = t.tenant_id);
  RETURN true;
END $$;
