import { mergedMetadata, type StripeFields } from "./stripe-subscription.ts";

/** Invoices, payment intents and charges of the tests' Stripe, by their ids. References to others are ids. */
export type StripePayments = Map<string, { metadata: StripeFields; [member: string]: unknown }>;

/**
 * Reads or changes an invoice, a payment intent or a charge. Its payments and its latest charge are answered as Stripe does: only
 * on request.
 */
export function answerPayment(
  payments: StripePayments,
  method: string,
  id: string,
  fields: StripeFields,
  expanded: readonly string[],
): { status: number; body: unknown } {
  const known = payments.get(id);
  if (known === undefined) {
    const error = { type: "invalid_request_error", code: "resource_missing", message: "no such object" };
    return { status: 404, body: { error } };
  }
  const metadata = method === "POST" ? mergedMetadata(known.metadata, fields) : known.metadata;
  payments.set(id, { ...known, metadata });
  const { payments: ofInvoice, latest_charge: charge, ...members } = known;
  const body = {
    ...{ id, ...members, metadata },
    ...(expanded.includes("payments") ? { payments: { object: "list", data: ofInvoice ?? [] } } : {}),
    latest_charge:
      typeof charge === "string" && expanded.includes("latest_charge")
        ? { id: charge, ...payments.get(charge) }
        : (charge ?? null),
  };
  return { status: 200, body };
}
