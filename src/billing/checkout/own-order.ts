import type { Caller } from "../auth/token.ts";
import type { Database } from "../db/database.ts";
import {
  AFTER_ORDER_SQL,
  afterOrderKind,
  microsOf,
  orderPageOf,
  type TimePosition,
} from "../db/time-position.ts";
import { CheckoutError } from "../errors.ts";
import { requireCanceled } from "../payment/order-closing.ts";
import type { OrderPayment } from "../payment/order-payment.ts";
import { omrOfBaisa } from "../voucher/voucher.ts";

/** An order as its customer sees it. */
interface OwnOrder {
  id: string;
  tenant_id: string | null;
  plan_id: string | null;
  apps: unknown;
  addons: unknown;
  amount_omr: number;
  amount_baisa: number;
  /** Null for an order of the earlier service, which did not store it. */
  credit_spent_baisa: number | null;
  card_baisa: number | null;
  status: string | null;
  promo_code: string;
  /** The address where the customer pays. Null unless the order waits for its payment. */
  session_url: string | null;
  session_expires_at: Date | null;
  created_at: Date | null;
}

/** A signed-in customer's own orders. */
export interface OwnOrders {
  /** Newest first. Settles those whose payment page the customer has left meanwhile. */
  list(
    caller: Caller,
    limit: number,
    after?: TimePosition,
  ): Promise<{ orders: OwnOrder[]; next?: TimePosition }>;
  /**
   * Cancels an unpaid order, and returns it. An order that has ended without a payment stays as it is. Throws
   * `order_not_found`, `order_paid`, `order_processing`, `payment_unavailable`.
   */
  cancel(caller: Caller, orderId: string): Promise<OwnOrder>;
}

type OrderRow = Omit<OwnOrder, "amount_omr"> & { micros: string | null };

const COLUMNS = `o.id, o.tenant_id, o.plan_id, coalesce(o.apps, '[]') AS apps, coalesce(o.addons, '[]') AS addons,
  billing_amount_baisa(o)::float8 AS amount_baisa, o.credit_spent_baisa::float8 AS credit_spent_baisa,
  o.card_baisa::float8 AS card_baisa, o.status, coalesce(o.promo_code, '') AS promo_code, o.created_at,
  CASE WHEN o.status = 'pending' AND NOT o.cancel_requested AND o.session_expires_at > now() THEN o.session_url END AS session_url,
  o.session_expires_at, ${microsOf("o.created_at")} AS micros`;

export function createOwnOrders(deps: { database: Database; payment: OrderPayment }): OwnOrders {
  const { database, payment } = deps;

  async function read(caller: Caller, orderId: string): Promise<OwnOrder> {
    const [row] = await database.query<OrderRow>({
      name: "own-order",
      text: `SELECT ${COLUMNS} FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.id::text = $1 AND c.user_id = $2`,
      values: [orderId, caller.userId],
    });
    if (row === undefined)
      throw new CheckoutError("order_not_found", "you have no order with this id: see GET /billing/orders");
    return orderOf(row);
  }

  return {
    async list(caller, limit, after) {
      if (after === undefined) await payment.settleReturned(caller.userId);
      const from = afterOrderKind(after);
      const rows = await database.query<OrderRow>({
        name: `own-orders-${from}`,
        text: `SELECT ${COLUMNS} FROM orders o
                WHERE o.customer_id = (SELECT c.id FROM customers c WHERE c.user_id = $2) AND ${AFTER_ORDER_SQL[from]("$3", "$4")}
                ORDER BY o.created_at DESC, o.id DESC LIMIT $1`,
        values: [limit + 1, caller.userId, after?.id, after?.atMicros].slice(
          0,
          { start: 2, unknown: 3, known: 4 }[from],
        ),
      });
      const { shown, ...next } = orderPageOf(rows, limit);
      return { orders: shown.map(orderOf), ...next };
    },

    async cancel(caller, orderId) {
      const { status } = await read(caller, orderId);
      if (status === "paid") requireCanceled("paid", orderId);
      if (status === "pending") requireCanceled(await payment.cancel(orderId), orderId);
      return read(caller, orderId);
    },
  };
}

function orderOf({ micros: _, ...row }: OrderRow): OwnOrder {
  return { ...row, amount_omr: omrOfBaisa(row.amount_baisa) };
}
