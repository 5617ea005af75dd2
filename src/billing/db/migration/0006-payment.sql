-- Orders that credit does not cover: placed as `pending` with their credit reserved, settled by what the payment processor
-- says. And checkouts go to the database together: one call, one transaction, one commit for all that wait.
--   orders.status  pending → paid | expired (its session ran out: credit given back, voucher stays redeemed)
--                          | failed (no session came to be: voucher and credit as before)
--                  credited: money came for an order that was given up, or too little of it, and is the customer's credit
LOCK TABLE public.credit_ledger, public.orders, public.subscriptions IN ACCESS EXCLUSIVE MODE;
ALTER TABLE public.orders
  -- What the payment processor is asked for; null where credit covers the order.
  ADD COLUMN card_baisa bigint,
  ADD COLUMN session_url text,
  ADD COLUMN session_expires_at timestamptz,
  ADD CONSTRAINT orders_card_check CHECK (card_baisa > 0) NOT VALID;
CREATE INDEX orders_pending_idx ON public.orders (created_at) WHERE status = 'pending' AND NOT adopted;
CREATE INDEX orders_session_idx ON public.orders USING hash (stripe_session_id);

-- When Stripe said what the row shows: events come in any order, and a later word counts.
ALTER TABLE public.subscriptions ADD COLUMN stripe_event_at timestamptz;

-- The ledger is append-only: what an order took and gave is taken back by entries of their own.
--   release  reserved credit comes back   undo     a grant goes back, its edge with it
--   surplus  the card paid more than was left to pay: rounding, or an order that had been given up
ALTER TABLE public.credit_ledger DROP CONSTRAINT credit_ledger_entry_check;
ALTER TABLE public.credit_ledger ADD CONSTRAINT credit_ledger_entry_check CHECK (adopted OR (
    customer_id IS NOT NULL AND amount_baisa IS NOT NULL AND amount_baisa <> 0 AND amount_omr = trunc(amount_baisa / 1000.0)
    AND order_id IS NOT NULL
    AND ((kind = 'grant' AND amount_baisa > 0 AND promo_code IS NOT NULL)
      OR (kind = 'undo' AND amount_baisa < 0 AND promo_code IS NOT NULL)
      OR (kind = 'spend' AND amount_baisa < 0) OR (kind IN ('release', 'surplus') AND amount_baisa > 0))
  )) NOT VALID;
CREATE FUNCTION public.billing_refuse_ledger_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'credit_ledger is append-only: write an entry that takes the other back' USING ERRCODE = 'CB003';
END $$;
-- `status` alone may change: the tenant of an entry was deleted.
CREATE TRIGGER credit_ledger_append_only
  BEFORE DELETE OR UPDATE OF id, customer_id, amount_omr, amount_baisa, kind, reason, order_id, promo_code, created_at, adopted
  ON public.credit_ledger FOR EACH ROW EXECUTE FUNCTION public.billing_refuse_ledger_change();
CREATE TRIGGER credit_ledger_not_emptied BEFORE TRUNCATE
  ON public.credit_ledger FOR EACH STATEMENT EXECUTE FUNCTION public.billing_refuse_ledger_change();

-- A voucher's standing, as before, and below what its counter can hold.
CREATE OR REPLACE FUNCTION public.billing_accepts_redemptions(voucher public.promo_codes, at timestamptz) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT coalesce(
    voucher.deleted_at IS NULL AND voucher.active AND voucher.credit_omr > 0
    AND (voucher.max_redemptions = 0 OR voucher.times_redeemed < voucher.max_redemptions)
    AND coalesce(voucher.times_redeemed, 0) < 2147483647
    AND (voucher.starts_at IS NULL OR voucher.starts_at <= at) AND (voucher.expires_at IS NULL OR at < voucher.expires_at),
    false)
$$;

-- One order on its way through billing_checkout: the first block is asked, the rest is found and decided.
CREATE TYPE public.billing_checkout_line AS (
  line int, user_id text, email text, tenant_id text, tenant_member boolean, plan_id text, apps jsonb, addons jsonb,
  total_baisa bigint, voucher_key text, idempotency_key text, request_hash text,
  customer_id uuid, balance_baisa bigint, code text, credit_baisa bigint, issued_by text,
  outcome text, order_id uuid, spent_baisa bigint, card_baisa bigint
);

-- What an order is over: the earlier service left some whose amount is in whole OMR alone.
CREATE FUNCTION public.billing_amount_baisa(o public.orders) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT greatest(coalesce(nullif(o.amount_baisa, 0), o.amount_omr::bigint * 1000, 0), 0)
$$;

