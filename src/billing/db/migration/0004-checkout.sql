-- The functions of a checkout. Each is the text of src/billing/db/function/<name>.sql.

-- One order on its way through billing_checkout. The request has the members down to request_hash; the function fills the rest.
CREATE TYPE public.billing_checkout_line AS (
  line int, user_id text, email text, tenant_id text, tenant_member boolean, plan_id text, apps jsonb, addons jsonb,
  total_baisa bigint, voucher_key text, idempotency_key text, request_hash text,
  customer_id uuid, balance_baisa bigint, code text, credit_baisa bigint, issued_by text,
  outcome text, order_id uuid, spent_baisa bigint, card_baisa bigint, held_order_id uuid, missing_baisa bigint
);

-- A voucher's standing at a moment: the one definition for preview, checkout, page, list and grants.
--   revoked    deleted_at is set
--   paused     active is not true
--   expired    expires_at has passed
--   used_up    no redemption is left, or none was ever possible: the cap or the counter's largest value (2147483647) is
--              reached, the credit is not above 0, or the code has over 2,670 bytes, which do not fit the primary key of
--              promo_redemptions
--   scheduled  starts_at has not come
--   live       it can be redeemed
-- A cap or a counter that is null counts as 0. That is the earlier service's default, and the value in answers.
CREATE OR REPLACE FUNCTION public.billing_voucher_standing(voucher public.promo_codes, at timestamptz) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE
    WHEN voucher.deleted_at IS NOT NULL THEN 'revoked'
    WHEN voucher.active IS NOT TRUE THEN 'paused'
    WHEN voucher.expires_at <= at THEN 'expired'
    WHEN (voucher.credit_omr > 0) IS NOT TRUE
      OR (voucher.max_redemptions <> 0 AND coalesce(voucher.times_redeemed, 0) >= voucher.max_redemptions)
      OR voucher.times_redeemed >= 2147483647 OR octet_length(voucher.code) > 2670 THEN 'used_up'
    WHEN voucher.starts_at > at THEN 'scheduled'
    ELSE 'live'
  END
$$;

-- The price of an order. The earlier service stored the amount of some orders in whole OMR only.
CREATE OR REPLACE FUNCTION public.billing_amount_baisa(o public.orders) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT greatest(coalesce(nullif(o.amount_baisa, 0), o.amount_omr::bigint * 1000, 0), 0)
$$;

-- The answer to a checkout, and to a repeated request with its idempotency key. The transaction id distinguishes the first answer
-- from a repeated one.
CREATE OR REPLACE FUNCTION public.billing_checkout_answer(l public.billing_checkout_line) RETURNS json LANGUAGE sql STABLE AS $$
  SELECT json_build_object('outcome', CASE l.outcome WHEN 'same' THEN 'pending' ELSE l.outcome END, 'order_id', l.order_id, 'voucher', l.code, 'card_baisa', l.card_baisa,
                           'balance_baisa', l.balance_baisa + l.credit_baisa - l.spent_baisa, 'transaction', pg_current_xact_id()::text)
$$;

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

