import { type Database, theRow } from "../db/database.ts";
import { LEDGER_BAISA_SQL } from "../db/schema.ts";

/**
 * The money of one calendar month in UTC, in whole baisa. The amounts add up:
 * `ordered + invoiced + kept_as_credit = charged_by_card + drawn_from_credit`.
 */
interface MonthlyRevenue {
  month: string;
  sovereign: string;
  currency: string;
  /** The prices of the orders that were placed in the month. */
  ordered_baisa: number;
  /** Paid invoices of subscriptions that Stripe runs: those that the earlier service opened. */
  invoiced_baisa: number;
  /** Card payments above the price of an order, or for an order that had ended. They became the customer's credit. */
  kept_as_credit_baisa: number;
  charged_by_card_baisa: number;
  drawn_from_credit_baisa: number;
  /** Minus the credit that was taken back in the month, because the order of a redemption failed. */
  granted_by_voucher_baisa: number;
  /** Refunds to cards. */
  refunded_baisa: number;
}

type Sums = Record<
  "own_orders" | "own_credit" | "earlier_spends" | "surplus" | "granted" | "invoiced" | "refunded",
  number
>;

/** `month` is `YYYY-MM`. */
export type ReadMonthlyRevenue = (month: string) => Promise<MonthlyRevenue>;

/**
 * An order counts in the month in which its subscription was created. Of its own orders, the earlier service recorded only
 * the credit that they used. Stripe invoices what their cards paid. So that money counts once, as an invoice, and not also
 * as a surplus.
 */
export function createMonthlyRevenue(deps: {
  database: Database;
  sovereignFqdn: string;
  currency: string;
}): ReadMonthlyRevenue {
  const { database, sovereignFqdn, currency } = deps;
  return async (month) => {
    const since = new Date(`${month}-01T00:00:00Z`);
    const until = new Date(since);
    until.setUTCMonth(since.getUTCMonth() + 1);
    const rows = await database.query<Sums>({
      name: "monthly-revenue",
      text: `WITH placed AS (
                    SELECT coalesce(sum(o.amount_baisa), 0) AS own_orders, coalesce(sum(o.credit_spent_baisa), 0) AS own_credit
                      FROM subscriptions s JOIN orders o ON o.id = s.order_id AND o.status = 'paid' AND NOT o.adopted
                     WHERE s.created_at >= $1 AND s.created_at < $2),
                  booked AS (
                    SELECT coalesce(sum(amount) FILTER (WHERE kind IN ('grant', 'undo') OR (adopted AND amount > 0)), 0) AS granted,
                           coalesce(-sum(amount) FILTER (WHERE adopted AND amount < 0), 0) AS earlier_spends,
                           coalesce(sum(amount) FILTER (WHERE kind = 'surplus' AND NOT of_earlier_order), 0) AS surplus
                      FROM (SELECT ${LEDGER_BAISA_SQL} AS amount, CASE WHEN NOT l.adopted THEN l.kind END AS kind, l.adopted,
                                   CASE WHEN l.adopted OR l.kind <> 'surplus' THEN false ELSE EXISTS (
                                     SELECT FROM orders o WHERE o.id = l.order_id::uuid AND o.adopted) END AS of_earlier_order
                              FROM credit_ledger l WHERE l.created_at >= $1 AND l.created_at < $2) AS entry),
                  invoiced AS (
                    SELECT coalesce(sum(i.amount_baisa), 0) AS invoiced
                      FROM invoices i
                     WHERE coalesce(i.paid_at, i.created_at) >= $1 AND coalesce(i.paid_at, i.created_at) < $2
                       AND i.status = 'paid' AND i.order_id IS NULL AND upper(i.currency) = $3),
                  refunded AS (
                    SELECT coalesce(sum(r.amount_baisa), 0) AS refunded
                      FROM card_refunds r WHERE r.refunded_at >= $1 AND r.refunded_at < $2
                       AND EXISTS (SELECT FROM card_refunds known WHERE known.stripe_charge_id = r.stripe_charge_id
                                      AND coalesce(known.order_id, known.customer_id) IS NOT NULL))
             SELECT own_orders::float8, own_credit::float8, earlier_spends::float8, surplus::float8, granted::float8,
                    invoiced::float8, refunded::float8
               FROM placed, booked, invoiced, refunded`,
      values: [since, until, currency],
    });
    const { own_orders, own_credit, earlier_spends, surplus, granted, invoiced, refunded } = theRow(rows);
    return {
      month,
      sovereign: sovereignFqdn,
      currency,
      ordered_baisa: own_orders + earlier_spends,
      invoiced_baisa: invoiced,
      kept_as_credit_baisa: surplus,
      charged_by_card_baisa: own_orders - own_credit + surplus + invoiced,
      drawn_from_credit_baisa: own_credit + earlier_spends,
      granted_by_voucher_baisa: granted,
      refunded_baisa: refunded,
    };
  };
}
