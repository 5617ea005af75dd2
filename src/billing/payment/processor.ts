import type Stripe from "stripe";
import { errorMessage } from "../../platform/errors.ts";
import { inFlight } from "../db/idempotency.ts";
import { PaymentError } from "../errors.ts";
import { type ChargeOrigin, chargeMetadata } from "./charge-metadata.ts";
import { isPaidSession, parseSubscriptionObject, type SubscriptionObject } from "./event-object.ts";
import { addOriginToInvoice } from "./invoice-origin.ts";
import { classifyRefusal, isForbidden } from "./refusal.ts";
import type { SessionRepair, SessionRequest } from "./session-request.ts";
import { createStripeHttpClient } from "./stripe-http-client.ts";
import { addOrigin, type SubscriptionOrigin } from "./subscription-origin.ts";

export interface Session {
  id: string;
  /** Absent once it is paid or expired. */
  url: string | null;
  status: string | null;
  isPaid: boolean;
  /** In the currency's minor unit. */
  amount: number | null;
  currency: string | null;
  stripeCustomerId: string | null;
  /** The subscription that a session of the earlier service opened at Stripe. */
  stripeSubscriptionId: string | null;
  createdAt: Date;
}

type CreatedSession =
  | { kind: "created"; session: Session }
  /** Stripe refused a part of the request that the order can do without. */
  | { kind: "repairable"; repair: SessionRepair; refusal: unknown }
  /** The amount is below what Stripe accepts. */
  | { kind: "too-small" };

/** The payment processor, as far as we need it. Throws `payment_unavailable`, `payment_refused`. */
export interface PaymentProcessor {
  /** The same request returns the same session. */
  createSession(secretKey: string, request: SessionRequest): Promise<CreatedSession>;
  /** `missing`: the account that the key belongs to has no such session. `isQuick`: a person waits for the answer. */
  readSession(
    secretKey: string,
    sessionId: string,
    options?: { isQuick: boolean },
  ): Promise<Session | "missing">;
  /** Expires the session if it is open, and returns it as it is then: a session that was paid meanwhile stays paid. */
  closeSession(secretKey: string, sessionId: string): Promise<Session | "missing">;
  /** `missing`: the account that the key belongs to has no such customer. */
  openPortal(secretKey: string, stripeCustomerId: string): Promise<string | "missing">;
  /** Writes the origin of a customer's latest charge. `missing`: the account that the key belongs to has no such customer. */
  nameOrigin(secretKey: string, stripeCustomerId: string, origin: ChargeOrigin): Promise<"named" | "missing">;
  /** `missing`: the account that the key belongs to has no such subscription, or refuses to show it. */
  readSubscription(secretKey: string, stripeSubscriptionId: string): Promise<SubscriptionObject | "missing">;
  /**
   * Adds the origin to the metadata of a subscription and of its customer. Values that are there stay, and so does all else.
   * `foreign`: the subscription names another Sovereign. `missing`: the account that the key belongs to has no such subscription.
   * `forbidden`: the key may not read or change subscriptions. `customer_forbidden`: only the customer stays without metadata.
   */
  nameSubscription(
    secretKey: string,
    stripeSubscriptionId: string,
    origin: SubscriptionOrigin,
  ): Promise<"named" | "foreign" | "missing" | "forbidden" | "customer_forbidden">;
  /**
   * Adds the origin to the metadata of a subscription's invoice, of its payment intents and of their charges. `foreign`: the
   * invoice or its subscription names another Sovereign. `missing`: the account that the key belongs to has no such invoice.
   */
  nameInvoice(
    secretKey: string,
    stripeInvoiceId: string,
    origin: SubscriptionOrigin,
  ): Promise<"named" | "foreign" | "missing">;
  /** Cancels at once, without a refund. `missing`: the subscription has ended, or never existed. */
  cancelSubscription(secretKey: string, stripeSubscriptionId: string): Promise<"canceled" | "missing">;
}

const TIMEOUT_MS = 10_000;
const QUICK = { timeout: 3_000, maxNetworkRetries: 0 };

