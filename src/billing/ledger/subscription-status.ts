/**
 * SQL for the status of a subscription `s` now. One that an order paid for ends with its month, because nothing renews it.
 * Stripe renews its own ones and sends each event again for three days. So one of those has ended when Stripe sent its period, and
 * no event arrived for three days after the end. The earlier service did not keep periods up to date: they prove nothing.
 */
export const SUBSCRIPTION_STATUS_SQL = `CASE
    WHEN s.status = 'active' AND nullif(s.stripe_subscription_id, '') IS NULL AND s.current_period_end <= now() THEN 'expired'
    WHEN s.status = 'active' AND s.stripe_event_at IS NOT NULL AND s.current_period_end <= now() - interval '3 days' THEN 'expired'
    ELSE s.status END`;

/**
 * SQL for the subscription that counts of a tenant, with `now_status`: an active one before others, and of those the newest.
 * `tenantId` is SQL.
 */
export const presentSubscriptionSql = (tenantId: string): string => `SELECT s.*, judged.now_status
                 FROM public.subscriptions s CROSS JOIN LATERAL (SELECT ${SUBSCRIPTION_STATUS_SQL} AS now_status) AS judged
                WHERE s.tenant_id = ${tenantId}
                ORDER BY (judged.now_status = 'active') DESC, s.created_at DESC, s.id LIMIT 1`;
