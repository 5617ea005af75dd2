import type Stripe from "stripe";
import type { Logger } from "../../platform/log.ts";
import { type Database, describeRefusal, isTaken } from "../db/database.ts";
import { PaymentError, RequestError } from "../errors.ts";
import type { CountPlacedOrder } from "../metric.ts";
import {
  createEventEffect,
  type EventOutcome,
  type PaymentEvent,
  UndecidedEventError,
} from "./event-effect.ts";
import { parseInvoiceObject, type SubscriptionObject, UnusableObjectError } from "./event-object.ts";
import { createInvoiceNaming } from "./invoice-naming.ts";
import type { PaymentProcessor } from "./processor.ts";
import type { PaymentSettingsService } from "./settings.ts";
import type { PaidOrder, SessionSettlement } from "./settlement.ts";

/** Receives the payment processor's events. Each is verified by its signature over the raw body, and applied once. */
export type PaymentEventReceiver = (rawBody: Buffer, signature: string | undefined) => Promise<void>;

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
  "charge.refunded",
  "charge.refund.updated",
  "refund.updated",
  "refund.failed",
  "customer.subscription.updated",
  "customer.subscription.deleted",
]);

export function createPaymentEventReceiver(deps: {
  database: Database;
  settings: PaymentSettingsService;
  processor: PaymentProcessor;
  settlement: SessionSettlement;
  /** ISO 4217. */
  currency: string;
  sovereignFqdn: string;
  now: () => Date;
  logger: Logger;
  /** Counts each event by its type: a handled type, or `other`. */
  count: (type: string, outcome: EventOutcome) => void;
  countPlacedOrder: CountPlacedOrder;
}): PaymentEventReceiver {
  const { database, settings, processor, settlement, currency, now, logger, count, countPlacedOrder } = deps;
  const apply = createEventEffect({ settlement, currency, logger });
  const nameInvoice = createInvoiceNaming(deps);

  /**
   * The subscription as the processor has it now. Without a secret key that may read it, or if the processor has no such
   * subscription, the event that arrived last counts. Throws if the processor does not answer.
   */
  async function readSubscription(told: SubscriptionObject): Promise<SubscriptionObject> {
    const { secretKey } = await settings.keys();
    if (secretKey === "") return told;
    const answer = await processor.readSubscription(secretKey, told.id);
    return answer === "missing" ? told : answer;
  }

  /**
   * Applies the event once or not at all. An unusable event is not recorded, because it may be usable when it is sent
   * again.
   */
  async function applyOnce(
    event: PaymentEvent,
    onPaid: (order: PaidOrder) => void,
    { isAgain = false, answer }: { isAgain?: boolean; answer?: SubscriptionObject | undefined } = {},
  ): Promise<EventOutcome> {
    try {
      return await database.transaction(async (transaction): Promise<EventOutcome> => {
        const [fresh] = await transaction.query<{ event_id: string }>({
          name: "payment-event",
          text: "INSERT INTO stripe_webhook_events (event_id, event_type) VALUES ($1, $2) ON CONFLICT (event_id) DO NOTHING RETURNING event_id",
          values: [event.id, event.type],
        });
        return fresh === undefined ? "duplicate" : apply(event, transaction, onPaid, answer);
      });
    } catch (error) {
      // Another transaction inserted the same key at the same time. A second try finds it.
      if (!isAgain && isTaken(error)) return applyOnce(event, onPaid, { isAgain: true, answer });
      // The transaction is over, so that it holds no lock while the processor is asked.
      if (error instanceof UndecidedEventError)
        return applyOnce(event, onPaid, { isAgain, answer: await readSubscription(error.subscription) });
      const reason =
        error instanceof UnusableObjectError
          ? error.message
          : describeRefusal(error, "the database rejects its values");
      if (reason === undefined) throw error;
      logger.error(
        { eventId: event.id, type: event.type, reason },
        "a signed event cannot be used: nothing was changed, and a person must look at it",
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
    // Also for an event that is sent again, because the process may have died before this.
    if (isInvoiceEvent(event.type) && (outcome === "applied" || outcome === "duplicate"))
      await nameInvoice(parseInvoiceObject(event.data.object));
  };
}

const isInvoiceEvent = (type: string) => type.startsWith("invoice.") && HANDLED.has(type);

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
      "Stripe-Signature does not match this body: check the webhook secret",
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
  new RequestError("request_invalid", "the body is not an event: send one with id, type and data.object", {
    cause,
  });
