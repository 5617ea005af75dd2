import type { Logger } from "../../platform/log.ts";
import type { Queryable } from "../db/database.ts";
import { recordFailedRefund, recordRefundedCharge } from "./card-refund.ts";
import {
  parseChargeObject,
  parseInvoiceObject,
  parseRefundObject,
  parseSessionObject,
  parseSubscriptionObject,
  type SubscriptionObject,
  timeOf,
} from "./event-object.ts";
import { CREDITED_MESSAGE, type PaidOrder, type SessionSettlement } from "./settlement.ts";
import { recordInvoice, recordSubscription } from "./stripe-record.ts";

export type EventOutcome = "applied" | "ignored" | "credited" | "duplicate" | "unusable";

export interface PaymentEvent {
  id: string;
  type: string;
  created?: unknown;
  data: { object: object };
}

/**
 * Two events of one second say different things about a subscription, and an event's time has no fractions. The caller
 * reads the subscription at the processor, and applies the event again with that answer. It is thrown so that the
 * transaction rolls back the record of the event.
 */
export class UndecidedEventError extends Error {
  override readonly name = "UndecidedEventError";
  readonly subscription: SubscriptionObject;

  constructor(subscription: SubscriptionObject) {
    super(`another event of the same second differs about subscription ${subscription.id}`);
    this.subscription = subscription;
  }
}

/**
 * Applies one event in the transaction that records it, so that it is applied once or not at all. `onPaid` receives the
 * order that the event paid. `answer` is the state of the event's subscription after an `UndecidedEventError`.
 */
type EventEffect = (
  event: PaymentEvent,
  transaction: Queryable,
  onPaid: (order: PaidOrder) => void,
  answer?: SubscriptionObject,
) => Promise<EventOutcome>;

export function createEventEffect(deps: {
  settlement: SessionSettlement;
  /** ISO 4217. The books are in this currency: refunds in another one are not recorded. */
  currency: string;
  logger: Logger;
}): EventEffect {
  const { settlement, currency, logger } = deps;

  async function applyPaidSession(
    event: PaymentEvent,
    transaction: Queryable,
    onPaid: (order: PaidOrder) => void,
  ): Promise<EventOutcome> {
    const session = parseSessionObject(event.data.object);
    // Some payment methods pay later. Another event then reports the payment.
    if (!session.isPaid) return "ignored";
    const paid = await settlement.pay(session.orderId, session, timeOf(event, "created"), transaction);
    onPaid(paid);
    switch (paid.outcome) {
      case "paid":
        return "applied";
      case "unknown":
        return "ignored";
      case "credited":
        logger.warn({ eventId: event.id }, CREDITED_MESSAGE);
        return "credited";
    }
  }

  async function applyRefund(event: PaymentEvent, transaction: Queryable): Promise<boolean> {
    const isOurs = (one: { currency: string }) => one.currency.toUpperCase() === currency;
    const at = timeOf(event, "created");
    if (event.type === "charge.refunded") {
      const charge = parseChargeObject(event.data.object);
      return isOurs(charge) && recordRefundedCharge(transaction, charge, at);
    }
    const refund = parseRefundObject(event.data.object);
    return refund?.isFailed === true && isOurs(refund) && recordFailedRefund(transaction, refund, at);
  }

  return async function apply(
    event: PaymentEvent,
    transaction: Queryable,
    onPaid: (order: PaidOrder) => void,
    answer?: SubscriptionObject,
  ): Promise<EventOutcome> {
    const { object } = event.data;
    switch (event.type) {
      case "checkout.session.completed":
      case "checkout.session.async_payment_succeeded":
        return applyPaidSession(event, transaction, onPaid);
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
      case "charge.refunded":
      case "charge.refund.updated":
      case "refund.updated":
      case "refund.failed":
        return (await applyRefund(event, transaction)) ? "applied" : "ignored";
      case "customer.subscription.updated":
      case "customer.subscription.deleted": {
        const subscription = answer ?? parseSubscriptionObject(object);
        const at = timeOf(event, "created");
        const outcome = await recordSubscription(transaction, subscription, at, answer !== undefined);
        if (outcome === "undecided") throw new UndecidedEventError(subscription);
        return outcome;
      }
      default:
        return "ignored";
    }
  };
}
