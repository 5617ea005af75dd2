import type pg from "pg";
import { SUBSCRIPTION_STATUS_SQL } from "./subscription-status.ts";

/** The subscription of the tenant that an order is for. */
export interface TenantSubscription {
  order: string;
  /** As Stripe names them, and `expired`; null when the tenant has no subscription. */
  status: string | null;
  periodEndsAt: Date | null;
}

const BATCH = 1_000;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * The subscriptions of the tenants of these orders, each as `GET /billing/subscription/{tenantId}` gives it. Unknown orders are
 * left out.
 */
export async function readTenantSubscriptions(
  orders: readonly string[],
  client: Pick<pg.ClientBase, "query">,
): Promise<TenantSubscription[]> {
  const known = orders.filter((order) => UUID.test(order));
  const found: TenantSubscription[] = [];
  for (let from = 0; from < known.length; from += BATCH) {
    const { rows } = await client.query<TenantSubscription>({
      name: "tenant-subscriptions",
      text: `SELECT o.id::text AS "order", present.status, present.ends AS "periodEndsAt"
               FROM public.orders o
               LEFT JOIN LATERAL (
                 SELECT judged.now_status AS status, s.current_period_end AS ends
                   FROM public.subscriptions s CROSS JOIN LATERAL (SELECT ${SUBSCRIPTION_STATUS_SQL} AS now_status) AS judged
                  WHERE s.tenant_id = o.tenant_id
                  ORDER BY (judged.now_status = 'active') DESC, s.created_at DESC, s.id LIMIT 1) AS present ON true
              WHERE o.id = ANY ($1::uuid[])`,
      values: [known.slice(from, from + BATCH)],
    });
    found.push(...rows);
  }
  return found;
}