-- Runs a batch of checkouts in one transaction. The caller makes sure that no two requests have the same user or the same tenant,
-- so the requests share only vouchers. Locks are taken in the order customer, tenant, promo, redemption, and the rows of each table
-- in one fixed order, so two batches cannot deadlock.
-- A batch decides on vouchers that it has not locked, and locks them last, so that batches with the same voucher work at the same
-- time. If a decision no longer holds by then, the batch fails with serialization_failure and has done nothing. Its requests then
-- run alone. A single request locks its vouchers first, so it cannot fail in this way.
-- Sequential scans are off, because PostgreSQL keeps a plan that it made while the tables were small (a call of 50 at 18,000
-- orders: 737 ms with the kept scan, 23 ms without). For the same reason, no statement lets the planner read a whole index: it
-- looks up each row in a subquery that cannot become a join, or by a list of keys. A join that was kept took half of the server's
-- time at 4,000 customers. Plans are generic, because planning took a third of a call of one request.
--   p_requests   array of objects with the members of billing_checkout_line down to request_hash
--   p_card_step  the smallest amount in baisa that the payment processor can charge; null: there is no payment processor
--   p_wait       whether to wait for a customer that another transaction has locked; true only for a single request
--   p_card_min   the smallest payment in baisa that the processor accepts; if the rest would be smaller, less credit is spent
--   outcome      placed
--                pending: a payment is due. The same order again is pending too, with the id of the order that waits.
--                held: an unpaid order of the same customer blocks this one, because it is for the same tenant or has the same
--                voucher. The caller ends that order, and calls again. An order that would be refused then is refused now, so
--                that its customer keeps the order that blocks it.
--                busy, only without p_wait: another transaction has locked the customer or the tenant.
--                A refusal, which writes only its idempotency record: voucher_not_found, voucher_not_started, voucher_ended,
--                already_redeemed, tenant_not_yours, payment_unavailable, card_amount_too_small, balance_too_large,
--                idempotency_in_flight, idempotency_mismatch
--   answer       with placed and pending: the answer to the customer
--                with a refusal and with held: held_order_id, which is the newest blocking order, or, if credit does not cover the
--                order, an unpaid order that reserves some credit; and missing_baisa, the credit that is missing
CREATE OR REPLACE FUNCTION public.billing_checkout(p_requests jsonb, p_sovereign text, p_sinks text[], p_card_step int, p_wait boolean, p_card_min int)
RETURNS TABLE (line int, outcome text, answer json)
LANGUAGE plpgsql SET search_path = public, pg_catalog SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
  v_lines billing_checkout_line[] := ARRAY(SELECT l FROM jsonb_populate_recordset(NULL::billing_checkout_line, p_requests) AS l);
  v_is_single CONSTANT boolean := jsonb_array_length(p_requests) = 1;
  v_has_keys CONSTANT boolean := jsonb_path_exists(p_requests, '$[*].idempotency_key ? (@ != null)');
  v_in_flight int[];
  v_customer_ids uuid[];
  v_new_customer_ids uuid[];
  v_has_known_customers boolean;
  v_new_tenant_ids text[];
  v_codes text[];
  v_redeemed_codes int;
  v_is_all_placed boolean;
