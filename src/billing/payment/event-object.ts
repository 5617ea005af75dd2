import { LAST_SECOND } from "../db/time-position.ts";
import { WRITTEN_UUID } from "../db/uuid.ts";
import { MAX_OMR } from "../voucher/voucher.ts";
import { baisaOfMinor } from "./currency.ts";

/** The values of an event or a session cannot be used, so it has no effect. The message names the member and its rule. */
export class UnusableObjectError extends Error {
  override readonly name = "UnusableObjectError";
}

export interface InvoiceObject {
  id: string;
  amountBaisa: number;
  currency: string;
  status: string;
  periodStart: Date | null;
  periodEnd: Date | null;
  pdfUrl: string | null;
  paidAt: Date | null;
  /** Null when the object does not name an order of this service. */
  orderId: string | null;
  stripeSubscriptionId: string | null;
  stripeCustomerId: string | null;
}

/** A charge with the total that it has refunded so far. */
export interface ChargeObject {
  id: string;
  refundedBaisa: number;
  currency: string;
  orderId: string | null;
  stripeCustomerId: string | null;
}

export interface RefundObject {
  id: string;
  stripeChargeId: string;
  amountBaisa: number;
  currency: string;
  isFailed: boolean;
}

export interface SubscriptionObject {
  id: string;
  status: string;
  periodStart: Date | null;
  periodEnd: Date | null;
}

export interface SessionObject {
  id: string;
  isPaid: boolean;
  /** Not checked here, because it may be a session of another service. `paidBaisaOf` checks it. */
  amount: unknown;
  currency: unknown;
  orderId: string | null;
  stripeCustomerId: string | null;
  /** Sessions of the earlier service are subscriptions at Stripe. */
  stripeSubscriptionId: string | null;
}

const ID = /^[\x21-\x7e]{1,255}$/;
const INVOICE_STATUSES = ["draft", "open", "paid", "uncollectible", "void"];
const MAX_BAISA = MAX_OMR * 1000 + 999;

export function parseSessionObject(object: object): SessionObject {
  const orderId =
    memberOf(object, "client_reference_id") ?? memberOf(memberOf(object, "metadata"), "order_id");
  const stripeSubscriptionId = referenceOf(object, "subscription");
  return {
    id: idOf(object, "id"),
    isPaid: isPaidSession(memberOf(object, "payment_status"), stripeSubscriptionId),
    amount: memberOf(object, "amount_total"),
    currency: memberOf(object, "currency"),
    orderId: orderIdOf(orderId),
    stripeCustomerId: referenceOf(object, "customer"),
    stripeSubscriptionId,
  };
}

/** A subscription of the earlier service may begin without a payment: with a trial, or with a promotion code of Stripe. */
export const isPaidSession = (paymentStatus: unknown, stripeSubscriptionId: string | null): boolean =>
  paymentStatus === "paid" || (paymentStatus === "no_payment_required" && stripeSubscriptionId !== null);

export function parseInvoiceObject(object: object): InvoiceObject {
  const currency = currencyOf(memberOf(object, "currency"));
  const status = memberOf(object, "status");
  if (typeof status !== "string" || !INVOICE_STATUSES.includes(status))
    throw new UnusableObjectError(`status must be one of ${INVOICE_STATUSES.join(", ")}`);
  const pdfUrl = memberOf(object, "invoice_pdf") ?? null;
  if (pdfUrl !== null && (typeof pdfUrl !== "string" || !/^https:\/\/[\x21-\x7e]{1,2000}$/.test(pdfUrl)))
    throw new UnusableObjectError("invoice_pdf must be an https URL");
  const details = memberOf(memberOf(object, "parent"), "subscription_details");
  return {
    id: idOf(object, "id"),
    amountBaisa: amountOf("total", memberOf(object, "total"), currency),
    currency,
    status,
    periodStart: timeOf(object, "period_start"),
    periodEnd: timeOf(object, "period_end"),
    pdfUrl,
    paidAt: timeOf(memberOf(object, "status_transitions"), "paid_at"),
    orderId: orderIdOf(memberOf(memberOf(object, "metadata"), "order_id")),
    // Its place changed with API version 2025-03.
    stripeSubscriptionId: referenceOf(object, "subscription") ?? referenceOf(details, "subscription"),
    stripeCustomerId: referenceOf(object, "customer"),
  };
}

