import type { Database } from "./db/database.ts";
import { listOrders, type OrderPosition } from "./order-list.ts";
import { omrOfBaisa } from "./voucher.ts";

/** What the platform's accounts read from each Sovereign for the revenue roll-up. */
export interface RevenueService {
  /** A page of them, newest first. */
  orders(
    limit: number,
    after?: OrderPosition,
  ): Promise<{ orders: Record<string, unknown>[]; next?: OrderPosition }>;
  revenue(): Promise<Record<string, unknown>>;
}

export function createRevenueService(deps: { database: Database; sovereignFqdn: string }): RevenueService {
  const { database, sovereignFqdn } = deps;
  return {
    async orders(limit, after) {
      const { orders, next } = await listOrders(database, limit, after);
      return {
        orders: orders.map((order) => ({
          ...order,
          amount_omr: omrOfBaisa(order.amount_baisa),
          sovereign: sovereignFqdn,
        })),
        ...(next === undefined ? {} : { next }),
      };
    },

    async revenue() {
      // Each active subscription counts once, at its own price; an adopted one at that of the latest order for its plan. What
      // an order of ours paid for is over with its month.
      const [row] = await database.query<{
        mrr: number;
        customers: number;
        newcomers: number;
        active: number;
      }>({
        name: "revenue",
        text: `SELECT coalesce(sum(coalesce(s.price_baisa, latest.amount, 0)), 0)::float8 AS mrr, count(s.id)::int AS active,
                      (SELECT count(*)::int FROM customers) AS customers,
                      (SELECT count(*)::int FROM customers
                        WHERE created_at >= date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC') AS newcomers
                 FROM subscriptions s
                 LEFT JOIN LATERAL (
                   SELECT coalesce(nullif(o.amount_baisa, 0), o.amount_omr::bigint * 1000) AS amount
                     FROM orders o
                    WHERE o.customer_id = s.customer_id AND o.tenant_id = s.tenant_id AND o.plan_id = s.plan_id
                    ORDER BY o.created_at DESC LIMIT 1) latest ON s.price_baisa IS NULL
                WHERE s.status = 'active'
                  AND (s.order_id IS NULL OR s.stripe_subscription_id IS NOT NULL OR s.current_period_end > now())`,
      });
      const { mrr = 0, customers = 0, newcomers = 0, active = 0 } = row ?? {};
      return {
        total_mrr: omrOfBaisa(mrr),
        total_mrr_baisa: mrr,
        total_customers: customers,
        new_this_month: newcomers,
        active_subscriptions: active,
        sovereign: sovereignFqdn,
      };
    },
  };
}