-- What follows from orders that are paid for: a subscription each, and an event for each sink.
CREATE FUNCTION public.billing_fulfil_orders(p_order_ids uuid[], p_sovereign text, p_sinks text[]) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_catalog SET enable_seqscan = off AS $$
BEGIN
  INSERT INTO subscriptions (customer_id, tenant_id, plan_id, status, order_id, price_baisa, current_period_start, current_period_end)
  SELECT o.customer_id, o.tenant_id, o.plan_id, 'active', o.id, billing_amount_baisa(o), now(), now() + interval '1 month'
    FROM orders o WHERE o.id = ANY (p_order_ids);
  -- An adopted order may name no tenant: there is nobody to announce then.
  INSERT INTO outbox (event_id, sink, type, tenant_id, payload)
  SELECT o.id, sink, 'order.placed', o.tenant_id, jsonb_build_object(
           'id', o.id, 'customer_id', o.customer_id, 'tenant_id', o.tenant_id, 'plan_id', o.plan_id,
           'apps', o.apps, 'addons', o.addons, 'amount_omr', o.amount_omr, 'amount_baisa', billing_amount_baisa(o),
           'status', o.status, 'promo_code', o.promo_code, 'user_id', c.user_id, 'email', c.email, 'sovereign', p_sovereign)
    FROM orders o JOIN customers c ON c.id = o.customer_id CROSS JOIN unnest(p_sinks) AS sink
   WHERE o.id = ANY (p_order_ids) AND o.tenant_id IS NOT NULL;
END $$;

DROP FUNCTION public.billing_checkout(text, text, text, boolean, text, jsonb, jsonb, bigint, text, text, text[], text, text);
-- Checkouts, all in this transaction. Every request has another user and another tenant (the caller sees to it), so that the
-- vouchers are all that they share. Locks in the order customer, promo, edge, ledger, each kind in one order of its
-- own: two batches never wait for each other crosswise. Without sequential scans: a plan is made while the tables are small,
-- and kept while they grow (a call of 50 at 18,000 orders: 737 ms with the kept scan, 23 ms without).
--   p_requests   array of the first block of billing_checkout_line
--   p_card_step  smallest amount that the payment processor can ask for; null: there is none
--   outcome      placed | pending (a payment is due), or a refusal, which has written nothing but its idempotency record:
--                voucher_not_found, voucher_ended, already_redeemed, tenant_not_yours, payment_unavailable,
--                balance_too_large, idempotency_in_flight, idempotency_mismatch, and, without p_wait, busy: somebody
--                else holds the customer or the tenant, and nobody of this batch shall wait for that.
CREATE FUNCTION public.billing_checkout(p_requests jsonb, p_sovereign text, p_sinks text[], p_card_step int, p_wait boolean)
RETURNS TABLE (line int, outcome text, answer json)
LANGUAGE plpgsql SET search_path = public, pg_catalog SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
  v_lines billing_checkout_line[] := ARRAY(SELECT l FROM jsonb_populate_recordset(NULL::billing_checkout_line, p_requests) AS l);
  v_in_flight int[];
  v_customer_ids uuid[];
  v_new_customer_ids uuid[];
  v_new_tenant_ids text[];
  v_codes text[];
