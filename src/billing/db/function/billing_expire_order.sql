-- Ends a pending order whose session expired: the customer gets the reserved credit back, and the voucher stays redeemed. If the
-- customer canceled the order, its status is canceled, and billing_release_order releases it. p_session_id is null for a canceled order
-- without a session. An open order of the earlier service is found by its session, or by its id if it was canceled and
-- has no session. It holds neither credit nor voucher. False: no order changed.
CREATE OR REPLACE FUNCTION public.billing_expire_order(p_order_id uuid, p_session_id text) RETURNS boolean
LANGUAGE plpgsql SET search_path = public, pg_catalog AS $$
DECLARE
  v_order CONSTANT orders := billing_lock_order(p_order_id);
  v_has_adopted boolean;
BEGIN
  UPDATE orders o SET status = CASE WHEN o.cancel_requested THEN 'canceled' ELSE 'expired' END
   WHERE o.adopted AND o.status = 'pending'
     AND (o.stripe_session_id = p_session_id
          OR (o.id = p_order_id AND o.cancel_requested AND p_session_id IS NULL AND coalesce(o.stripe_session_id, '') = ''));
  v_has_adopted := FOUND;
  IF v_order.status IS DISTINCT FROM 'pending' OR v_order.stripe_session_id IS DISTINCT FROM p_session_id THEN RETURN v_has_adopted; END IF;
  IF v_order.cancel_requested THEN
    PERFORM billing_release_order(v_order, 'canceled', 'was canceled');
  ELSIF p_session_id IS NOT NULL THEN
    UPDATE orders o SET status = 'expired', credit_spent_baisa = 0 WHERE o.id = v_order.id;
    PERFORM billing_book(v_order, 'release', v_order.credit_spent_baisa, 'order ' || v_order.id || ' was not paid in time');
  ELSE
    RETURN v_has_adopted;
  END IF;
  RETURN true;
END $$;
