-- Locks the customer, then the order, and returns the order as it is after that. Null: it does not exist, or was adopted.
CREATE OR REPLACE FUNCTION public.billing_lock_order(p_order_id uuid) RETURNS public.orders
LANGUAGE plpgsql SET search_path = public, pg_catalog AS $$
DECLARE
  v_order orders;
BEGIN
  PERFORM FROM customers c JOIN orders o ON o.customer_id = c.id WHERE o.id = p_order_id AND NOT o.adopted FOR NO KEY UPDATE OF c;
  SELECT * INTO v_order FROM orders o WHERE o.id = p_order_id AND NOT o.adopted FOR NO KEY UPDATE;
  RETURN v_order;
END $$;
