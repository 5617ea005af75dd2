import { type Queryable, theRow } from "../db/database.ts";
import { paidBaisaOf, type SessionObject } from "./event-object.ts";

export interface PaidOrder {
  /** `credited`: the order had already ended, so the amount was added to the customer's credit. */
  outcome: "paid" | "credited" | "unknown";
  hasRedeemed: boolean;
}

/** The log message for an order that was `credited`. */
export const CREDITED_MESSAGE =
  "a payment arrived for an order that could not be placed any more: the amount was added to the customer's credit";

type PaidSession = Pick<
  SessionObject,
  "id" | "amount" | "currency" | "stripeCustomerId" | "stripeSubscriptionId"
>;

/** Ends a pending order. Each method is one database call, which reads the order again under its lock. */
export interface SessionSettlement {
  /**
   * `asOf` is the time of Stripe's event or answer. Throws `UnusableObjectError` when the paid amount or currency is
   * unusable for an order of ours. A person must then look at the payment.
   */
  pay(
    orderId: string | null,
    session: PaidSession,
    asOf: Date | null,
    within?: Queryable,
  ): Promise<PaidOrder>;
  /**
   * `sessionId` null: the order has no session, and its customer canceled it. Returns false when the order does not exist,
   * has ended, or has another session.
   */
  expire(orderId: string | null, sessionId: string | null, within?: Queryable): Promise<boolean>;
}

export function createSessionSettlement(deps: {
  database: Queryable;
  sovereignFqdn: string;
  outboxSinks: readonly string[];
  /** ISO 4217. Payments in another currency are not accepted. */
  currency: string;
}): SessionSettlement {
  const { database, sovereignFqdn, outboxSinks, currency } = deps;

  async function isOurs(orderId: string | null, sessionId: string, within: Queryable): Promise<boolean> {
    const rows = await within.query({
      name: "order-of-session",
      text: "SELECT FROM orders o WHERE o.id = $1 OR o.stripe_session_id = $2 LIMIT 1",
      values: [orderId, sessionId],
    });
    return rows.length > 0;
  }

  return {
    async pay(orderId, session, asOf, within = database) {
      if (!(await isOurs(orderId, session.id, within))) return { outcome: "unknown", hasRedeemed: false };
      const rows = await within.query<PaidOrder>({
        name: "order-pay",
        text: `SELECT billing_pay_order($1, $2, $3, $4, $5, $6, $7, $8) AS outcome,
                      EXISTS (SELECT FROM orders o WHERE o.promo_code <> '' AND (o.id = $1 OR o.stripe_session_id = $2)) AS "hasRedeemed"`,
        values: [
          orderId,
          session.id,
          paidBaisaOf(session, currency),
          session.stripeCustomerId,
          session.stripeSubscriptionId,
          asOf,
          sovereignFqdn,
          outboxSinks,
        ],
      });
      return theRow(rows);
    },
    async expire(orderId, sessionId, within = database) {
      const rows = await within.query<{ changed: boolean }>({
        name: "order-expire",
        text: "SELECT billing_expire_order($1, $2) AS changed",
        values: [orderId, sessionId],
      });
      return theRow(rows).changed;
    },
  };
}
