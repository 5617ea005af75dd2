-- Undoes a pending order for which no session was created, as billing_release_order does. The idempotency key is free again. False:
-- there is nothing to undo.
CREATE OR REPLACE FUNCTION public.billing_undo_order(p_order_id uuid) RETURNS boolean
LANGUAGE plpgsql SET search_path = public, pg_catalog AS $$
DECLARE
  v_order CONSTANT orders := billing_lock_order(p_order_id);
BEGIN
  IF v_order.status IS DISTINCT FROM 'pending' OR v_order.stripe_session_id IS NOT NULL THEN RETURN false; END IF;
  PERFORM billing_release_order(v_order, 'failed', 'was not placed');
  DELETE FROM idempotency_records r USING customers c
   WHERE c.id = v_order.customer_id AND r.user_id = c.user_id AND r.answer ->> 'order_id' = v_order.id::text;
  RETURN true;
END $$;
