import type Stripe from "stripe";
import { type ChargeOrigin, chargeMetadata } from "./charge-metadata.ts";
import { minorOfBaisa } from "./currency.ts";

/** A request for a Checkout Session. It is stored with the order, so that a repeated request is the same one. */
export interface SessionRequest {
  /** Stripe's idempotency key: the order's id, and a counter after a repair, because Stripe stores a refusal under its key too. */
  key: string;
  parameters: Stripe.Checkout.SessionCreateParams;
}

/** The parts of a request that Stripe may refuse, and that the order can do without. */
export type SessionRepair = "customer" | "email";

export interface SessionOrder extends ChargeOrigin {
  amountBaisa: number;
  /** Shown on the payment page. */
  description: string;
  /** The customer's account at Stripe, or else the address for the receipt. */
  stripeCustomerId: string | null;
  email: string;
  expiresAt: Date;
}

export interface SessionPlace {
  /** ISO 4217. */
  currency: string;
  successUrl: string;
  cancelUrl: string;
}

export function desiredSessionRequest(order: SessionOrder, place: SessionPlace): SessionRequest {
  const { orderId } = order;
  const metadata = chargeMetadata(order);
  return {
    key: orderId,
    parameters: {
      mode: "payment",
      line_items: [
        {
          quantity: 1,
          price_data: {
            currency: place.currency.toLowerCase(),
            unit_amount: minorOfBaisa(order.amountBaisa, place.currency),
            product_data: { name: order.description },
          },
        },
      ],
      client_reference_id: orderId,
      metadata,
      payment_intent_data: { metadata },
      ...(order.stripeCustomerId === null ? newCustomer(order.email) : { customer: order.stripeCustomerId }),
      // The voucher is the only discount, and the amount is what is left after it.
      allow_promotion_codes: false,
      adaptive_pricing: { enabled: false },
      invoice_creation: { enabled: true, invoice_data: { metadata } },
      success_url: withOrder(place.successUrl, orderId),
      cancel_url: withOrder(place.cancelUrl, orderId),
      expires_at: Math.floor(order.expiresAt.getTime() / 1000),
    },
  };
}

/** The request without the part that Stripe refused. Undefined: the request has no such part. */
export function repairedSessionRequest(
  { key, parameters }: SessionRequest,
  repair: SessionRepair,
  email: string,
): SessionRequest | undefined {
  const { customer, customer_email, ...rest } = parameters;
  if ((repair === "customer" ? customer : customer_email) === undefined) return undefined;
  const [orderId, count = "1"] = key.split(":");
  return {
    key: `${orderId}:${Number(count) + 1}`,
    parameters: { ...rest, ...newCustomer(repair === "customer" ? email : "") },
  };
}

function newCustomer(
  email: string,
): Pick<Stripe.Checkout.SessionCreateParams, "customer_email" | "customer_creation"> {
  const address = parseEmail(email);
  return { customer_creation: "always", ...(address === undefined ? {} : { customer_email: address }) };
}

/** The address without surrounding blanks. Undefined when Stripe would refuse it: a token's `email` may be any text. */
export function parseEmail(text: string): string | undefined {
  const address = text.trim();
  return address.length <= 254 &&
    /^[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z]{2,}$/i.test(address)
    ? address
    : undefined;
}

/** Adds the order's id to the query. Does not use `URL`, which would encode Stripe's `{CHECKOUT_SESSION_ID}`. */
function withOrder(url: string, orderId: string): string {
  const [address = "", ...fragment] = url.split("#");
  const query = `${address.includes("?") ? "&" : "?"}order_id=${orderId}`;
  return [address + query, ...fragment].join("#");
}
