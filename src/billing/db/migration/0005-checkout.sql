-- A voucher's standing: one definition for preview, checkout, listing and grants.
CREATE FUNCTION public.billing_accepts_redemptions(voucher public.promo_codes, at timestamptz) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT coalesce(
    voucher.deleted_at IS NULL AND voucher.active AND voucher.credit_omr > 0
    AND (voucher.max_redemptions = 0 OR voucher.times_redeemed < voucher.max_redemptions)
    AND (voucher.starts_at IS NULL OR voucher.starts_at <= at) AND (voucher.expires_at IS NULL OR at < voucher.expires_at),
    false)
$$;

-- The whole checkout: one call, one transaction, all or nothing. Locks in the order customer, tenant, promo, edge, ledger.
--   outcome  placed | a refusal: voucher_not_found, voucher_ended, already_redeemed, tenant_not_yours,
--            idempotency_in_flight, idempotency_mismatch. A refusal has written nothing but its idempotency record.
--   raises   CB001 when the credit does not cover the total, CB002 when the balance would leave the safe integers:
--            whatever was written goes away with the transaction.
-- p_voucher_key is trimmed and upper-cased by the caller, as the index promo_codes_lookup_idx is; null means none.
-- p_tenant_member says that the tenant service names this user; p_sinks are the outbox sinks that must hear of the order.
CREATE FUNCTION public.billing_checkout(
  p_user_id text, p_email text, p_tenant_id text, p_tenant_member boolean,
  p_plan_id text, p_apps jsonb, p_addons jsonb, p_total_baisa bigint,
  p_voucher_key text, p_sovereign text, p_sinks text[],
  p_idempotency_key text, p_request_hash text,
  OUT outcome text, OUT answer json
) LANGUAGE plpgsql SET search_path = public, pg_catalog AS $$
DECLARE
  v_order_id CONSTANT uuid := gen_random_uuid();
  v_now CONSTANT timestamptz := now();
  v_customer_id uuid;
  v_customer_is_new boolean := false;
  v_owner_id uuid;
  v_tenant_is_new boolean := false;
  v_balance bigint;
  v_code text;
  v_credit_baisa bigint := 0;
  v_issued_by text;
  v_record record;
