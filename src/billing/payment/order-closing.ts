import { errorMessage } from "../../platform/errors.ts";
import type { Logger } from "../../platform/log.ts";
import { type Database, theRow } from "../db/database.ts";
import { CheckoutError, PaymentError } from "../errors.ts";
import type { CountPlacedOrder } from "../metric.ts";
import { UnusableObjectError } from "./event-object.ts";
import type { PaymentProcessor, Session } from "./processor.ts";
import type { PaymentSettingsService } from "./settings.ts";
import { CREDITED_MESSAGE, type SessionSettlement } from "./settlement.ts";

/** A pending order that has a session. */
export interface OpenOrder {
  orderId: string;
  sessionId: string;
  /** The customer gave the order up: its session is expired if it is still open. */
  isCancelRequested: boolean;
  /** The customer has placed the same order again. If the session has ended, the order stays pending, so that the caller cancels it. */
  isOrderedAgain?: boolean;
}

type SettledOrder =
  | "paid"
  /** The order has ended without a payment, or its payment became credit. */
  | "ended"
  | "open"
  /** The customer has paid by a method whose money arrives later. */
  | "processing"
  /** The account that the key belongs to has no such session. */
  | "missing"
  /** Paid, with an amount or currency that a person must look at. */
  | "unusable";

export interface OrderClosing {
  /** Reads the order's session from the processor, and settles the order accordingly. */
  settle(order: OpenOrder): Promise<SettledOrder>;
  /**
   * Cancels a customer's unpaid order: expires its session, and releases its voucher and its credit. The intent is written
   * first, so that a crash or Stripe's own event in between leads to the same end. Returns the state of the order, which
   * may have been paid just before. Throws `payment_unavailable` when the processor does not answer.
   */
  cancel(orderId: string): Promise<"canceled" | "paid" | "processing">;
  /** Settles the customer's orders whose session has ended, when the customer returns from the payment page. */
  settleReturned(userId: string): Promise<void>;
}

/** Each order's session is read at most this often for its customer. */
const ASK_AGAIN = "2 seconds";
const MAX_RETURNED = 3;