export function createPaymentProcessor(deps: {
  /** Origin instead of Stripe's own. */
  apiBase: string | undefined;
  /** The page to which the portal returns. */
  successUrl: string;
}): PaymentProcessor {
  const { apiBase, successUrl } = deps;
  const base = apiBase === undefined ? undefined : new URL(apiBase);
  let client: { secretKey: string; stripe: Stripe } | undefined;

  /** The library is loaded with the first payment, so that a Sovereign without cards does not spend the memory. */
  async function stripeFor(secretKey: string): Promise<Stripe> {
    if (client?.secretKey === secretKey) return client.stripe;
    const { default: StripeClient } = await import("stripe");
    const stripe = new StripeClient(secretKey, {
      timeout: TIMEOUT_MS,
      maxNetworkRetries: 1,
      telemetry: false,
      httpClient: createStripeHttpClient(),
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
      throw errorOf(error);
    }
  }

  return {
    createSession: (secretKey, { key, parameters }) =>
      ask(secretKey, async (stripe) => {
        try {
          const session = await stripe.checkout.sessions.create(parameters, { idempotencyKey: key });
          return { kind: "created", session: sessionOf(session) } as const;
        } catch (error) {
          const kind = classifyRefusal(error);
          if (kind === "amount-too-small") return { kind: "too-small" } as const;
          if (kind !== "repair-customer" && kind !== "repair-email") throw error;
          const repair = kind === "repair-customer" ? "customer" : "email";
          return { kind: "repairable", repair, refusal: errorOf(error) } as const;
        }
      }),
    readSession: (secretKey, sessionId, { isQuick } = { isQuick: false }) =>
      ask(secretKey, (stripe) =>
        stripe.checkout.sessions
          .retrieve(sessionId, {}, isQuick ? QUICK : {})
          .then(sessionOf, missingOrThrow),
      ),
    closeSession: (secretKey, sessionId) =>
      ask(secretKey, (stripe) =>
        stripe.checkout.sessions.expire(sessionId).then(sessionOf, (error: unknown) => {
          // Only an open session can be expired.
          if (classifyRefusal(error) !== "final") throw error;
          return stripe.checkout.sessions.retrieve(sessionId).then(sessionOf, missingOrThrow);
        }),
      ),
    nameOrigin: (secretKey, stripeCustomerId, origin) =>
      ask(secretKey, (stripe) =>
        stripe.customers
          .update(stripeCustomerId, { metadata: chargeMetadata(origin) })
          .then(() => "named" as const, missingOrThrow),
      ),
    readSubscription: (secretKey, stripeSubscriptionId) =>
      ask(secretKey, (stripe) =>
        stripe.subscriptions
          .retrieve(stripeSubscriptionId, {}, QUICK)
          .then(parseSubscriptionObject, (error: unknown) => {
            if (!isForbidden(error) && classifyRefusal(error) !== "final") throw error;
            return "missing" as const;
          }),
      ),
    nameSubscription: (secretKey, stripeSubscriptionId, origin) =>
      ask(secretKey, (stripe) =>
        addOrigin(stripe, stripeSubscriptionId, origin).catch((error: unknown) =>
          isForbidden(error) ? ("forbidden" as const) : missingOrThrow(error),
        ),
      ),
    nameInvoice: (secretKey, stripeInvoiceId, origin) =>
      ask(secretKey, (stripe) => addOriginToInvoice(stripe, stripeInvoiceId, origin).catch(missingOrThrow)),
    cancelSubscription: (secretKey, stripeSubscriptionId) =>
      ask(secretKey, (stripe) =>
        stripe.subscriptions.cancel(stripeSubscriptionId).then(() => "canceled" as const, missingOrThrow),
      ),
    openPortal: (secretKey, stripeCustomerId) =>
      ask(secretKey, (stripe) =>
        stripe.billingPortal.sessions
          .create({ customer: stripeCustomerId, return_url: successUrl })
          .then(({ url }) => url, missingOrThrow),
      ),
  };
}

function sessionOf(session: Stripe.Checkout.Session): Session {
  return {
    id: session.id,
    url: session.url ?? null,
    status: session.status,
    isPaid: isPaidSession(session.payment_status, idOf(session.subscription)),
    amount: session.amount_total,
    currency: session.currency,
    stripeCustomerId: idOf(session.customer),
    stripeSubscriptionId: idOf(session.subscription),
    createdAt: new Date(session.created * 1_000),
  };
}

const idOf = (reference: string | { id: string } | null): string | null =>
  typeof reference === "string" ? reference : (reference?.id ?? null);

/** For what the processor refuses for good: a repeated request would have the same answer. */
export function refusedOrThrow(error: unknown): "refused" {
  if (error instanceof PaymentError && error.code === "payment_refused") return "refused";
  throw error;
}

function missingOrThrow(error: unknown): "missing" {
  if ((error as { code?: string } | null)?.code === "resource_missing") return "missing";
  throw error;
}

/** The error of the HTTP client, which names address and cause. The library's own text says only that there was one. */
function originOf(error: unknown): unknown {
  const { raw } = (error ?? {}) as { raw?: { exception?: unknown; detail?: unknown } };
  return raw?.exception ?? raw?.detail ?? error;
}

/** The coded error for a refusal, which quotes nothing of the processor's text. Other errors stay as they are. */
function errorOf(error: unknown): unknown {
  const kind = classifyRefusal(error);
  const { type, code, param, requestId } = (error ?? {}) as Record<string, string | undefined>;
  switch (kind) {
    case undefined:
      return error;
    case "in-flight":
      return inFlight();
    case "later":
      return new PaymentError(
        "payment_unavailable",
        "the payment processor does not answer: try again in a moment",
        { cause: new Error(`${type}: ${errorMessage(originOf(error))}`) },
      );
    case "amount-too-small":
    case "repair-customer":
    case "repair-email":
    case "final":
      return new PaymentError(
        "payment_refused",
        `the payment processor refused this request${code === undefined ? "" : ` (${code})`}: change the order, or ask the Sovereign's administrator`,
        { cause: new Error(`${type}: ${[code, param, requestId].filter(Boolean).join(" ")}`) },
      );
  }
}