BEGIN
  IF EXISTS (SELECT 1 FROM unnest(v_lines) AS l WHERE l.idempotency_key IS NOT NULL) THEN
    -- Held to the end of the transaction, also when its process dies: whoever cannot take it is in flight elsewhere.
    v_in_flight := ARRAY(SELECT l.line FROM unnest(v_lines) AS l
      WHERE l.idempotency_key IS NOT NULL
        AND NOT pg_try_advisory_xact_lock(hashtextextended(l.user_id || E'\x1f' || l.idempotency_key, 4)));
    RETURN QUERY SELECT held, 'idempotency_in_flight', NULL::json FROM unnest(v_in_flight) AS held;
    RETURN QUERY SELECT l.line, CASE WHEN r.request_hash = l.request_hash THEN r.answer ->> 'outcome' ELSE 'idempotency_mismatch' END,
                        CASE WHEN r.request_hash = l.request_hash THEN r.answer END
                   FROM unnest(v_lines) AS l
                   JOIN idempotency_records r ON r.user_id = l.user_id AND r.key = l.idempotency_key
                  WHERE l.line <> ALL (v_in_flight);
    v_lines := ARRAY(SELECT l FROM unnest(v_lines) AS l
      WHERE l.line <> ALL (v_in_flight)
        AND NOT EXISTS (SELECT 1 FROM idempotency_records r WHERE r.user_id = l.user_id AND r.key = l.idempotency_key));
  END IF;

  WITH created AS (
    INSERT INTO customers (user_id, tenant_id, email)
    SELECT l.user_id, l.tenant_id, l.email FROM unnest(v_lines) AS l
     WHERE NOT EXISTS (SELECT 1 FROM customers c WHERE c.user_id = l.user_id)
     ORDER BY l.user_id COLLATE "C"
        ON CONFLICT (user_id) DO NOTHING RETURNING id
  ) SELECT array_agg(id) INTO v_new_customer_ids FROM created;
  IF p_wait THEN
    v_customer_ids := ARRAY(SELECT c.id FROM customers c WHERE c.user_id = ANY (ARRAY(SELECT l.user_id FROM unnest(v_lines) AS l))
      ORDER BY c.user_id COLLATE "C" FOR NO KEY UPDATE);
  ELSE
    v_customer_ids := ARRAY(SELECT c.id FROM customers c WHERE c.user_id = ANY (ARRAY(SELECT l.user_id FROM unnest(v_lines) AS l))
      ORDER BY c.user_id COLLATE "C" FOR NO KEY UPDATE SKIP LOCKED);
    RETURN QUERY SELECT l.line, 'busy', NULL::json FROM unnest(v_lines) AS l
      WHERE NOT EXISTS (SELECT 1 FROM customers c WHERE c.user_id = l.user_id AND c.id = ANY (v_customer_ids));
  END IF;
  WITH created AS (
    INSERT INTO tenants (tenant_id, customer_id)
    SELECT l.tenant_id, c.id FROM unnest(v_lines) AS l JOIN customers c ON c.user_id = l.user_id AND c.id = ANY (v_customer_ids)
     WHERE NOT EXISTS (SELECT 1 FROM tenants t WHERE t.tenant_id = l.tenant_id)
     ORDER BY l.tenant_id COLLATE "C"
        ON CONFLICT (tenant_id) DO NOTHING RETURNING tenant_id
  ) SELECT array_agg(tenant_id) INTO v_new_tenant_ids FROM created;
  v_codes := ARRAY(SELECT p.code FROM promo_codes p
    WHERE upper(btrim(p.code, E' \t\n\r\f\x0B') COLLATE "C") = ANY (ARRAY(SELECT l.voucher_key FROM unnest(v_lines) AS l))
      AND p.deleted_at IS NULL
    ORDER BY p.code COLLATE "C" FOR NO KEY UPDATE);

  -- Only what is locked is looked at, so what is decided here holds: a voucher that came to life since then is not seen.
  v_lines := ARRAY(
    WITH found AS (
      SELECT l, c.id AS customer_id, c.balance_baisa, t.customer_id AS owner_id, p.code, p.issued_by, p.max_redemptions, p.times_redeemed,
             coalesce(p.credit_omr::bigint * 1000, 0) AS credit_baisa, p.is_open,
             greatest(c.balance_baisa + coalesce(p.credit_omr::bigint * 1000, 0), 0) AS spendable_baisa -- of a debt, nothing
        FROM unnest(v_lines) AS l
        JOIN customers c ON c.user_id = l.user_id AND c.id = ANY (v_customer_ids)
        LEFT JOIN tenants t ON t.tenant_id = l.tenant_id
        LEFT JOIN LATERAL (
          SELECT p.*, billing_accepts_redemptions(p, now()) AS is_open FROM promo_codes p
           WHERE upper(btrim(p.code, E' \t\n\r\f\x0B') COLLATE "C") = l.voucher_key AND p.deleted_at IS NULL
             AND p.code = ANY (v_codes)
           ORDER BY (p.code = l.voucher_key) DESC, p.created_at, p.code COLLATE "C" LIMIT 1) p ON true
    ), judged AS (
      SELECT f.*, CASE
               -- Its owner's order was undone this moment, and the tenant with it.
               WHEN f.owner_id IS NULL THEN CASE WHEN p_wait THEN 'tenant_not_yours' ELSE 'busy' END
               WHEN f.owner_id <> f.customer_id AND NOT (f.l).tenant_member THEN 'tenant_not_yours'
               WHEN (f.l).voucher_key IS NULL THEN NULL
               WHEN f.code IS NULL THEN 'voucher_not_found'
               WHEN EXISTS (SELECT 1 FROM promo_redemptions e
                             WHERE e.customer_id = f.customer_id
                               AND upper(btrim(e.code, E' \t\n\r\f\x0B') COLLATE "C") = (f.l).voucher_key) THEN 'already_redeemed'
               WHEN NOT f.is_open THEN 'voucher_ended'
             END AS refusal
        FROM found f
    ), afforded AS (
      SELECT j.*, coalesce(j.refusal, CASE
               WHEN (j.l).total_baisa > j.spendable_baisa AND p_card_step IS NULL THEN 'payment_unavailable'
               WHEN j.balance_baisa + j.credit_baisa > 9007199254740991 THEN 'balance_too_large'
             END) AS refusal_or_cost
        FROM judged j
    ), queued AS (
      SELECT a.*, row_number() OVER (PARTITION BY a.code, a.refusal_or_cost IS NULL ORDER BY (a.l).line) AS place FROM afforded a
    )
    SELECT ROW((q.l).line, (q.l).user_id, (q.l).email, (q.l).tenant_id, (q.l).tenant_member, (q.l).plan_id, (q.l).apps, (q.l).addons,
               (q.l).total_baisa, (q.l).voucher_key, (q.l).idempotency_key, (q.l).request_hash,
               q.customer_id, q.balance_baisa, q.code, q.credit_baisa, q.issued_by,
               CASE
                 WHEN q.refusal_or_cost IS NOT NULL THEN q.refusal_or_cost
                 -- Of many at the cap's last places, those who came first pass.
                 WHEN q.max_redemptions > 0 AND coalesce(q.times_redeemed, 0) + q.place > q.max_redemptions THEN 'voucher_ended'
                 WHEN (q.l).total_baisa > q.spendable_baisa THEN 'pending'
                 ELSE 'placed'
               END,
               gen_random_uuid(), least((q.l).total_baisa, q.spendable_baisa),
               -- Rounded up: what the card pays too much becomes credit.
               CASE WHEN (q.l).total_baisa > q.spendable_baisa
                    THEN ceil(((q.l).total_baisa - q.spendable_baisa)::numeric / p_card_step)::bigint * p_card_step END
           )::billing_checkout_line
      FROM queued q);

  DELETE FROM tenants t USING unnest(v_lines) AS l
   WHERE l.outcome NOT IN ('placed', 'pending') AND t.tenant_id = l.tenant_id AND t.tenant_id = ANY (v_new_tenant_ids);
  DELETE FROM customers c USING unnest(v_lines) AS l
   WHERE l.outcome NOT IN ('placed', 'pending') AND c.id = l.customer_id AND c.id = ANY (v_new_customer_ids);
  -- A refusal that another try may lift is not remembered.
  INSERT INTO idempotency_records (user_id, key, request_hash, answer)
  SELECT l.user_id, l.idempotency_key, l.request_hash, json_build_object('outcome', l.outcome) FROM unnest(v_lines) AS l
   WHERE l.idempotency_key IS NOT NULL AND l.outcome IN ('voucher_not_found', 'voucher_ended', 'already_redeemed');
  RETURN QUERY SELECT l.line, l.outcome, NULL::json FROM unnest(v_lines) AS l WHERE l.outcome NOT IN ('placed', 'pending');
  v_lines := ARRAY(SELECT l FROM unnest(v_lines) AS l WHERE l.outcome IN ('placed', 'pending'));

  UPDATE promo_codes p SET times_redeemed = coalesce(p.times_redeemed, 0) + r.redemptions
    FROM (SELECT l.code, count(*)::int AS redemptions FROM unnest(v_lines) AS l WHERE l.code IS NOT NULL GROUP BY l.code) r
   WHERE p.code = r.code;
  INSERT INTO orders (id, customer_id, tenant_id, plan_id, apps, addons, amount_omr, amount_baisa, status, promo_code, credit_spent_baisa, card_baisa)
  SELECT l.order_id, l.customer_id, l.tenant_id, l.plan_id, l.apps, l.addons, (l.total_baisa / 1000)::int, l.total_baisa,
         CASE l.outcome WHEN 'placed' THEN 'paid' ELSE 'pending' END, l.code, l.spent_baisa, l.card_baisa
    FROM unnest(v_lines) AS l;
  INSERT INTO promo_redemptions (customer_id, code, amount_baisa, order_id, issued_by)
  SELECT l.customer_id, l.code, l.credit_baisa, l.order_id, l.issued_by FROM unnest(v_lines) AS l WHERE l.code IS NOT NULL;
  INSERT INTO credit_ledger (customer_id, amount_omr, amount_baisa, kind, reason, promo_code, order_id)
  SELECT l.customer_id, (e.amount_baisa / 1000)::int, e.amount_baisa, e.kind, e.reason, e.promo_code, l.order_id::text
    FROM unnest(v_lines) AS l
    CROSS JOIN LATERAL (VALUES ('grant', l.credit_baisa, 'voucher ' || l.code, l.code),
                               ('spend', -l.spent_baisa, 'order ' || l.order_id, NULL)) AS e (kind, amount_baisa, reason, promo_code)
   WHERE e.amount_baisa <> 0;
  UPDATE customers c
     SET balance_baisa = c.balance_baisa + l.credit_baisa - l.spent_baisa,
         balance_floor_baisa = least(c.balance_baisa + l.credit_baisa - l.spent_baisa, 0),
         email = CASE WHEN l.email = '' THEN c.email ELSE l.email END
    FROM unnest(v_lines) AS l WHERE c.id = l.customer_id;
  PERFORM billing_fulfil_orders(ARRAY(SELECT l.order_id FROM unnest(v_lines) AS l WHERE l.outcome = 'placed'), p_sovereign, p_sinks);
  INSERT INTO idempotency_records (user_id, key, request_hash, answer)
  SELECT l.user_id, l.idempotency_key, l.request_hash, billing_checkout_answer(l) FROM unnest(v_lines) AS l
   WHERE l.idempotency_key IS NOT NULL;
  RETURN QUERY SELECT l.line, l.outcome, billing_checkout_answer(l) FROM unnest(v_lines) AS l;
