import type { Database } from "../db/database.ts";
import {
  AFTER_ORDER_SQL,
  afterOrderKind,
  microsOf,
  orderPageOf,
  type TimePosition,
} from "../db/time-position.ts";
import { omrOfBaisa } from "../voucher/voucher.ts";
import { SUBSCRIPTION_STATUS_SQL } from "./subscription-status.ts";

/** The orders and revenue of one Sovereign, for the platform's revenue roll-up. */
export interface RevenueService {
  /** Newest first, after adopted orders without a date. */
  orders(limit: number, after?: TimePosition): Promise<OrderPage>;
  revenue(): Promise<Record<string, unknown>>;
}

interface OrderPage {
  orders: Record<string, unknown>[];
  /** The position of the next page. Absent on the last page. */
  next?: TimePosition;
}

export function createRevenueService(deps: { database: Database; sovereignFqdn: string }): RevenueService {
  const { database, sovereignFqdn } = deps;
  return {
    async orders(limit, after) {
      const from = afterOrderKind(after);
      // Adopted orders may have their amount only in whole OMR.
      const rows = await database.query<{ id: string; amount_baisa: number; micros: string | null }>({
        name: `orders-${from}`,
        text: `SELECT o.id, o.customer_id, o.tenant_id, o.plan_id, coalesce(o.apps, '[]') AS apps, coalesce(o.addons, '[]') AS addons,
                      coalesce(nullif(o.amount_baisa, 0), o.amount_omr::bigint * 1000, 0)::float8 AS amount_baisa, o.status,
                      coalesce(o.stripe_session_id, '') AS stripe_session_id, o.created_at, coalesce(o.promo_code, '') AS promo_code,
                      (p.deleted_at IS NOT NULL) AS promo_deleted, ${microsOf("o.created_at")} AS micros
                 FROM orders o LEFT JOIN promo_codes p ON p.code = o.promo_code
                WHERE ${AFTER_ORDER_SQL[from]("$2", "$3")}
                ORDER BY o.created_at DESC, o.id DESC LIMIT $1`,
        values: [limit + 1, after?.id, after?.atMicros].slice(0, { start: 1, unknown: 2, known: 3 }[from]),
      });
      const { shown, ...next } = orderPageOf(rows, limit);
      return {
        orders: shown.map(({ micros, ...order }) => ({
          ...order,
          amount_omr: omrOfBaisa(order.amount_baisa),
          sovereign: sovereignFqdn,
        })),
        ...next,
      };
    },

    async revenue() {
      // Each active subscription counts once, at its own price. An adopted one counts at the price of the latest order for its
      // plan.
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
                WHERE s.status = 'active' AND ${SUBSCRIPTION_STATUS_SQL} = 'active'`,
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
