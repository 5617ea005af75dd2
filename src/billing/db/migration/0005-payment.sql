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

-- Settles an order for which the card paid. If the order had been given up, or the payment is too small, the payment becomes credit.
-- An order that the earlier service left open is found by its session.
--   returns  paid | credited | unknown (no order of ours, or paid before)
CREATE OR REPLACE FUNCTION public.billing_pay_order(
  p_order_id uuid, p_session_id text, p_paid_baisa bigint, p_stripe_customer_id text, p_sovereign text, p_sinks text[]
) RETURNS text
LANGUAGE plpgsql SET search_path = public, pg_catalog AS $$
DECLARE
  v_order CONSTANT orders := billing_lock_order(p_order_id);
  v_adopted_ids uuid[];
BEGIN
  WITH paid AS (
    UPDATE orders o SET status = 'paid' WHERE o.stripe_session_id = p_session_id AND o.adopted AND o.status = 'pending' RETURNING o.id
  ) SELECT array_agg(id) INTO v_adopted_ids FROM paid;
  IF v_adopted_ids IS NOT NULL THEN
    PERFORM billing_fulfil_orders(v_adopted_ids, p_sovereign, p_sinks);
    RETURN 'paid';
  END IF;
  IF v_order.id IS NULL OR v_order.status NOT IN ('pending', 'expired', 'failed')
     OR coalesce(v_order.stripe_session_id, p_session_id) <> p_session_id THEN
    RETURN 'unknown';
  END IF;
  UPDATE customers c SET stripe_customer_id = p_stripe_customer_id
   WHERE c.id = v_order.customer_id AND c.stripe_customer_id IS NULL
     AND NOT EXISTS (SELECT 1 FROM customers other WHERE other.stripe_customer_id = p_stripe_customer_id);
  IF v_order.status <> 'pending' OR v_order.credit_spent_baisa + p_paid_baisa < v_order.amount_baisa THEN
    UPDATE orders o SET status = 'credited', credit_spent_baisa = 0, stripe_session_id = p_session_id WHERE o.id = v_order.id;
    -- 0 if the order was given up before: its credit has been released already.
    PERFORM billing_book(v_order, 'release', v_order.credit_spent_baisa, 'order ' || v_order.id || ' was not paid in full');
    PERFORM billing_book(v_order, 'surplus', p_paid_baisa, 'payment for order ' || v_order.id || ', which was not placed');
    RETURN 'credited';
  END IF;
  UPDATE orders o SET status = 'paid', stripe_session_id = p_session_id WHERE o.id = v_order.id;
  PERFORM billing_book(v_order, 'surplus', v_order.credit_spent_baisa + p_paid_baisa - v_order.amount_baisa,
                       'paid above order ' || v_order.id);
  PERFORM billing_fulfil_orders(ARRAY[v_order.id], p_sovereign, p_sinks);
  RETURN 'paid';
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
