import type Stripe from "stripe";
import { addedMetadata, type SubscriptionOrigin, wantedMetadata } from "./subscription-origin.ts";

/** An invoice has one payment, unless a person adds others at Stripe. With these, at most eleven requests. */
const MAX_PAYMENTS = 3;
/** The event of the invoice waits for it, and Stripe waits for the answer to the event. */
const MAX_MS = 8_000;
const MAX_REQUEST_MS = 3_000;

/**
 * Adds the origin to the metadata of an invoice, of its payment intents and of their charges. Values that are there stay,
 * and so does all else. A charge copies the metadata of its payment intent only when it is created, so it is written too.
 * `foreign`: the invoice or its subscription names another Sovereign.
 */
export async function addOriginToInvoice(
  stripe: Stripe,
  stripeInvoiceId: string,
  origin: SubscriptionOrigin,
): Promise<"named" | "foreign"> {
  const wanted = wantedMetadata(origin);
  const until = performance.now() + MAX_MS;
  const options = () => ({
    timeout: Math.max(1, Math.min(MAX_REQUEST_MS, Math.floor(until - performance.now()))),
    maxNetworkRetries: 0,
  });

  async function add(
    metadata: Stripe.Metadata | null,
    update: (
      change: { metadata: Record<string, string> },
      options: Stripe.RequestOptions,
    ) => Promise<unknown>,
  ): Promise<void> {
    const added = addedMetadata(metadata ?? {}, wanted);
    if (typeof added === "object") await update({ metadata: added }, options());
  }
  const addToCharge = ({ id, metadata }: Stripe.Charge) =>
    add(metadata, (change, within) => stripe.charges.update(id, change, within));

  const invoice = await stripe.invoices.retrieve(stripeInvoiceId, { expand: ["payments"] }, options());
  const ofSubscription = invoice.parent?.subscription_details?.metadata ?? {};
  if ([invoice.metadata ?? {}, ofSubscription].some((known) => addedMetadata(known, wanted) === "foreign"))
    return "foreign";
  await add(invoice.metadata, (change, within) => stripe.invoices.update(stripeInvoiceId, change, within));
  for (const { payment } of invoice.payments?.data.slice(0, MAX_PAYMENTS) ?? []) {
    const { payment_intent: intentId, charge: chargeId } = payment;
    if (typeof intentId === "string") {
      const intent = await stripe.paymentIntents.retrieve(intentId, { expand: ["latest_charge"] }, options());
      await add(intent.metadata, (change, within) => stripe.paymentIntents.update(intentId, change, within));
      if (typeof intent.latest_charge === "object" && intent.latest_charge !== null)
        await addToCharge(intent.latest_charge);
    } else if (typeof chargeId === "string") {
      await addToCharge(await stripe.charges.retrieve(chargeId, {}, options()));
    }
  }
  return "named";
}
