import type Stripe from "stripe";
import { errorMessage } from "../../platform/errors.ts";
import { inFlight } from "../db/idempotency.ts";
import { PaymentError } from "../errors.ts";
import { minorOfBaisa } from "./currency.ts";

/** What a Checkout Session is asked for. */
interface SessionRequest {
  orderId: string;
  amountBaisa: number;
  /** Shown on the payment page. */
  description: string;
  /** The customer's account at the processor, or else the address for the receipt. */
  stripeCustomerId: string | null;
  email: string;
  expiresAt: Date;
}

interface Session {
  id: string;
  /** Absent once it is paid or expired. */
  url: string | null;
  status: string | null;
  isPaid: boolean;
  /** In the currency's minor unit. */
  amount: number | null;
  currency: string | null;
  stripeCustomerId: string | null;
}

/** The payment processor, as far as we need it. Throws `payment_unavailable`, `payment_refused`. */
export interface PaymentProcessor {
  /** Asked again for the same order it answers the same session. */
  createSession(secretKey: string, request: SessionRequest): Promise<Session>;
  /** `missing`: the account that the key belongs to has no such session. */
  readSession(secretKey: string, sessionId: string): Promise<Session | "missing">;
  expireSession(secretKey: string, sessionId: string): Promise<void>;
  openPortal(secretKey: string, stripeCustomerId: string): Promise<string>;
  /** At once, without a refund. `missing`: it is over already, or was never there. */
  cancelSubscription(secretKey: string, stripeSubscriptionId: string): Promise<"cancelled" | "missing">;
}

const TIMEOUT_MS = 10_000;

export function createPaymentProcessor(deps: {
  /** Origin instead of Stripe's own. */
  apiBase: string | undefined;
  /** ISO 4217. */
  currency: string;
  successUrl: string;
  cancelUrl: string;
}): PaymentProcessor {
  const { apiBase, currency, successUrl, cancelUrl } = deps;
  const base = apiBase === undefined ? undefined : new URL(apiBase);
  let client: { secretKey: string; stripe: Stripe } | undefined;

  /** The library is loaded with the first payment: a Sovereign without cards does not pay for it. */
  async function stripeFor(secretKey: string): Promise<Stripe> {
    if (client?.secretKey === secretKey) return client.stripe;
    const { default: StripeClient } = await import("stripe");
    const stripe = new StripeClient(secretKey, {
      timeout: TIMEOUT_MS,
      maxNetworkRetries: 1,
      telemetry: false,
      ...(base === undefined
        ? {}
        : {
            protocol: base.protocol === "http:" ? "http" : "https",
            host: base.hostname.replace(/^\[|\]$/g, ""),
            port: base.port || (base.protocol === "http:" ? 80 : 443),
          }),
    });
    client = { secretKey, stripe };
    return stripe;
  }

  async function ask<T>(secretKey: string, call: (stripe: Stripe) => Promise<T>): Promise<T> {
    try {
      return await call(await stripeFor(secretKey));
    } catch (error) {
      throw refusalOf(error);
    }
  }

  return {
    createSession: (secretKey, request) =>
      ask(secretKey, async (stripe) =>
        sessionOf(
          await stripe.checkout.sessions.create(
            {
              mode: "payment",
              line_items: [
                {
                  quantity: 1,
                  price_data: {
                    currency: currency.toLowerCase(),
                    unit_amount: minorOfBaisa(request.amountBaisa, currency),
                    product_data: { name: request.description },
                  },
                },
              ],
              client_reference_id: request.orderId,
              metadata: { order_id: request.orderId },
              payment_intent_data: { metadata: { order_id: request.orderId } },
              ...(request.stripeCustomerId === null
                ? {
                    customer_creation: "always",
                    ...(request.email === "" ? {} : { customer_email: request.email }),
                  }
                : { customer: request.stripeCustomerId }),
              // The voucher is the only discount, and the amount is what is left after it.
              allow_promotion_codes: false,
              adaptive_pricing: { enabled: false },
              invoice_creation: { enabled: true, invoice_data: { metadata: { order_id: request.orderId } } },
              success_url: successUrl,
              cancel_url: cancelUrl,
              expires_at: Math.floor(request.expiresAt.getTime() / 1000),
            },
            { idempotencyKey: request.orderId },
          ),
        ),
      ),
    readSession: (secretKey, sessionId) =>
      ask(secretKey, (stripe) =>
        stripe.checkout.sessions.retrieve(sessionId).then(sessionOf, missingOrThrow),
      ),
    expireSession: (secretKey, sessionId) =>
      ask(secretKey, async (stripe) => void (await stripe.checkout.sessions.expire(sessionId))),
    cancelSubscription: (secretKey, stripeSubscriptionId) =>
      ask(secretKey, (stripe) =>
        stripe.subscriptions.cancel(stripeSubscriptionId).then(() => "cancelled" as const, missingOrThrow),
      ),
    openPortal: (secretKey, stripeCustomerId) =>
      ask(secretKey, async (stripe) => {
        const { url } = await stripe.billingPortal.sessions.create({
          customer: stripeCustomerId,
          return_url: successUrl,
        });
        return url;
      }),
  };
}

function sessionOf(session: Stripe.Checkout.Session): Session {
  return {
    id: session.id,
    url: session.url,
    status: session.status,
    isPaid: session.payment_status === "paid",
    amount: session.amount_total,
    currency: session.currency,
    stripeCustomerId:
      typeof session.customer === "string" ? session.customer : (session.customer?.id ?? null),
  };
}

function missingOrThrow(error: unknown): "missing" {
  if ((error as { code?: string } | null)?.code === "resource_missing") return "missing";
  throw error;
}

/**
 * Classifies by the error's type, never by its text, which quotes the request (an email). A temporary fault is
 * `payment_unavailable`, and a refusal is `payment_refused`.
 */
function refusalOf(error: unknown): unknown {
  const { type, code, param, requestId } = (error ?? {}) as Record<string, string | undefined>;
  // Another request of ours is making this order's session right now.
  if (type === "StripeIdempotencyError" || code === "idempotency_key_in_use") return inFlight();
  switch (type) {
    case "StripeInvalidRequestError":
    case "StripeCardError":
      return new PaymentError(
        "payment_refused",
        `the payment processor refused this request${code === undefined ? "" : ` (${code})`}: change the order, or ask the Sovereign's administrator`,
        { cause: new Error(`${type}: ${[code, param, requestId].filter(Boolean).join(" ")}`) },
      );
    case "StripeConnectionError":
    case "StripeAPIError":
    case "StripeRateLimitError":
    case "StripeAuthenticationError":
    case "StripePermissionError":
      return new PaymentError(
        "payment_unavailable",
        "the payment processor does not answer, nothing was charged and no voucher was used: try again in a moment",
        { cause: new Error(`${type}: ${errorMessage(error)}`) },
      );
    default:
      return error;
  }
}
