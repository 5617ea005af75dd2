import type pg from "pg";
import { UUID } from "../db/uuid.ts";
import { presentSubscriptionSql } from "./subscription-status.ts";

/** The subscription of the tenant that an order is for. */
export interface TenantSubscription {
  order: string;
  /** Stripe's statuses, and `expired`; null when the tenant has no subscription. */
  status: string | null;
  periodEndsAt: Date | null;
}

const BATCH = 1_000;

/**
 * The subscriptions of the tenants of these orders, each as `GET /billing/subscription/{tenantId}` returns it. Unknown
 * orders are left out.
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
      text: `SELECT o.id::text AS "order", present.now_status AS status, present.current_period_end AS "periodEndsAt"
               FROM public.orders o
               LEFT JOIN LATERAL (${presentSubscriptionSql("o.tenant_id")}) AS present ON true
              WHERE o.id = ANY ($1::uuid[])`,
      values: [known.slice(from, from + BATCH)],
    });
    found.push(...rows);
  }
  return found;
}