BEGIN
  IF p_idempotency_key IS NOT NULL THEN
    -- Held to the end of the transaction, also when its process dies: whoever cannot take it is in flight elsewhere.
    IF NOT pg_try_advisory_xact_lock(hashtextextended(p_user_id || E'\x1f' || p_idempotency_key, 4)) THEN
      outcome := 'idempotency_in_flight';
      RETURN;
    END IF;
    SELECT r.request_hash, r.answer INTO v_record
      FROM idempotency_records r WHERE r.user_id = p_user_id AND r.key = p_idempotency_key;
    IF FOUND THEN
      IF v_record.request_hash <> p_request_hash THEN
        outcome := 'idempotency_mismatch';
      ELSE
        outcome := v_record.answer ->> 'outcome';
        answer := v_record.answer;
      END IF;
      RETURN;
    END IF;
  END IF;

  SELECT c.id, c.balance_baisa INTO v_customer_id, v_balance
    FROM customers c WHERE c.user_id = p_user_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    INSERT INTO customers (user_id, tenant_id, email) VALUES (p_user_id, p_tenant_id, p_email)
      ON CONFLICT (user_id) DO NOTHING;
    v_customer_is_new := FOUND;
    SELECT c.id, c.balance_baisa INTO v_customer_id, v_balance
      FROM customers c WHERE c.user_id = p_user_id FOR NO KEY UPDATE;
  END IF;

  SELECT t.customer_id INTO v_owner_id FROM tenants t WHERE t.tenant_id = p_tenant_id;
  IF NOT FOUND THEN
    INSERT INTO tenants (tenant_id, customer_id) VALUES (p_tenant_id, v_customer_id) ON CONFLICT (tenant_id) DO NOTHING;
    v_tenant_is_new := FOUND;
    SELECT t.customer_id INTO v_owner_id FROM tenants t WHERE t.tenant_id = p_tenant_id;
  END IF;

  IF v_owner_id <> v_customer_id AND NOT p_tenant_member THEN
    outcome := 'tenant_not_yours';
  ELSIF p_voucher_key IS NOT NULL THEN
    SELECT p.code INTO v_code
      FROM promo_codes p
     WHERE upper(btrim(p.code, E' \t\n\r\f\x0B') COLLATE "C") = p_voucher_key AND p.deleted_at IS NULL
     ORDER BY (p.code = p_voucher_key) DESC, p.created_at, p.code COLLATE "C" LIMIT 1;
    IF NOT FOUND THEN
      outcome := 'voucher_not_found';
    ELSIF EXISTS (
      SELECT 1 FROM promo_redemptions e
       WHERE e.customer_id = v_customer_id
         AND upper(btrim(e.code, E' \t\n\r\f\x0B') COLLATE "C") = p_voucher_key
    ) THEN
      outcome := 'already_redeemed';
    ELSE
      -- The guard is judged on the locked row: of many at the cap's last place one passes.
      UPDATE promo_codes p SET times_redeemed = p.times_redeemed + 1
       WHERE p.code = v_code AND billing_accepts_redemptions(p, v_now)
      RETURNING p.credit_omr::bigint * 1000, p.issued_by INTO v_credit_baisa, v_issued_by;
      IF NOT FOUND THEN
        outcome := CASE WHEN EXISTS (SELECT 1 FROM promo_codes p WHERE p.code = v_code AND p.deleted_at IS NULL)
                        THEN 'voucher_ended' ELSE 'voucher_not_found' END;
      END IF;
    END IF;
  END IF;

  IF outcome IS NOT NULL THEN
    IF v_tenant_is_new THEN DELETE FROM tenants t WHERE t.tenant_id = p_tenant_id; END IF;
    IF v_customer_is_new THEN DELETE FROM customers c WHERE c.id = v_customer_id; END IF;
    -- A refused tenant may be asked again once the tenant service has answered, so it is not remembered.
    IF p_idempotency_key IS NOT NULL AND outcome <> 'tenant_not_yours' THEN
      INSERT INTO idempotency_records (user_id, key, request_hash, answer)
      VALUES (p_user_id, p_idempotency_key, p_request_hash, json_build_object('outcome', outcome));
    END IF;
    RETURN;
  END IF;

  -- A debt counts as nothing to spend.
  IF p_total_baisa > greatest(v_balance + v_credit_baisa, 0) THEN
    RAISE EXCEPTION 'credit does not cover the order' USING ERRCODE = 'CB001';
  ELSIF v_balance + v_credit_baisa > 9007199254740991 THEN
    RAISE EXCEPTION 'balance would exceed the largest exact amount' USING ERRCODE = 'CB002';
  END IF;
  v_balance := v_balance + v_credit_baisa - p_total_baisa;

  INSERT INTO orders (id, customer_id, tenant_id, plan_id, apps, addons, amount_omr, amount_baisa, status, promo_code, credit_spent_baisa)
  VALUES (v_order_id, v_customer_id, p_tenant_id, p_plan_id, p_apps, p_addons, (p_total_baisa / 1000)::int, p_total_baisa, 'paid', v_code, p_total_baisa);
  IF v_code IS NOT NULL THEN
    INSERT INTO promo_redemptions (customer_id, code, amount_baisa, order_id, issued_by)
    VALUES (v_customer_id, v_code, v_credit_baisa, v_order_id, v_issued_by);
    INSERT INTO credit_ledger (customer_id, amount_omr, amount_baisa, kind, reason, promo_code, order_id)
    VALUES (v_customer_id, (v_credit_baisa / 1000)::int, v_credit_baisa, 'grant', 'voucher ' || v_code, v_code, v_order_id::text);
  END IF;
  IF p_total_baisa > 0 THEN
    INSERT INTO credit_ledger (customer_id, amount_omr, amount_baisa, kind, reason, order_id)
    VALUES (v_customer_id, (-p_total_baisa / 1000)::int, -p_total_baisa, 'spend', 'order ' || v_order_id, v_order_id::text);
  END IF;
  UPDATE customers c
     SET balance_baisa = v_balance, balance_floor_baisa = least(v_balance, 0),
         email = CASE WHEN p_email = '' THEN c.email ELSE p_email END
   WHERE c.id = v_customer_id;
  INSERT INTO subscriptions (customer_id, tenant_id, plan_id, status, order_id, price_baisa, current_period_start, current_period_end)
  VALUES (v_customer_id, p_tenant_id, p_plan_id, 'active', v_order_id, p_total_baisa, v_now, v_now + interval '1 month');

  INSERT INTO outbox (event_id, sink, type, tenant_id, payload)
  SELECT v_order_id, sink, 'order.placed', p_tenant_id, jsonb_build_object(
           'id', v_order_id, 'customer_id', v_customer_id, 'tenant_id', p_tenant_id, 'plan_id', p_plan_id,
           'apps', p_apps, 'addons', p_addons, 'amount_omr', p_total_baisa / 1000, 'amount_baisa', p_total_baisa,
           'status', 'paid', 'promo_code', v_code, 'user_id', p_user_id, 'email', p_email, 'sovereign', p_sovereign)
    FROM unnest(p_sinks) AS sink;

  outcome := 'placed';
  answer := json_build_object('outcome', outcome, 'order_id', v_order_id, 'balance_baisa', v_balance, 'voucher', v_code);
  IF p_idempotency_key IS NOT NULL THEN
    INSERT INTO idempotency_records (user_id, key, request_hash, answer)
    VALUES (p_user_id, p_idempotency_key, p_request_hash, answer);
  END IF;
END $$;
