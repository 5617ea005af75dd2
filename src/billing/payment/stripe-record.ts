import { type Queryable, theRow } from "../db/database.ts";
import type { InvoiceObject, SubscriptionObject } from "./event-object.ts";

/**
 * Writes our row of the processor's invoice. Its tenant is that of the order that the invoice names. Without an order, it
 * is that of the subscription. Without either, it is the tenant under which the customer is registered, but only if the
 * tenant belongs to the customer: others must not see the invoice. An order of the earlier service counts as none, because
 * this service wrote its id into each invoice of the order's subscription, and those are revenue beside the order. Events
 * come in any order, so a status only advances: draft, open, uncollectible, void, paid. `paid` also replaces `void`, which we
 * set when the tenant was deleted. Returns false when the invoice belongs to no customer of this service, or its stored
 * status is later than the event's.
 */
export async function recordInvoice(transaction: Queryable, invoice: InvoiceObject): Promise<boolean> {
  // A session that completes at the same time either finds this invoice, or has created the subscription.
  if (invoice.stripeSubscriptionId !== null)
    await transaction.query({
      name: "invoice-subscription-lock",
      text: "SELECT pg_advisory_xact_lock(hashtextextended($1, 6))",
      values: [invoice.stripeSubscriptionId],
    });
  const rows = await transaction.query({
    name: "invoice-record",
    text: `INSERT INTO invoices AS i (customer_id, tenant_id, stripe_invoice_id, amount_omr, amount_baisa, currency, status, period_start, period_end, pdf_url, order_id, paid_at, stripe_subscription_id)
           SELECT owner.customer_id, owner.tenant_id, $1, trunc($2::bigint / 1000.0)::int, $2::bigint, $3, $4, $5, $6, $7, owner.order_id, $11, $9
             FROM (SELECT o.customer_id, o.tenant_id, o.id AS order_id, 1 AS rank FROM orders o WHERE o.id = $8 AND NOT o.adopted
                   UNION ALL
                   SELECT s.customer_id, s.tenant_id, NULL, 2 FROM subscriptions s WHERE s.stripe_subscription_id = $9
                   UNION ALL
                   SELECT c.id, t.tenant_id, NULL, 3 FROM customers c LEFT JOIN tenants t ON t.tenant_id = c.tenant_id AND t.customer_id = c.id
                    WHERE c.stripe_customer_id = $10
                   ORDER BY rank LIMIT 1) owner
           ON CONFLICT (stripe_invoice_id) DO UPDATE
              SET status = EXCLUDED.status, amount_omr = EXCLUDED.amount_omr, amount_baisa = EXCLUDED.amount_baisa,
                  period_start = EXCLUDED.period_start, period_end = EXCLUDED.period_end, pdf_url = EXCLUDED.pdf_url,
                  tenant_id = coalesce(i.tenant_id, EXCLUDED.tenant_id), order_id = coalesce(EXCLUDED.order_id, i.order_id),
                  stripe_subscription_id = coalesce(EXCLUDED.stripe_subscription_id, i.stripe_subscription_id), paid_at = coalesce(EXCLUDED.paid_at, i.paid_at)
            WHERE array_position(ARRAY['draft', 'open', 'uncollectible', 'void', 'paid'], EXCLUDED.status)
                  >= coalesce(array_position(ARRAY['draft', 'open', 'uncollectible', 'void', 'paid'], i.status), 0)
           RETURNING id`,
    values: [
      invoice.id,
      invoice.amountBaisa,
      invoice.currency,
      invoice.status,
      invoice.periodStart,
      invoice.periodEnd,
      invoice.pdfUrl,
      invoice.orderId,
      invoice.stripeSubscriptionId,
      invoice.stripeCustomerId,
      invoice.paidAt,
    ],
  });
  return rows.length > 0;
}

/**
 * Records the state of a subscription at the processor. The earlier service opened such subscriptions. Events come in any
 * order, and the one with the latest time counts. `undecided`: another event of the same second says something else, and
 * nothing was recorded. `isAnswer`: the state is Stripe's answer, or the event's own where Stripe cannot be asked; it counts
 * against an event of the same second. `ignored`: no row of this service changed.
 */
export async function recordSubscription(
  transaction: Queryable,
  { id, status, periodStart, periodEnd }: SubscriptionObject,
  asOf: Date | null,
  isAnswer: boolean,
): Promise<"applied" | "ignored" | "undecided"> {
  const rows = await transaction.query<{ outcome: "applied" | "ignored" | "undecided" }>({
    name: "subscription-record",
    text: "SELECT billing_record_subscription($1, $2, $3, $4, $5, $6) AS outcome",
    values: [id, status, periodStart, periodEnd, asOf, isAnswer],
  });
  return theRow(rows).outcome;
}