END $$;

-- What is known of an order that was placed, also to whoever asks again with its idempotency key.
CREATE FUNCTION public.billing_checkout_answer(l public.billing_checkout_line) RETURNS json LANGUAGE sql STABLE AS $$
  SELECT json_build_object('outcome', l.outcome, 'order_id', l.order_id, 'voucher', l.code, 'card_baisa', l.card_baisa,
                           'balance_baisa', l.balance_baisa + l.credit_baisa - l.spent_baisa)
$$;

-- The order behind its customer's lock, as it is once both are held. Null when it is not there or not ours to settle.
CREATE FUNCTION public.billing_lock_order(p_order_id uuid) RETURNS public.orders
LANGUAGE plpgsql SET search_path = public, pg_catalog AS $$
DECLARE
  v_order orders;
BEGIN
  PERFORM FROM customers c JOIN orders o ON o.customer_id = c.id WHERE o.id = p_order_id AND NOT o.adopted FOR NO KEY UPDATE OF c;
  SELECT * INTO v_order FROM orders o WHERE o.id = p_order_id AND NOT o.adopted FOR NO KEY UPDATE;
  RETURN v_order;
END $$;

-- One entry of an order's settlement, in ledger and balance alike.
CREATE FUNCTION public.billing_book(p_order public.orders, p_kind text, p_amount_baisa bigint, p_reason text) RETURNS void
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