export function createOrderClosing(deps: {
  database: Database;
  settings: PaymentSettingsService;
  processor: PaymentProcessor;
  settlement: SessionSettlement;
  countPlacedOrder: CountPlacedOrder;
  logger: Logger;
}): OrderClosing {
  const { database, settings, processor, settlement, countPlacedOrder, logger } = deps;

  async function pay(orderId: string, session: Session): Promise<SettledOrder> {
    try {
      // The session does not say whether its subscription has ended since. Events of any later time must count.
      const { outcome, hasRedeemed } = await settlement.pay(orderId, session, session.createdAt);
      if (outcome === "paid") countPlacedOrder(hasRedeemed);
      if (outcome === "credited") logger.warn({ orderId, sessionId: session.id }, CREDITED_MESSAGE);
      // Unknown: an event settled the order meanwhile.
      return outcome === "credited" ? "ended" : "paid";
    } catch (error) {
      if (!(error instanceof UnusableObjectError)) throw error;
      logger.error(
        { orderId, sessionId: session.id, reason: error.message },
        "a session was paid with an amount or currency that cannot be used: the order stays pending, and a person must look at it",
      );
      return "unusable";
    }
  }

  async function apply(order: OpenOrder, session: Session | "missing"): Promise<SettledOrder> {
    const { orderId, sessionId, isCancelRequested, isOrderedAgain = false } = order;
    if (session === "missing" && !isCancelRequested) return "missing";
    if (session === "missing" || session.status === "expired") {
      if (!isOrderedAgain) await settlement.expire(orderId, sessionId);
      return "ended";
    }
    if (session.isPaid) return pay(orderId, session);
    return session.status === "open" ? "open" : "processing";
  }

  async function settle(order: OpenOrder): Promise<SettledOrder> {
    const { secretKey } = await settings.keys();
    // Without a key the session cannot be read, and the customer must not wait for it.
    if (secretKey === "") return apply(order, "missing");
    return apply(
      order,
      order.isCancelRequested
        ? await processor.closeSession(secretKey, order.sessionId)
        : await processor.readSession(secretKey, order.sessionId),
    );
  }

  return {
    settle,

    async cancel(orderId) {
      for (;;) {
        const order = await requestCancel(database, orderId);
        if (order === undefined) return readEnd(database, orderId);
        const { sessionId } = order;
        if (sessionId === null) {
          if (await settlement.expire(orderId, null)) return "canceled";
          // The order has received its session meanwhile, or has ended.
          continue;
        }
        const settled = await settle({ orderId, sessionId, isCancelRequested: true });
        switch (settled) {
          case "ended":
          case "missing":
            return "canceled";
          case "paid":
            return "paid";
          case "processing":
          case "unusable":
            return "processing";
          case "open":
            throw new PaymentError(
              "payment_unavailable",
              "the payment session could not be closed: try again in a moment",
            );
        }
      }
    },

    async settleReturned(userId) {
      const { secretKey } = await settings.keys();
      if (secretKey === "") return;
      const returned = await database.query<OpenOrder>({
        name: "orders-returned",
        text: `UPDATE orders SET session_asked_at = now()
                WHERE id IN (
                  SELECT o.id FROM orders o JOIN customers c ON c.id = o.customer_id
                   WHERE c.user_id = $1 AND o.status = 'pending' AND NOT o.adopted AND o.stripe_session_id IS NOT NULL
                     AND coalesce(o.session_asked_at, '-infinity') < now() - interval '${ASK_AGAIN}'
                   ORDER BY o.created_at DESC LIMIT ${MAX_RETURNED} FOR NO KEY UPDATE OF o SKIP LOCKED)
               RETURNING id AS "orderId", stripe_session_id AS "sessionId", cancel_requested AS "isCancelRequested"`,
        values: [userId],
      });
      await Promise.all(
        returned.map(async (order) => {
          try {
            await apply(order, await processor.readSession(secretKey, order.sessionId, { isQuick: true }));
          } catch (error) {
            logger.warn(
              { orderId: order.orderId, reason: errorMessage(error) },
              "an order could not be settled for its customer: the sweeper does it later",
            );
          }
        }),
      );
    },
  };
}

/** Undefined: the order is not pending. */
async function requestCancel(
  database: Database,
  orderId: string,
): Promise<{ sessionId: string | null } | undefined> {
  const [order] = await database.query<{ sessionId: string | null }>({
    name: "order-cancel-request",
    text: `UPDATE orders SET cancel_requested = true, session_look_at = now() WHERE id = $1 AND status = 'pending'
           RETURNING nullif(stripe_session_id, '') AS "sessionId"`,
    values: [orderId],
  });
  return order;
}

const UNPAID_ENDS: readonly (string | null)[] = ["failed", "expired", "canceled", "credited"];

async function readEnd(database: Database, orderId: string): Promise<"canceled" | "paid"> {
  const { status } = theRow(
    await database.query<{ status: string | null }>({
      name: "order-status",
      text: "SELECT status FROM orders WHERE id = $1",
      values: [orderId],
    }),
  );
  return UNPAID_ENDS.includes(status) ? "canceled" : "paid";
}

/** Throws `order_paid` or `order_processing` for an order that could not be canceled. */
export function requireCanceled(end: "canceled" | "paid" | "processing", orderId: string): void {
  switch (end) {
    case "canceled":
      return;
    case "paid":
      throw new CheckoutError(
        "order_paid",
        `order ${orderId} is paid, so it was neither canceled nor replaced: see GET /billing/orders`,
      );
    case "processing":
      throw new CheckoutError(
        "order_processing",
        `order ${orderId} is paid by a method whose money arrives later: wait until it is settled`,
      );
  }
}
