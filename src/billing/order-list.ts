import type { Queryable } from "./db/database.ts";

/** Where a page of orders ended. */
export interface OrderPosition {
  /** Microseconds since 1970; null for adopted orders that nobody dated, which come first. */
  createdMicros: string | null;
  orderId: string;
}

export interface OrderRow {
  id: string;
  amount_baisa: number;
}

export interface OrderPage {
  orders: OrderRow[];
  /** Where the next page begins; absent on the last one. */
  next?: OrderPosition;
}

// `(created_at, id) < (…)` is what the index orders_created_idx understands; it knows no null.
const AFTER = {
  beginning: "true",
  undated: "(o.created_at IS NULL AND o.id < $2 OR o.created_at IS NOT NULL)",
  dated: "(o.created_at, o.id) < (timestamptz 'epoch' + $3::bigint * interval '1 microsecond', $2)",
};

/** Orders, newest first. */
export async function listOrders(
  database: Queryable,
  limit: number,
  after: OrderPosition | undefined,
): Promise<OrderPage> {
  const part = after === undefined ? "beginning" : after.createdMicros === null ? "undated" : "dated";
  // Adopted orders may hold their amount in whole OMR alone; 1 OMR is 1000 baisa by definition.
  const rows = await database.query<OrderRow & { created_micros: string | null }>({
    name: `orders-${part}`,
    text: `SELECT o.id, o.customer_id, o.tenant_id, o.plan_id, coalesce(o.apps, '[]') AS apps, coalesce(o.addons, '[]') AS addons,
                  coalesce(nullif(o.amount_baisa, 0), o.amount_omr::bigint * 1000, 0)::float8 AS amount_baisa, o.status,
                  coalesce(o.stripe_session_id, '') AS stripe_session_id, o.created_at, coalesce(o.promo_code, '') AS promo_code,
                  (p.deleted_at IS NOT NULL) AS promo_deleted,
                  (extract(epoch FROM o.created_at) * 1000000)::bigint::text AS created_micros
             FROM orders o LEFT JOIN promo_codes p ON p.code = o.promo_code
            WHERE ${AFTER[part]}
            ORDER BY o.created_at DESC, o.id DESC LIMIT $1`,
    values: [limit + 1, after?.orderId, after?.createdMicros].filter(
      (value) => value !== undefined && value !== null,
    ),
  });
  const orders = rows.slice(0, limit).map(({ created_micros: _, ...order }) => order);
  const last = rows.length > limit ? rows[limit - 1] : undefined;
  return last === undefined
    ? { orders }
    : { orders, next: { createdMicros: last.created_micros, orderId: last.id } };
}