-- A pending order for which no session came to be: as if it had never been, but for its trace. False: nothing to undo.
CREATE FUNCTION public.billing_undo_order(p_order_id uuid) RETURNS boolean
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
  -- Whoever took a tenant with this order alone has not taken it.
  DELETE FROM tenants t
   WHERE t.tenant_id = v_order.tenant_id AND t.customer_id = v_order.customer_id
     AND NOT EXISTS (SELECT 1 FROM orders o WHERE o.tenant_id = t.tenant_id AND coalesce(o.status, '') <> 'failed')
     AND NOT EXISTS (SELECT 1 FROM subscriptions s WHERE s.tenant_id = t.tenant_id)
     AND NOT EXISTS (SELECT 1 FROM invoices i WHERE i.tenant_id = t.tenant_id);
  RETURN true;
END $$;

-- A pending order whose session ran out: the credit is the customer's again, the voucher stays redeemed. One that the
-- earlier service left open is known by its session, and reserved nothing.
CREATE FUNCTION public.billing_expire_order(p_order_id uuid, p_session_id text) RETURNS boolean
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

-- The card paid for an order. Where the order was given up before, or the money is too little, the money becomes credit. An
-- order that the earlier service left open is known by its session alone.
--   returns  paid | credited | unknown (no order of ours, or paid already)
CREATE FUNCTION public.billing_pay_order(
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
    -- What was given up before has released its credit already: then this is zero.
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