BEGIN
  IF v_has_keys THEN
    -- The lock ends with the transaction, also if the process dies. If it is taken, the same request is running elsewhere.
    v_in_flight := ARRAY(SELECT l.line FROM unnest(v_lines) AS l
      WHERE l.idempotency_key IS NOT NULL
        AND NOT pg_try_advisory_xact_lock(hashtextextended(l.user_id || E'\x1f' || l.idempotency_key, 4)));
    RETURN QUERY SELECT held, 'idempotency_in_flight', NULL::json FROM unnest(v_in_flight) AS held;
    RETURN QUERY SELECT l.line, CASE WHEN r.request_hash = l.request_hash THEN r.answer ->> 'outcome' ELSE 'idempotency_mismatch' END,
                        CASE WHEN r.request_hash = l.request_hash THEN r.answer END
                   FROM unnest(v_lines) AS l
                  CROSS JOIN LATERAL (
                    SELECT r.* FROM idempotency_records r WHERE r.user_id = l.user_id AND r.key = l.idempotency_key LIMIT 1) r
                  WHERE l.line <> ALL (v_in_flight);
    v_lines := ARRAY(SELECT l FROM unnest(v_lines) AS l
      WHERE l.line <> ALL (v_in_flight)
        AND (SELECT r.key FROM idempotency_records r WHERE r.user_id = l.user_id AND r.key = l.idempotency_key) IS NULL);
  END IF;

  WITH created AS (
    INSERT INTO customers (user_id, tenant_id, email)
    SELECT l.user_id, l.tenant_id, l.email FROM unnest(v_lines) AS l
     WHERE (SELECT c.id FROM customers c WHERE c.user_id = l.user_id) IS NULL
     ORDER BY l.user_id COLLATE "C"
        ON CONFLICT (user_id) DO NOTHING RETURNING id
  ) SELECT array_agg(id) INTO v_new_customer_ids FROM created;
  -- No other transaction sees a customer before it is committed, so a new one needs no lock, and has no history to read.
  v_has_known_customers := cardinality(v_new_customer_ids) IS DISTINCT FROM cardinality(v_lines);
  IF NOT v_has_known_customers THEN
    v_customer_ids := v_new_customer_ids;
  ELSIF p_wait THEN
    v_customer_ids := ARRAY(SELECT c.id FROM customers c WHERE c.user_id = ANY (ARRAY(SELECT l.user_id FROM unnest(v_lines) AS l))
      ORDER BY c.user_id COLLATE "C" FOR NO KEY UPDATE);
  ELSE
    v_customer_ids := ARRAY(SELECT c.id FROM customers c WHERE c.user_id = ANY (ARRAY(SELECT l.user_id FROM unnest(v_lines) AS l))
      ORDER BY c.user_id COLLATE "C" FOR NO KEY UPDATE SKIP LOCKED);
    RETURN QUERY SELECT l.line, 'busy', NULL::json FROM unnest(v_lines) AS l
      WHERE (SELECT c.id FROM customers c WHERE c.user_id = l.user_id AND c.id = ANY (v_customer_ids)) IS NULL;
  END IF;
  WITH created AS (
    INSERT INTO tenants (tenant_id, customer_id)
    SELECT l.tenant_id, c.id FROM unnest(v_lines) AS l JOIN customers c ON c.user_id = l.user_id AND c.id = ANY (v_customer_ids)
     WHERE (SELECT t.customer_id FROM tenants t WHERE t.tenant_id = l.tenant_id) IS NULL
     ORDER BY l.tenant_id COLLATE "C"
        ON CONFLICT (tenant_id) DO NOTHING RETURNING tenant_id
  ) SELECT array_agg(tenant_id) INTO v_new_tenant_ids FROM created;
  IF v_is_single THEN
    v_codes := ARRAY(SELECT p.code FROM promo_codes p
      WHERE billing_code_key(p.code) COLLATE "C" = ANY (ARRAY(SELECT l.voucher_key FROM unnest(v_lines) AS l))
        AND p.deleted_at IS NULL
      ORDER BY p.code COLLATE "C" FOR NO KEY UPDATE);
  END IF;

  WITH decided AS (
    WITH found AS (
      SELECT l, c.id AS customer_id, c.balance_baisa, t.customer_id AS owner_id, p.code, p.issued_by, p.max_redemptions, p.times_redeemed,
             coalesce(p.credit_omr::bigint * 1000, 0) AS credit_baisa, p.standing,
             -- 0 for a debt
             greatest(c.balance_baisa + coalesce(held.spent_baisa, 0) - coalesce(undone.granted_baisa, 0) + coalesce(p.credit_omr::bigint * 1000, 0), 0) AS spendable_baisa,
             held.ids AS held_ids, held.codes AS held_codes, undone.ids AS undone_ids, same.id AS same_id, same.promo_code AS same_code, same.card_baisa AS same_card_baisa
        FROM unnest(v_lines) AS l
        JOIN customers c ON c.user_id = l.user_id AND c.id = ANY (v_customer_ids)
        LEFT JOIN LATERAL (SELECT t.customer_id FROM tenants t WHERE t.tenant_id = l.tenant_id LIMIT 1) t ON true
        LEFT JOIN LATERAL (
          SELECT p.*, billing_voucher_standing(p, now()) AS standing FROM promo_codes p
           WHERE billing_code_key(p.code) COLLATE "C" = l.voucher_key AND p.deleted_at IS NULL
             -- A single request decides on locked vouchers only. It does not find one that was created meanwhile.
             AND (NOT v_is_single OR p.code = ANY (v_codes))
           ORDER BY (p.code = l.voucher_key) DESC, p.created_at, p.code COLLATE "C" LIMIT 1) p ON true
        -- Sessions of the earlier service stayed open for a day.
        LEFT JOIN LATERAL (
          SELECT array_agg(o.id ORDER BY o.created_at DESC, o.id DESC) AS ids, array_agg(o.promo_code) AS codes,
                 sum(o.credit_spent_baisa)::bigint AS spent_baisa
            FROM orders o
           WHERE v_has_known_customers AND o.customer_id = c.id AND o.status = 'pending'
             AND (NOT o.adopted OR (o.stripe_session_id <> '' AND o.created_at > now() - interval '1 day'))
             AND (o.tenant_id = l.tenant_id OR (NOT o.adopted AND billing_code_key(o.promo_code) COLLATE "C" = l.voucher_key))
        ) held ON true
        -- The grants that are undone when these orders end one by one, the newest first. An older one may have paid a newer one.
        LEFT JOIN LATERAL (
          SELECT array_agg(e.order_id) AS ids, sum(e.amount_baisa)::bigint AS granted_baisa FROM promo_redemptions e
           WHERE held.ids IS NOT NULL AND e.customer_id = c.id AND e.order_id = ANY (held.ids)
             AND NOT billing_is_grant_spent(e.order_id, c.id, NULL, held.ids[:array_position(held.ids, e.order_id)])
        ) undone ON true
        LEFT JOIN LATERAL (
          SELECT o.id, o.promo_code, o.card_baisa FROM orders o
           WHERE v_has_known_customers AND o.customer_id = c.id AND o.status = 'pending' AND NOT o.adopted AND NOT o.cancel_requested
             AND o.tenant_id = l.tenant_id AND o.plan_id = l.plan_id AND o.amount_baisa = l.total_baisa
             AND o.apps @> l.apps AND o.apps <@ l.apps AND o.addons @> l.addons AND o.addons <@ l.addons
             AND billing_code_key(o.promo_code) COLLATE "C" IS NOT DISTINCT FROM l.voucher_key
             AND coalesce(o.session_expires_at, o.created_at + interval '1 hour') > now() + interval '1 minute'
           ORDER BY o.created_at LIMIT 1
        ) same ON true
    ), judged AS (
      SELECT f.*, CASE
               -- The tenant was removed while this call waited.
               WHEN f.owner_id IS NULL THEN CASE WHEN p_wait THEN 'tenant_not_yours' ELSE 'busy' END
               WHEN f.owner_id <> f.customer_id AND NOT (f.l).tenant_member THEN 'tenant_not_yours'
               WHEN f.same_id IS NOT NULL THEN 'same'
               WHEN (f.l).voucher_key IS NOT NULL AND f.code IS NULL THEN 'voucher_not_found'
               WHEN v_has_known_customers AND (f.l).voucher_key IS NOT NULL
                AND EXISTS (SELECT 1 FROM promo_redemptions e
                             WHERE e.customer_id = f.customer_id
                               AND billing_code_key(e.code) COLLATE "C" = (f.l).voucher_key
                               AND (e.order_id IS NULL OR f.undone_ids IS NULL OR e.order_id <> ALL (f.undone_ids))) THEN 'already_redeemed'
               WHEN f.standing = 'scheduled' THEN 'voucher_not_started'
               -- The last place below the cap may be the one that the blocking order holds. The cap may be lower by now.
               WHEN f.standing <> 'live'
                AND (f.standing <> 'used_up' OR f.held_codes IS NULL OR f.code <> ALL (array_remove(f.held_codes, NULL))
                     OR f.times_redeemed > coalesce(f.max_redemptions, 0)) THEN 'voucher_ended'
             END AS refusal
        FROM found f
    ), afforded AS (
      SELECT j.*, coalesce(j.refusal, CASE
               WHEN (j.l).total_baisa > j.spendable_baisa AND p_card_step IS NULL THEN 'payment_unavailable'
               WHEN (j.l).total_baisa > j.spendable_baisa AND (j.l).total_baisa < p_card_min THEN 'card_amount_too_small'
               WHEN j.held_ids IS NOT NULL THEN 'held'
               WHEN j.balance_baisa + j.credit_baisa > 9007199254740991 THEN 'balance_too_large'
             END) AS refusal_or_cost
        FROM judged j
    ), queued AS (
      SELECT a.*, row_number() OVER (PARTITION BY a.code, a.refusal_or_cost IS NULL ORDER BY (a.l).line) AS place,
             CASE WHEN (a.l).total_baisa > a.spendable_baisa THEN least(a.spendable_baisa, (a.l).total_baisa - p_card_min)
                  ELSE (a.l).total_baisa END AS spent_baisa
        FROM afforded a
    )
    SELECT ROW((q.l).line, (q.l).user_id, (q.l).email, (q.l).tenant_id, (q.l).tenant_member, (q.l).plan_id, (q.l).apps, (q.l).addons,
               (q.l).total_baisa, (q.l).voucher_key, (q.l).idempotency_key, (q.l).request_hash,
               q.customer_id, q.balance_baisa,
               CASE q.refusal_or_cost WHEN 'same' THEN q.same_code ELSE q.code END,
               CASE q.refusal_or_cost WHEN 'same' THEN 0 ELSE q.credit_baisa END, q.issued_by,
               CASE
                 WHEN q.refusal_or_cost IS NOT NULL THEN q.refusal_or_cost
                 -- If more requests than places are left below the cap, the first in line get them.
                 WHEN q.max_redemptions > 0 AND coalesce(q.times_redeemed, 0) + q.place > q.max_redemptions THEN 'voucher_ended'
                 WHEN (q.l).total_baisa > q.spendable_baisa THEN 'pending'
                 ELSE 'placed'
               END,
               CASE q.refusal_or_cost WHEN 'same' THEN q.same_id ELSE billing_time_uuid() END,
               CASE WHEN q.refusal_or_cost = 'same' THEN 0 ELSE q.spent_baisa END,
               CASE WHEN q.refusal_or_cost = 'same' THEN q.same_card_baisa
                    -- Rounded up to what the processor can charge: the excess becomes credit.
                    WHEN (q.l).total_baisa > q.spendable_baisa
                    THEN ceil(((q.l).total_baisa - q.spent_baisa)::numeric / p_card_step)::bigint * p_card_step END,
               CASE WHEN q.refusal_or_cost = 'held' THEN q.held_ids[1]
                    WHEN q.refusal_or_cost IN ('payment_unavailable', 'card_amount_too_small')
                    THEN (SELECT o.id FROM orders o
                           WHERE o.customer_id = q.customer_id AND o.status = 'pending' AND o.credit_spent_baisa > 0
                             AND (q.held_ids IS NULL OR o.id <> ALL (q.held_ids))
                           ORDER BY o.created_at LIMIT 1) END,
               CASE WHEN q.refusal_or_cost IN ('payment_unavailable', 'card_amount_too_small') THEN (q.l).total_baisa - q.spendable_baisa END
           )::billing_checkout_line AS l
      FROM queued q
  ) SELECT coalesce(array_agg(d.l), '{}'), coalesce(bool_and((d.l).outcome = 'placed'), true) INTO v_lines, v_is_all_placed FROM decided d;

  IF NOT v_is_all_placed THEN
    -- A tenant belongs to the customer who first pays for it.
    DELETE FROM tenants t USING unnest(v_lines) AS l
     WHERE l.outcome <> 'placed' AND t.tenant_id = l.tenant_id AND t.tenant_id = ANY (v_new_tenant_ids);
    -- The same order as one that waits for its payment: the answer is that order's.
    INSERT INTO idempotency_records (user_id, key, request_hash, answer)
    SELECT l.user_id, l.idempotency_key, l.request_hash, billing_checkout_answer(l) FROM unnest(v_lines) AS l
     WHERE l.idempotency_key IS NOT NULL AND l.outcome = 'same';
    RETURN QUERY SELECT l.line, 'pending', billing_checkout_answer(l) FROM unnest(v_lines) AS l WHERE l.outcome = 'same';
    v_lines := ARRAY(SELECT l FROM unnest(v_lines) AS l WHERE l.outcome <> 'same');
    DELETE FROM customers c USING unnest(v_lines) AS l
     WHERE l.outcome NOT IN ('placed', 'pending') AND c.id = l.customer_id AND c.id = ANY (v_new_customer_ids);
    -- Other refusals are not stored: the same request may succeed later.
    INSERT INTO idempotency_records (user_id, key, request_hash, answer)
    SELECT l.user_id, l.idempotency_key, l.request_hash, json_build_object('outcome', l.outcome) FROM unnest(v_lines) AS l
     WHERE l.idempotency_key IS NOT NULL AND l.outcome IN ('voucher_not_found', 'voucher_ended', 'already_redeemed');
    RETURN QUERY SELECT l.line, l.outcome,
                        CASE WHEN l.outcome IN ('held', 'payment_unavailable', 'card_amount_too_small')
                             THEN json_build_object('held_order_id', l.held_order_id, 'missing_baisa', l.missing_baisa) END
                   FROM unnest(v_lines) AS l WHERE l.outcome NOT IN ('placed', 'pending');
    v_lines := ARRAY(SELECT l FROM unnest(v_lines) AS l WHERE l.outcome IN ('placed', 'pending'));
  END IF;

  INSERT INTO orders (id, customer_id, tenant_id, tenant_member, plan_id, apps, addons, amount_omr, amount_baisa, status, promo_code, credit_spent_baisa, card_baisa)
  SELECT l.order_id, l.customer_id, l.tenant_id, l.tenant_member, l.plan_id, l.apps, l.addons, (l.total_baisa / 1000)::int, l.total_baisa,
         CASE l.outcome WHEN 'placed' THEN 'paid' ELSE 'pending' END, l.code, l.spent_baisa, l.card_baisa
    FROM unnest(v_lines) AS l;
  INSERT INTO credit_ledger (customer_id, amount_omr, amount_baisa, kind, reason, promo_code, order_id)
  SELECT l.customer_id, (e.amount_baisa / 1000)::int, e.amount_baisa, e.kind, e.reason, e.promo_code, l.order_id::text
    FROM unnest(v_lines) AS l
    CROSS JOIN LATERAL (VALUES ('grant', l.credit_baisa, 'voucher ' || l.code, l.code),
                               ('spend', -l.spent_baisa, 'order ' || l.order_id, NULL)) AS e (kind, amount_baisa, reason, promo_code)
   WHERE e.amount_baisa <> 0;
  -- The floor rises while a debt is paid off, and a checkout never lowers it.
  UPDATE customers c
     SET balance_baisa = c.balance_baisa + l.credit_baisa - l.spent_baisa,
         balance_floor_baisa = least(greatest(c.balance_baisa + l.credit_baisa - l.spent_baisa, c.balance_floor_baisa), 0),
         email = CASE WHEN l.email = '' THEN c.email ELSE l.email END
    FROM unnest(v_lines) AS l WHERE c.id = l.customer_id AND c.id = ANY (v_customer_ids);
  PERFORM billing_fulfil_orders(ARRAY(SELECT l.order_id FROM unnest(v_lines) AS l WHERE l.outcome = 'placed'), p_sovereign, p_sinks);
  IF v_has_keys THEN
    INSERT INTO idempotency_records (user_id, key, request_hash, answer)
    SELECT l.user_id, l.idempotency_key, l.request_hash, billing_checkout_answer(l) FROM unnest(v_lines) AS l
     WHERE l.idempotency_key IS NOT NULL;
  END IF;

  v_codes := ARRAY(SELECT p.code FROM promo_codes p WHERE p.code = ANY (ARRAY(SELECT l.code FROM unnest(v_lines) AS l))
    ORDER BY p.code COLLATE "C" FOR NO KEY UPDATE);
  UPDATE promo_codes p SET times_redeemed = coalesce(p.times_redeemed, 0) + r.redemptions
    FROM (SELECT l.code, l.credit_baisa, l.issued_by, count(*)::int AS redemptions
            FROM unnest(v_lines) AS l WHERE l.code IS NOT NULL GROUP BY l.code, l.credit_baisa, l.issued_by) r
   WHERE p.code = r.code AND p.code = ANY (v_codes) AND billing_voucher_standing(p, now()) = 'live'
     AND (p.max_redemptions > 0 AND coalesce(p.times_redeemed, 0) + r.redemptions > p.max_redemptions) IS NOT TRUE
     AND p.credit_omr::bigint * 1000 = r.credit_baisa AND p.issued_by IS NOT DISTINCT FROM r.issued_by;
  GET DIAGNOSTICS v_redeemed_codes = ROW_COUNT;
  IF v_redeemed_codes <> (SELECT count(DISTINCT l.code) FROM unnest(v_lines) AS l) THEN
    RAISE EXCEPTION 'a voucher changed during the call' USING ERRCODE = 'serialization_failure';
  END IF;
  INSERT INTO promo_redemptions (customer_id, code, amount_baisa, order_id, issued_by)
  SELECT l.customer_id, l.code, l.credit_baisa, l.order_id, l.issued_by FROM unnest(v_lines) AS l WHERE l.code IS NOT NULL;
  RETURN QUERY SELECT l.line, l.outcome, billing_checkout_answer(l) FROM unnest(v_lines) AS l;
END $$;
