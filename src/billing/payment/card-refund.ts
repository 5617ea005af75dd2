import type { Queryable } from "../db/database.ts";
import type { ChargeObject, RefundObject } from "./event-object.ts";

/**
 * Records the amount that a charge has refunded since its last record. Stripe sends the total of a charge, so a late or
 * repeated event adds nothing. The total leaves out refunds that failed before it, and includes those that failed after it.
 * Returns false when the charge belongs to no order or customer of this service, or when the total is already recorded.
 */
export async function recordRefundedCharge(
  transaction: Queryable,
  charge: ChargeObject,
  at: Date | null,
): Promise<boolean> {
  await lockCharge(transaction, charge.id);
  const rows = await transaction.query({
    name: "refund-record",
    text: `INSERT INTO card_refunds (id, stripe_charge_id, order_id, customer_id, amount_baisa, refunded_at)
           SELECT $1 || '/' || $2 || '/' || known.count, $1, owner.order_id, owner.customer_id, $2::bigint - known.total, coalesce($5, now())
             FROM (SELECT coalesce(sum(amount_baisa) FILTER (WHERE amount_baisa > 0 OR refunded_at <= coalesce($5, now())), 0) AS total, count(*)
                     FROM card_refunds WHERE stripe_charge_id = $1) known,
                  (SELECT o.id AS order_id, o.customer_id, 1 AS rank FROM orders o WHERE o.id = $3
                   UNION ALL
                   SELECT NULL, c.id, 2 FROM customers c WHERE c.stripe_customer_id = $4
                   ORDER BY rank LIMIT 1) owner
            WHERE $2::bigint > known.total RETURNING id`,
    values: [charge.id, charge.refundedBaisa, charge.orderId, charge.stripeCustomerId, at],
  });
  return rows.length > 0;
}

/**
 * Records a failed refund, which returns the money to the charge. Returns false when the charge is unknown. The row counts
 * as soon as a later event shows that the charge belongs to this service.
 */
export async function recordFailedRefund(
  transaction: Queryable,
  refund: RefundObject,
  at: Date | null,
): Promise<boolean> {
  await lockCharge(transaction, refund.stripeChargeId);
  const [row] = await transaction.query<{ isOurs: boolean }>({
    name: "refund-failed",
    text: `INSERT INTO card_refunds (id, stripe_charge_id, order_id, customer_id, amount_baisa, refunded_at)
           SELECT $1, $2, known.order_id, known.customer_id, -$3::bigint, coalesce($4, now())
             FROM (SELECT) one LEFT JOIN LATERAL (
                    SELECT r.order_id, r.customer_id FROM card_refunds r WHERE r.stripe_charge_id = $2 LIMIT 1) known ON true
               ON CONFLICT (id) DO NOTHING RETURNING coalesce(order_id, customer_id) IS NOT NULL AS "isOurs"`,
    values: [refund.id, refund.stripeChargeId, refund.amountBaisa, at],
  });
  return row?.isOurs === true;
}

/** Applies two events about one charge one after the other. */
async function lockCharge(transaction: Queryable, chargeId: string): Promise<void> {
  await transaction.query({
    name: "refund-lock",
    text: "SELECT pg_advisory_xact_lock(hashtextextended($1, 7))",
    values: [chargeId],
  });
}
