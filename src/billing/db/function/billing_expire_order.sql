-- Ends a pending order whose session expired: the customer gets the reserved credit back, and the voucher stays redeemed. An order
-- that the earlier service left open is found by its session and has reserved no credit. False: no order of ours changed.
CREATE OR REPLACE FUNCTION public.billing_expire_order(p_order_id uuid, p_session_id text) RETURNS boolean
LANGUAGE plpgsql SET search_path = public, pg_catalog AS $$
DECLARE
  v_order CONSTANT orders := billing_lock_order(p_order_id);
BEGIN
  UPDATE orders o SET status = 'expired' WHERE o.stripe_session_id = p_session_id AND o.adopted AND o.status = 'pending';
  IF v_order.status IS DISTINCT FROM 'pending' OR v_order.stripe_session_id IS DISTINCT FROM p_session_id THEN RETURN false; END IF;
  UPDATE orders o SET status = 'expired', credit_spent_baisa = 0 WHERE o.id = v_order.id;
  PERFORM billing_book(v_order, 'release', v_order.credit_spent_baisa, 'order ' || v_order.id || ' was not paid in time');
  RETURN true;
END $$;
