-- Settles an order for which the card paid. The payment becomes credit if the order had already ended, the payment is too small, or the
-- tenant belongs to another customer by now.
--   p_subscription_id  Stripe's subscription, of a session that the earlier service opened
--   p_said_at          the time of Stripe's event or answer
--   returns            paid | credited | unknown (no order of ours, or paid before)
CREATE OR REPLACE FUNCTION public.billing_pay_order(
  p_order_id uuid, p_session_id text, p_paid_baisa bigint, p_stripe_customer_id text, p_subscription_id text, p_said_at timestamptz,
  p_sovereign text, p_sinks text[]
) RETURNS text
LANGUAGE plpgsql SET search_path = public, pg_catalog AS $$
DECLARE
  v_order CONSTANT orders := billing_lock_order(p_order_id);
  v_adopted CONSTANT text := billing_pay_adopted_order(p_session_id, p_paid_baisa, p_subscription_id, p_said_at, p_sovereign, p_sinks);
BEGIN
  UPDATE orders o SET stripe_customer_due = p_stripe_customer_id
   WHERE v_adopted IS NOT NULL AND o.stripe_session_id = p_session_id AND o.adopted;
  IF v_adopted IS NOT NULL THEN RETURN v_adopted; END IF;
  IF v_order.id IS NULL OR v_order.status NOT IN ('pending', 'expired', 'canceled', 'failed')
     OR coalesce(v_order.stripe_session_id, p_session_id) <> p_session_id THEN
    RETURN 'unknown';
  END IF;
  UPDATE orders o SET stripe_customer_due = p_stripe_customer_id WHERE o.id = v_order.id;
  UPDATE customers c SET stripe_customer_id = p_stripe_customer_id
   WHERE c.id = v_order.customer_id AND c.stripe_customer_id IS NULL
     AND NOT EXISTS (SELECT 1 FROM customers other WHERE other.stripe_customer_id = p_stripe_customer_id);
  IF v_order.status <> 'pending' OR v_order.credit_spent_baisa + p_paid_baisa < v_order.amount_baisa OR NOT billing_claim_tenant(v_order) THEN
    UPDATE orders o SET status = 'credited', credit_spent_baisa = 0, stripe_session_id = p_session_id WHERE o.id = v_order.id;
    -- 0 if the order was given up before: its credit has been released already.
    PERFORM billing_book(v_order, 'release', v_order.credit_spent_baisa, 'order ' || v_order.id || ' was not placed');
    PERFORM billing_book(v_order, 'surplus', p_paid_baisa, 'payment for order ' || v_order.id || ', which was not placed');
    RETURN 'credited';
  END IF;
  UPDATE orders o SET status = 'paid', stripe_session_id = p_session_id WHERE o.id = v_order.id;
  PERFORM billing_book(v_order, 'surplus', v_order.credit_spent_baisa + p_paid_baisa - v_order.amount_baisa,
                       'paid above order ' || v_order.id);
  PERFORM billing_fulfil_orders(ARRAY[v_order.id], p_sovereign, p_sinks);
  RETURN 'paid';
END $$;
