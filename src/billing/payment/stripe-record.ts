import type Stripe from "stripe";
import type { Queryable } from "../db/database.ts";
import { baisaOfMinor } from "./currency.ts";

/** A subscription as events carry it: its period moved to the items with the API version of 2025-03. */
interface SubscriptionPeriods {
  current_period_start?: number | null;
  current_period_end?: number | null;
}

const idOf = (reference: string | { id: string } | null | undefined): string | null =>
  typeof reference === "string" ? reference : (reference?.id ?? null);

const timeOf = (seconds: number | null | undefined): Date | null =>
  typeof seconds === "number" ? new Date(seconds * 1000) : null;

/**
 * Keeps our row of the processor's invoice. Its tenant is that of the order it names, else of its subscription, else of its
 * customer. Events come in any order, and a status never goes back: from draft and open to uncollectible, from there to void,
 * and paid is the last word, also on an invoice that was voided here with its tenant. False when the invoice is nobody's here,
 * or further than the event says.
 */
export async function recordInvoice(transaction: Queryable, invoice: Stripe.Invoice): Promise<boolean> {
  const older = invoice as Stripe.Invoice & { subscription?: string | { id: string } | null };
  const rows = await transaction.query({
    name: "invoice-record",
    text: `INSERT INTO invoices AS i (customer_id, tenant_id, stripe_invoice_id, amount_omr, amount_baisa, currency, status, period_start, period_end, pdf_url)
           SELECT owner.customer_id, owner.tenant_id, $1, trunc($2::bigint / 1000.0)::int, $2::bigint, $3, $4, $5, $6, $7
             FROM (SELECT o.customer_id, o.tenant_id, 1 AS rank FROM orders o WHERE o.id::text = $8
                   UNION ALL
                   SELECT s.customer_id, s.tenant_id, 2 FROM subscriptions s WHERE s.stripe_subscription_id = $9
                   UNION ALL
                   SELECT c.id, c.tenant_id, 3 FROM customers c WHERE c.stripe_customer_id = $10
                   ORDER BY rank LIMIT 1) owner
           ON CONFLICT (stripe_invoice_id) DO UPDATE
              SET status = EXCLUDED.status, amount_omr = EXCLUDED.amount_omr, amount_baisa = EXCLUDED.amount_baisa,
                  period_start = EXCLUDED.period_start, period_end = EXCLUDED.period_end, pdf_url = EXCLUDED.pdf_url
            WHERE array_position(ARRAY['draft', 'open', 'uncollectible', 'void', 'paid'], EXCLUDED.status)
                  >= coalesce(array_position(ARRAY['draft', 'open', 'uncollectible', 'void', 'paid'], i.status), 0)
           RETURNING id`,
    values: [
      invoice.id,
      baisaOfMinor(invoice.total, invoice.currency),
      invoice.currency,
      invoice.status,
      timeOf(invoice.period_start),
      timeOf(invoice.period_end),
      invoice.invoice_pdf ?? null,
      invoice.metadata?.order_id ?? null,
      idOf(older.subscription ?? invoice.parent?.subscription_details?.subscription),
      idOf(invoice.customer),
    ],
  });
  return rows.length > 0;
}

/**
 * Follows a subscription that the processor runs: the earlier service left some. The latest word counts, whenever it
 * arrives. False when the subscription is nobody's here.
 */
export async function recordSubscription(
  transaction: Queryable,
  subscription: Stripe.Subscription & SubscriptionPeriods,
  eventCreated: number,
): Promise<boolean> {
  const item: SubscriptionPeriods = subscription.items?.data[0] ?? {};
  const rows = await transaction.query({
    name: "subscription-record",
    text: `UPDATE subscriptions
              SET status = $2, current_period_start = coalesce($3, current_period_start),
                  current_period_end = coalesce($4, current_period_end), stripe_event_at = $5, updated_at = now()
            WHERE stripe_subscription_id = $1 AND (stripe_event_at IS NULL OR stripe_event_at <= $5)
              AND status IS DISTINCT FROM 'canceled'
           RETURNING id`,
    values: [
      subscription.id,
      subscription.status,
      timeOf(subscription.current_period_start ?? item.current_period_start),
      timeOf(subscription.current_period_end ?? item.current_period_end),
      timeOf(eventCreated),
    ],
  });
  return rows.length > 0;
}
