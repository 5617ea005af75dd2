-- The functions that settle a pending order, and the guard of the ledger. Each is the text of src/billing/db/function/<name>.sql.

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

-- Assigns the tenant of a paid order to the order's customer, unless the tenant belongs to a customer already. True: the order may be
-- placed for this tenant, because it is the customer's, or because the tenant service named the customer as a member. True also for
-- an adopted order that names no tenant or no customer, or has a tenant id that does not fit the primary key of tenants.
CREATE OR REPLACE FUNCTION public.billing_claim_tenant(p_order public.orders) RETURNS boolean
LANGUAGE plpgsql SET search_path = public, pg_catalog AS $$
BEGIN
  IF coalesce(p_order.tenant_id, '') = '' OR octet_length(p_order.tenant_id) > 1024 OR p_order.customer_id IS NULL THEN RETURN true; END IF;
  INSERT INTO tenants (tenant_id, customer_id) VALUES (p_order.tenant_id, p_order.customer_id) ON CONFLICT (tenant_id) DO NOTHING;
  RETURN p_order.tenant_member OR EXISTS (
    SELECT FROM tenants t WHERE t.tenant_id = p_order.tenant_id AND t.customer_id = p_order.customer_id);
END $$;

-- Whether other orders of the customer have spent a part of the credit that a voucher granted to this order. Without this order's
-- entries, the balance is then below zero, and below the part of the debt from the earlier service that other orders leave unpaid.
-- What an order has added to the balance pays the debt off, whenever that was. What an order took from it makes the debt no larger.
--   p_before   only entries with a smaller key count; null: all
--   p_without  orders whose entries do not count, the order itself among them
CREATE OR REPLACE FUNCTION public.billing_is_grant_spent(p_order_id uuid, p_customer_id uuid, p_before uuid, p_without uuid[]) RETURNS boolean
LANGUAGE sql STABLE SET search_path = public, pg_catalog AS $$
  SELECT coalesce(sum(e.baisa), 0) < least(0, sum(e.baisa) FILTER (WHERE e.adopted OR e.baisa > 0))
    FROM (SELECT l.adopted, sum(coalesce(l.amount_baisa, l.amount_omr::bigint * 1000, 0)) AS baisa FROM credit_ledger l
           WHERE l.customer_id = p_customer_id AND (l.adopted OR l.order_id <> ALL (p_without::text[]))
             AND (l.adopted OR p_before IS NULL OR l.id < p_before)
           GROUP BY l.adopted, CASE WHEN NOT l.adopted THEN l.order_id END) e
   WHERE EXISTS (SELECT 1 FROM credit_ledger l WHERE l.order_id = p_order_id::text AND l.kind = 'grant' AND NOT l.adopted)
$$;

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

-- Records the state of a subscription at Stripe from an event. The earlier service opened such subscriptions. Events arrive in any
-- order: the one with the latest time counts, and incomplete can only be the first. An ended subscription is final at Stripe, so an
-- event of its end counts whatever its time is, and no event counts after it.
-- The event may arrive before the one that completes the session. The state is then stored for billing_pay_adopted_order.
--   p_is_answer  the state is Stripe's answer, or the event's own where Stripe cannot be asked; it counts against an event of the
--                same second
--   returns      applied (a subscription of ours changed) | ignored | undecided (another event of the same second differs: ask Stripe)
CREATE OR REPLACE FUNCTION public.billing_record_subscription(
  p_subscription_id text, p_status text, p_period_start timestamptz, p_period_end timestamptz, p_said_at timestamptz, p_is_answer boolean
) RETURNS text
LANGUAGE plpgsql SET search_path = public, pg_catalog AS $$
DECLARE
  v_is_ours boolean;
  v_known record;
  v_start timestamptz := p_period_start;
  v_end timestamptz := p_period_end;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(p_subscription_id, 6));
  SELECT s.status, s.current_period_start AS period_start, s.current_period_end AS period_end, s.stripe_event_at AS said_at INTO v_known
    FROM subscriptions s WHERE s.stripe_subscription_id = p_subscription_id FOR NO KEY UPDATE;
  v_is_ours := FOUND;
  IF NOT v_is_ours THEN
    SELECT e.status, e.current_period_start AS period_start, e.current_period_end AS period_end, e.said_at INTO v_known
      FROM stripe_subscription_states e WHERE e.stripe_subscription_id = p_subscription_id;
  END IF;
  IF v_is_ours OR FOUND THEN
    IF v_known.status IN ('canceled', 'incomplete_expired') OR (p_status = 'incomplete' AND v_known.status IS DISTINCT FROM 'incomplete') THEN
      RETURN 'ignored';
    END IF;
    IF v_known.said_at IS NOT NULL AND (v_known.said_at <= p_said_at) IS NOT TRUE THEN
      IF p_status NOT IN ('canceled', 'incomplete_expired') THEN RETURN 'ignored'; END IF;
      v_start := v_known.period_start;
      v_end := v_known.period_end;
    END IF;
    v_start := coalesce(v_start, v_known.period_start);
    v_end := coalesce(v_end, v_known.period_end);
    IF v_known.said_at = p_said_at AND NOT p_is_answer AND p_status NOT IN ('canceled', 'incomplete_expired')
       AND (v_known.status, v_known.period_start, v_known.period_end) IS DISTINCT FROM (p_status, v_start, v_end) THEN
      RETURN 'undecided';
    END IF;
  END IF;
  UPDATE subscriptions s
     SET status = p_status, current_period_start = v_start, current_period_end = v_end,
         stripe_event_at = greatest(s.stripe_event_at, p_said_at), updated_at = now()
   WHERE v_is_ours AND s.stripe_subscription_id = p_subscription_id;
  IF v_is_ours THEN RETURN 'applied'; END IF;
  INSERT INTO stripe_subscription_states AS e (stripe_subscription_id, status, current_period_start, current_period_end, said_at)
  VALUES (p_subscription_id, p_status, v_start, v_end, p_said_at)
      ON CONFLICT (stripe_subscription_id) DO UPDATE
     SET status = EXCLUDED.status, current_period_start = EXCLUDED.current_period_start, current_period_end = EXCLUDED.current_period_end,
         said_at = greatest(e.said_at, EXCLUDED.said_at), recorded_at = now();
  RETURN 'ignored';
END $$;

-- The trigger function that keeps credit_ledger append-only.
CREATE OR REPLACE FUNCTION public.billing_refuse_ledger_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'credit_ledger is append-only: write a new entry that reverses the old one' USING ERRCODE = 'CB003';
END $$;

-- `status` is not in the list: it changes when the tenant of an entry is deleted.
CREATE TRIGGER credit_ledger_append_only
  BEFORE DELETE OR UPDATE OF id, customer_id, amount_omr, amount_baisa, kind, reason, order_id, promo_code, created_at, adopted
  ON public.credit_ledger FOR EACH ROW EXECUTE FUNCTION public.billing_refuse_ledger_change();
CREATE TRIGGER credit_ledger_not_emptied BEFORE TRUNCATE
  ON public.credit_ledger FOR EACH STATEMENT EXECUTE FUNCTION public.billing_refuse_ledger_change();
