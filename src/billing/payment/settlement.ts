import { type Queryable, theRow } from "../db/database.ts";
import type { Session } from "./processor.ts";

export interface PaidOrder {
  /** `credited`: the order had been given up, and the money is the customer's credit. */
  outcome: "paid" | "credited" | "unknown";
  hasRedeemed: boolean;
}

/** What becomes of a pending order: one call each, which looks again under the order's lock. */
export interface SessionSettlement {
  pay(orderId: string | null, session: Session, within?: Queryable): Promise<PaidOrder>;
  expire(orderId: string | null, sessionId: string, within?: Queryable): Promise<void>;
}

export function createSessionSettlement(deps: {
  database: Queryable;
  sovereignFqdn: string;
  outboxSinks: readonly string[];
}): SessionSettlement {
  const { database, sovereignFqdn, outboxSinks } = deps;
  return {
    async pay(orderId, session, within = database) {
      const rows = await within.query<PaidOrder>({
        name: "order-pay",
        text: `SELECT billing_pay_order($1, $2, $3, $4, $5, $6) AS outcome,
                      EXISTS (SELECT FROM orders o WHERE o.promo_code <> '' AND (o.id = $1 OR o.stripe_session_id = $2)) AS "hasRedeemed"`,
        values: [
          orderId,
          session.id,
          session.amountBaisa,
          session.stripeCustomerId,
          sovereignFqdn,
          outboxSinks,
        ],
      });
      return theRow(rows);
    },
    async expire(orderId, sessionId, within = database) {
      await within.query({
        name: "order-expire",
        text: "SELECT billing_expire_order($1, $2)",
        values: [orderId, sessionId],
      });
    },
  };
}