export function parseChargeObject(object: object): ChargeObject {
  const currency = currencyOf(memberOf(object, "currency"));
  return {
    id: idOf(object, "id"),
    refundedBaisa: amountOf("amount_refunded", memberOf(object, "amount_refunded"), currency),
    currency,
    // A charge has the metadata of its payment intent.
    orderId: orderIdOf(memberOf(memberOf(object, "metadata"), "order_id")),
    stripeCustomerId: referenceOf(object, "customer"),
  };
}

/** Null for a refund without a charge, which is of a payment method that this service does not offer. */
export function parseRefundObject(object: object): RefundObject | null {
  const stripeChargeId = referenceOf(object, "charge");
  if (stripeChargeId === null) return null;
  const status = memberOf(object, "status");
  const currency = currencyOf(memberOf(object, "currency"));
  return {
    id: idOf(object, "id"),
    stripeChargeId,
    amountBaisa: amountOf("amount", memberOf(object, "amount"), currency),
    currency,
    isFailed: status === "failed" || status === "canceled",
  };
}

export function parseSubscriptionObject(object: object): SubscriptionObject {
  const status = memberOf(object, "status");
  if (typeof status !== "string" || !/^[a-z_]{1,50}$/.test(status))
    throw new UnusableObjectError("status must be a word");
  // The period is in the items since API version 2025-03.
  const item = memberOf(memberOf(memberOf(object, "items"), "data"), "0");
  return {
    id: idOf(object, "id"),
    status,
    periodStart: timeOf(object, "current_period_start") ?? timeOf(item, "current_period_start"),
    periodEnd: timeOf(object, "current_period_end") ?? timeOf(item, "current_period_end"),
  };
}

/** The paid amount in baisa. It must be in the Sovereign's currency: amounts are not converted. Only a subscription may cost 0. */
export function paidBaisaOf(
  {
    amount,
    currency,
    stripeSubscriptionId,
  }: Pick<SessionObject, "amount" | "currency" | "stripeSubscriptionId">,
  ours: string,
): number {
  const code = currencyOf(currency).toUpperCase();
  if (code !== ours)
    throw new UnusableObjectError(`currency is ${code}, but this Sovereign accepts only ${ours}`);
  const amountBaisa = amountOf("amount_total", amount, code);
  if (amountBaisa < (stripeSubscriptionId === null ? 1 : 0))
    throw new UnusableObjectError("amount_total must be above 0");
  return amountBaisa;
}

export function timeOf(object: unknown, name: string): Date | null {
  const seconds = memberOf(object, name) ?? null;
  if (seconds === null) return null;
  if (!Number.isInteger(seconds) || Number(seconds) < 0 || Number(seconds) > LAST_SECOND)
    throw new UnusableObjectError(`${name} must be a time in seconds, in the years 1970 to 9999`);
  return new Date(Number(seconds) * 1000);
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;
}

function idOf(object: object, name: string): string {
  const id = memberOf(object, name);
  if (typeof id === "string" && ID.test(id)) return id;
  throw new UnusableObjectError(`${name} must be an id`);
}

/** An id, or the object that has it. */
function referenceOf(object: unknown, name: string): string | null {
  const reference = memberOf(object, name) ?? null;
  if (reference === null) return null;
  const id = typeof reference === "object" ? memberOf(reference, "id") : reference;
  if (typeof id === "string" && ID.test(id)) return id;
  throw new UnusableObjectError(`${name} must be an id`);
}

/** Null when it is not an order id of this service: other services may use the same Stripe account. */
const orderIdOf = (id: unknown): string | null =>
  typeof id === "string" && WRITTEN_UUID.test(id) ? id : null;

function currencyOf(currency: unknown): string {
  if (typeof currency === "string" && /^[a-z]{3}$/i.test(currency)) return currency;
  throw new UnusableObjectError("currency must be a code of three letters");
}

function amountOf(name: string, amount: unknown, currency: string): number {
  if (!Number.isSafeInteger(amount))
    throw new UnusableObjectError(`${name} must be a whole number of minor units`);
  const amountBaisa = baisaOfMinor(Number(amount), currency);
  if (Math.abs(amountBaisa) > MAX_BAISA)
    throw new UnusableObjectError(`${name} exceeds the largest amount that can be stored`);
  return amountBaisa;
}
