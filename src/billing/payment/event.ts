import type Stripe from "stripe";
import type { Logger } from "../../platform/log.ts";
import type { CountPlaced } from "../checkout/checkout.ts";
import type { Database, Queryable } from "../db/database.ts";
import { PaymentError, RequestError } from "../errors.ts";
import { sessionOf } from "./processor.ts";
import type { PaymentSettingsService } from "./settings.ts";
import type { PaidOrder, SessionSettlement } from "./settlement.ts";
import { recordInvoice, recordSubscription } from "./stripe-record.ts";

/** Takes the payment processor's events: verified by signature over the raw body, applied once each. */
export type PaymentEventReceiver = (rawBody: Buffer, signature: string | undefined) => Promise<void>;

export type EventOutcome = "applied" | "ignored" | "credited" | "duplicate";

const TOLERANCE_S = 300;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export function createPaymentEventReceiver(deps: {
  database: Database;
  settings: PaymentSettingsService;
  settlement: SessionSettlement;
  now: () => Date;
  logger: Logger;
  /** Hears of each event, by its type. */
  count: (type: string, outcome: EventOutcome) => void;
  countPlaced: CountPlaced;
}): PaymentEventReceiver {
  const { database, settings, settlement, now, logger, count, countPlaced } = deps;

  /** In the transaction that records the event, so that it is applied once or not at all. */
  async function apply(
    event: Stripe.Event,
    transaction: Queryable,
    onPaid: (order: PaidOrder) => void,
  ): Promise<EventOutcome> {
    switch (event.type) {
      case "checkout.session.completed":
      case "checkout.session.async_payment_succeeded": {
        const session = sessionOf(event.data.object);
        // A method that pays later: the money is announced by an event of its own.
        if (!session.isPaid) return "ignored";
        const paid = await settlement.pay(orderIdOf(event.data.object), session, transaction);
        onPaid(paid);
        const { outcome } = paid;
        if (outcome === "credited")
          logger.warn(
            { eventId: event.id },
            "a payment came for an order that was given up: it is credit now",
          );
        return outcome === "unknown" ? "ignored" : outcome === "credited" ? "credited" : "applied";
      }
      case "checkout.session.expired":
      case "checkout.session.async_payment_failed":
        await settlement.expire(orderIdOf(event.data.object), event.data.object.id, transaction);
        return "applied";
      case "invoice.finalized":
      case "invoice.paid":
      case "invoice.payment_failed":
      case "invoice.voided":
      case "invoice.marked_uncollectible":
        return (await recordInvoice(transaction, event.data.object)) ? "applied" : "ignored";
      case "customer.subscription.updated":
      case "customer.subscription.deleted":
        return (await recordSubscription(transaction, event.data.object, event.created))
          ? "applied"
          : "ignored";
      default:
        return "ignored";
    }
  }

  return async (rawBody, signature) => {
    const { webhookSecret } = await settings.keys();
    if (webhookSecret === "") {
      throw new PaymentError(
        "payment_unavailable",
        "no webhook secret is configured: set stripe_webhook_secret in the settings",
      );
    }
    const event = await verify(rawBody, signature ?? "", webhookSecret, now());
    let paid: PaidOrder | undefined;
    const outcome = await database.transaction(async (transaction): Promise<EventOutcome> => {
      const [fresh] = await transaction.query<{ event_id: string }>({
        name: "payment-event",
        text: "INSERT INTO stripe_webhook_events (event_id, event_type) VALUES ($1, $2) ON CONFLICT (event_id) DO NOTHING RETURNING event_id",
        values: [event.id, event.type],
      });
      return fresh === undefined
        ? "duplicate"
        : apply(event, transaction, (order) => {
            paid = order;
          });
    });
    count(event.type, outcome);
    if (paid?.outcome === "paid") countPlaced(paid.hasRedeemed);
  };
}

async function verify(rawBody: Buffer, signature: string, secret: string, at: Date): Promise<Stripe.Event> {
  const { default: StripeClient } = await import("stripe");
  let event: Stripe.Event;
  try {
    event = StripeClient.webhooks.constructEvent(
      rawBody,
      signature,
      secret,
      TOLERANCE_S,
      undefined,
      at.getTime(),
    );
  } catch (cause) {
    throw new RequestError(
      "signature_invalid",
      "Stripe-Signature does not hold for this body: check the webhook secret",
      { cause: cause instanceof StripeClient.errors.StripeSignatureVerificationError ? undefined : cause },
    );
  }
  const isName = (value: unknown) => typeof value === "string" && /^[\w.:-]{1,255}$/.test(value);
  if (
    !isName(event?.id) ||
    !isName(event.type) ||
    typeof event.data?.object !== "object" ||
    event.data.object === null
  ) {
    throw new RequestError("request_invalid", "the body is no event: it needs id, type and data.object");
  }
  return event;
}

/** Null for a session that is not ours: an account may serve others too. */
function orderIdOf(session: Stripe.Checkout.Session): string | null {
  const id = session.client_reference_id ?? session.metadata?.order_id ?? "";
  return UUID.test(id) ? id : null;
}
