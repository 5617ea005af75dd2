import type Stripe from "stripe";
import type { Logger } from "../../platform/log.ts";
import { type Database, describeRefusal, isTaken, type Queryable } from "../db/database.ts";
import { PaymentError, RequestError } from "../errors.ts";
import type { CountPlacedOrder } from "../metric.ts";
import {
  parseInvoiceObject,
  parseSessionObject,
  parseSubscriptionObject,
  timeOf,
  UnusableObjectError,
} from "./event-object.ts";
import type { PaymentSettingsService } from "./settings.ts";
import type { PaidOrder, SessionSettlement } from "./settlement.ts";
import { recordInvoice, recordSubscription } from "./stripe-record.ts";

/** Takes the payment processor's events: verified by signature over the raw body, applied once each. */
export type PaymentEventReceiver = (rawBody: Buffer, signature: string | undefined) => Promise<void>;

export type EventOutcome = "applied" | "ignored" | "credited" | "duplicate" | "unusable";

interface PaymentEvent {
  id: string;
  type: string;
  created?: unknown;
  data: { object: object };
}

const TOLERANCE_S = 300;
const HANDLED: ReadonlySet<string> = new Set<Stripe.Event["type"]>([
  "checkout.session.completed",
  "checkout.session.async_payment_succeeded",
  "checkout.session.expired",
  "checkout.session.async_payment_failed",
  "invoice.finalized",
  "invoice.paid",
  "invoice.payment_failed",
  "invoice.voided",
  "invoice.marked_uncollectible",
  "customer.subscription.updated",
  "customer.subscription.deleted",
]);

export function createPaymentEventReceiver(deps: {
  database: Database;
  settings: PaymentSettingsService;
  settlement: SessionSettlement;
  now: () => Date;
  logger: Logger;
  /** Hears of each event, by its type: one that we handle, or `other`. */
  count: (type: string, outcome: EventOutcome) => void;
  countPlacedOrder: CountPlacedOrder;
}): PaymentEventReceiver {
  const { database, settings, settlement, now, logger, count, countPlacedOrder } = deps;

  /** In the transaction that records the event, so that it is applied once or not at all. */
  async function apply(
    event: PaymentEvent,
    transaction: Queryable,
    onPaid: (order: PaidOrder) => void,
  ): Promise<EventOutcome> {
    const { object } = event.data;
    switch (event.type) {
      case "checkout.session.completed":
      case "checkout.session.async_payment_succeeded": {
        const session = parseSessionObject(object);
        // A method that pays later: the money is announced by an event of its own.
        if (!session.isPaid) return "ignored";
        const paid = await settlement.pay(session.orderId, session, transaction);
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
      case "checkout.session.async_payment_failed": {
        const session = parseSessionObject(object);
        await settlement.expire(session.orderId, session.id, transaction);
        return "applied";
      }
      case "invoice.finalized":
      case "invoice.paid":
      case "invoice.payment_failed":
      case "invoice.voided":
      case "invoice.marked_uncollectible":
        return (await recordInvoice(transaction, parseInvoiceObject(object))) ? "applied" : "ignored";
      case "customer.subscription.updated":
      case "customer.subscription.deleted": {
        const subscription = parseSubscriptionObject(object);
        const isOurs = await recordSubscription(transaction, subscription, timeOf(event, "created"));
        return isOurs ? "applied" : "ignored";
      }
      default:
        return "ignored";
    }
  }

  /** Once, or not at all. What cannot be used leaves no trace of its event either: sent again later, it may be of use. */
  async function applyOnce(
    event: PaymentEvent,
    onPaid: (order: PaidOrder) => void,
    isAgain = false,
  ): Promise<EventOutcome> {
    try {
      return await database.transaction(async (transaction): Promise<EventOutcome> => {
        const [fresh] = await transaction.query<{ event_id: string }>({
          name: "payment-event",
          text: "INSERT INTO stripe_webhook_events (event_id, event_type) VALUES ($1, $2) ON CONFLICT (event_id) DO NOTHING RETURNING event_id",
          values: [event.id, event.type],
        });
        return fresh === undefined ? "duplicate" : apply(event, transaction, onPaid);
      });
    } catch (error) {
      // Somebody else took the same name a moment ago: it is seen now.
      if (!isAgain && isTaken(error)) return applyOnce(event, onPaid, true);
      const reason =
        error instanceof UnusableObjectError
          ? error.message
          : describeRefusal(error, "the database refuses what it says");
      if (reason === undefined) throw error;
      logger.error(
        { eventId: event.id, type: event.type, reason },
        "a signed event cannot be used: nothing was done, and somebody has to look at it",
      );
      return "unusable";
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
    const outcome = await applyOnce(event, (order) => {
      paid = order;
    });
    count(HANDLED.has(event.type) ? event.type : "other", outcome);
    if (paid?.outcome === "paid" && outcome !== "unusable") countPlacedOrder(paid.hasRedeemed);
  };
}

async function verify(rawBody: Buffer, signature: string, secret: string, at: Date): Promise<PaymentEvent> {
  const { default: StripeClient } = await import("stripe");
  let event: unknown;
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
    if (!(cause instanceof StripeClient.errors.StripeSignatureVerificationError)) throw noEvent(cause);
    throw new RequestError(
      "signature_invalid",
      "Stripe-Signature does not hold for this body: check the webhook secret",
    );
  }
  if (isEvent(event)) return event;
  throw noEvent();
}

function isEvent(value: unknown): value is PaymentEvent {
  const isName = (name: unknown) => typeof name === "string" && /^[\w.:-]{1,255}$/.test(name);
  const { id, type, data } = (value ?? {}) as { id?: unknown; type?: unknown; data?: { object?: unknown } };
  const object = data?.object;
  return (
    isName(id) && isName(type) && typeof object === "object" && object !== null && !Array.isArray(object)
  );
}

const noEvent = (cause?: unknown) =>
  new RequestError("request_invalid", "the body is no event: it needs id, type and data.object", { cause });
