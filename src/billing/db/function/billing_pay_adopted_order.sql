-- Settles an order of the earlier service, which is found by its session. The session opened a subscription at Stripe, which continues,
-- so its id is kept. If Stripe ended the subscription before, the row shows that. If the order was canceled or expired, or its tenant
-- belongs to another customer by now, the payment becomes credit, and the sweeper cancels the subscription at Stripe. The row then
-- names no tenant, so the tenant's owner does not see it.
--   returns  paid | credited | null (no such order waits for a payment)
CREATE OR REPLACE FUNCTION public.billing_pay_adopted_order(
  p_session_id text, p_paid_baisa bigint, p_subscription_id text, p_said_at timestamptz, p_sovereign text, p_sinks text[]
) RETURNS text
LANGUAGE plpgsql SET search_path = public, pg_catalog AS $$
DECLARE
  v_order orders;
  v_result text;
BEGIN
  PERFORM FROM customers c JOIN orders o ON o.customer_id = c.id
    WHERE o.stripe_session_id = p_session_id AND o.adopted AND o.status IN ('pending', 'expired', 'canceled')
    ORDER BY c.id FOR NO KEY UPDATE OF c;
  -- An event about the subscription that arrives at the same time finds either the row below, or nothing yet.
  PERFORM pg_advisory_xact_lock(hashtextextended(p_subscription_id, 6));
  FOR v_order IN
    SELECT * FROM orders o
     WHERE o.stripe_session_id = p_session_id AND o.adopted AND o.status IN ('pending', 'expired', 'canceled')
     ORDER BY o.id FOR NO KEY UPDATE
  LOOP
    v_result := CASE WHEN v_order.status = 'pending' AND billing_claim_tenant(v_order) THEN 'paid' ELSE 'credited' END;
    UPDATE orders o SET status = v_result WHERE o.id = v_order.id;
    INSERT INTO subscriptions (customer_id, tenant_id, plan_id, order_id, price_baisa, stripe_subscription_id, stripe_event_at,
                               status, cancel_due, current_period_start, current_period_end)
    SELECT v_order.customer_id, CASE v_result WHEN 'paid' THEN v_order.tenant_id END, v_order.plan_id, CASE v_result WHEN 'paid' THEN v_order.id END, billing_amount_baisa(v_order), p_subscription_id,
           greatest(early.said_at, p_said_at), CASE
             WHEN v_result = 'credited' THEN 'canceled'
             WHEN early.status IN ('canceled', 'incomplete_expired') THEN early.status
             WHEN early.status <> 'incomplete' AND early.said_at >= p_said_at THEN early.status
             ELSE 'active' END,
           v_result = 'credited' AND p_subscription_id IS NOT NULL AND coalesce(early.status, '') NOT IN ('canceled', 'incomplete_expired'),
           coalesce(early.current_period_start, now()), coalesce(early.current_period_end, now() + interval '1 month')
      FROM (SELECT 1) AS one LEFT JOIN stripe_subscription_states early ON early.stripe_subscription_id = p_subscription_id
     WHERE v_result = 'paid' OR p_subscription_id IS NOT NULL
        ON CONFLICT (stripe_subscription_id) DO NOTHING;
    IF v_result = 'paid' THEN
      -- Invoices that arrived before this payment.
      UPDATE invoices i SET tenant_id = v_order.tenant_id
       WHERE i.stripe_subscription_id = p_subscription_id AND i.customer_id = v_order.customer_id;
      PERFORM billing_fulfil_orders(ARRAY[v_order.id], p_sovereign, p_sinks);
    ELSIF v_order.customer_id IS NOT NULL THEN
      PERFORM billing_book(v_order, 'surplus', p_paid_baisa, 'payment for order ' || v_order.id || ', which was not placed');
    END IF;
  END LOOP;
  RETURN v_result;
END $$;
