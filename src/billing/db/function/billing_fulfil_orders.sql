-- For each paid order, creates its subscription and one event for each sink. billing_pay_adopted_order has created the subscription of
-- an adopted order. Sequential scans are off, and customers are looked up one by one, as in billing_checkout.
CREATE OR REPLACE FUNCTION public.billing_fulfil_orders(p_order_ids uuid[], p_sovereign text, p_sinks text[]) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_catalog SET enable_seqscan = off AS $$
BEGIN
  INSERT INTO subscriptions (customer_id, tenant_id, plan_id, status, order_id, price_baisa, current_period_start, current_period_end)
  SELECT o.customer_id, o.tenant_id, o.plan_id, 'active', o.id, billing_amount_baisa(o), now(), now() + interval '1 month'
    FROM orders o WHERE o.id = ANY (p_order_ids) AND NOT o.adopted;
  -- An adopted order may name no tenant. There is no event for it then.
  INSERT INTO outbox (event_id, sink, type, tenant_id, payload)
  SELECT o.id, sink, 'order.placed', o.tenant_id, jsonb_build_object(
           'id', o.id, 'customer_id', o.customer_id, 'tenant_id', o.tenant_id, 'plan_id', o.plan_id,
           'apps', o.apps, 'addons', o.addons, 'amount_omr', o.amount_omr, 'amount_baisa', billing_amount_baisa(o),
           'status', o.status, 'promo_code', o.promo_code, 'user_id', c.user_id, 'email', c.email, 'sovereign', p_sovereign)
    FROM orders o
    CROSS JOIN LATERAL (SELECT c.user_id, c.email FROM customers c WHERE c.id = o.customer_id LIMIT 1) c
    CROSS JOIN unnest(p_sinks) AS sink
   WHERE o.id = ANY (p_order_ids) AND o.tenant_id IS NOT NULL;
END $$;
