/**
 * SQL for the current status of a subscription `s`. A subscription that an order paid for ends with its month, because
 * nothing renews it. Stripe renews its own subscriptions, and repeats each event for three days. So one of these has
 * ended when no event arrives within three days after the end of the period that Stripe sent. The earlier service did not
 * update periods, so its periods prove nothing.
 */
export const SUBSCRIPTION_STATUS_SQL = `CASE
    WHEN s.status = 'active' AND nullif(s.stripe_subscription_id, '') IS NULL AND s.current_period_end <= now() THEN 'expired'
    WHEN s.status = 'active' AND s.stripe_event_at IS NOT NULL AND s.current_period_end <= now() - interval '3 days' THEN 'expired'
    ELSE s.status END`;

/**
 * SQL for the subscription of a tenant that answers show, with `now_status`: an active one before others, and the newest of
 * these. `tenantId` is SQL.
 */
export const presentSubscriptionSql = (tenantId: string): string => `SELECT s.*, judged.now_status
                 FROM public.subscriptions s CROSS JOIN LATERAL (SELECT ${SUBSCRIPTION_STATUS_SQL} AS now_status) AS judged
                WHERE s.tenant_id = ${tenantId}
                ORDER BY (judged.now_status = 'active') DESC, s.created_at DESC, s.id LIMIT 1`;
