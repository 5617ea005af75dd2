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
