-- Records the state of a subscription at Stripe from an event. The earlier service opened such subscriptions. Events arrive in any
-- order: the one with the latest time counts, the statuses of an ended subscription are final, and incomplete can only be the first.
-- The event may arrive before the one that completes the session. The state is then stored for billing_pay_adopted_order.
--   returns  whether a subscription of ours changed
CREATE OR REPLACE FUNCTION public.billing_record_subscription(
  p_subscription_id text, p_status text, p_period_start timestamptz, p_period_end timestamptz, p_said_at timestamptz
) RETURNS boolean
LANGUAGE plpgsql SET search_path = public, pg_catalog AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(p_subscription_id, 6));
  UPDATE subscriptions s
     SET status = p_status, current_period_start = coalesce(p_period_start, s.current_period_start),
         current_period_end = coalesce(p_period_end, s.current_period_end), stripe_event_at = p_said_at, updated_at = now()
   WHERE s.stripe_subscription_id = p_subscription_id AND (s.stripe_event_at IS NULL OR s.stripe_event_at <= p_said_at)
     AND coalesce(s.status, '') NOT IN ('canceled', 'incomplete_expired') AND (p_status <> 'incomplete' OR s.status = 'incomplete');
  IF FOUND THEN RETURN true; END IF;
  INSERT INTO stripe_subscription_states AS s (stripe_subscription_id, status, current_period_start, current_period_end, said_at)
  SELECT p_subscription_id, p_status, p_period_start, p_period_end, p_said_at
   WHERE NOT EXISTS (SELECT FROM subscriptions ours WHERE ours.stripe_subscription_id = p_subscription_id)
      ON CONFLICT (stripe_subscription_id) DO UPDATE
     SET status = EXCLUDED.status, current_period_start = coalesce(EXCLUDED.current_period_start, s.current_period_start),
         current_period_end = coalesce(EXCLUDED.current_period_end, s.current_period_end), said_at = EXCLUDED.said_at, recorded_at = now()
   WHERE s.status NOT IN ('canceled', 'incomplete_expired') AND (EXCLUDED.status <> 'incomplete' OR s.status = 'incomplete')
     AND (s.said_at IS NULL OR s.said_at <= EXCLUDED.said_at);
  RETURN false;
END $$;
