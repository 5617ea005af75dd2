import { errorMessage } from "../../platform/errors.ts";
import type { Logger } from "../../platform/log.ts";
import type { Database } from "../db/database.ts";
import { CheckoutError, PaymentError } from "../errors.ts";
import { cardStepOf, minimumCardPaymentOf } from "./currency.ts";
import { type OrderClosing, requireCanceled } from "./order-closing.ts";
import type { PaymentProcessor } from "./processor.ts";
import { createSessionOpening, removeAccount } from "./session-opening.ts";
import type { SessionPlace } from "./session-request.ts";
import type { PaymentSettingsService } from "./settings.ts";

const EXPIRED =
  "the order of this request was canceled, or its payment page has expired: order again, with a new Idempotency-Key";

/** A pending order: its credit is reserved, and the rest is to be paid by card. */
interface PendingOrder {
  orderId: string;
  cardBaisa: number;
  planId: string;
  /** False when an earlier answer is repeated. Otherwise the payment page must still accept a payment. */
  isNew: boolean;
}

/** The amounts that a card can pay: multiples of the step, from the minimum on. */
export interface CardAmounts {
  stepBaisa: number;
  minimumBaisa: number;
}

export interface OrderPayment extends Pick<OrderClosing, "cancel" | "settleReturned"> {
  /** Null when no payment processor is configured. */
  cardAmounts(): Promise<CardAmounts | null>;
  /**
   * The address where the customer pays for the order, the same for every call. When no session can be opened, the order is
   * undone (voucher and credit are as before) and the call throws `payment_unavailable`, `payment_refused` or
   * `card_amount_too_small`. Throws `order_expired`, `order_paid` or `order_processing` when the order waits for no payment
   * any more. Throws `PageEndedError` when a repeated order's page has ended.
   */
  open(order: PendingOrder): Promise<string>;
  /** The address of the processor's portal for a tenant's customer. Throws `payment_account_missing` too. */
  openPortal(tenantId: string): Promise<string>;
}

/** The same order was placed again, and its page takes no payment any more. The caller cancels that order, and places it again. */
export class PageEndedError extends CheckoutError {
  constructor() {
    super("order_expired", EXPIRED);
  }
}

/** Counted from the order's creation, so that a repeated request is the same request. Stripe allows 30 minutes to 24 hours. */
const SESSION_LIFETIME_MS = 60 * 60_000;

interface OrderRow {
  id: string;
  status: string;
  session_id: string | null;
  session_url: string | null;
  has_ended: boolean;
  cancel_requested: boolean;
  created_at: Date;
  tenant_id: string | null;
  email: string;
  stripe_customer_id: string | null;
}

const unavailable = (options?: ErrorOptions) =>
  new PaymentError(
    "payment_unavailable",
    "no payment session could be opened, nothing was charged and no voucher was used: try again in a moment",
    options,
  );
const accountMissing = () =>
  new PaymentError(
    "payment_account_missing",
    "nothing was paid by card for this tenant yet, so there is no portal: order with a card first",
  );
const expired = () => new CheckoutError("order_expired", EXPIRED);

export function createOrderPayment(deps: {
  database: Database;
  settings: PaymentSettingsService;
  processor: PaymentProcessor;
  closing: OrderClosing;
  sovereignFqdn: string;
  place: SessionPlace;
  logger: Logger;
}): OrderPayment {
  const { database, settings, processor, closing, sovereignFqdn, place, logger } = deps;
  const amounts: CardAmounts = {
    stepBaisa: cardStepOf(place.currency),
    minimumBaisa: minimumCardPaymentOf(place.currency),
  };
  const openSession = createSessionOpening({ database, processor, place });

  async function requireSecretKey(): Promise<string> {
    const { secretKey } = await settings.keys();
    if (secretKey !== "") return secretKey;
    throw new PaymentError(
      "payment_unavailable",
      "this Sovereign does not accept card payments: redeem a voucher or choose a smaller plan",
    );
  }

  async function undo(orderId: string): Promise<void> {
    await database.query({ name: "order-undo", text: "SELECT billing_undo_order($1)", values: [orderId] });
  }

  /** The address of an order's session. An answer that was given once stays the same after the payment. */
  async function pageOf(order: OrderRow, sessionId: string, url: string, isNew: boolean): Promise<string> {
    if (order.status === "paid") return url;
    const settled = await closing
      .settle({ orderId: order.id, sessionId, isCancelRequested: false, isOrderedAgain: isNew })
      .catch((error: unknown) => {
        if (error instanceof PaymentError && !order.has_ended) return "open" as const;
        throw error;
      });
    if (settled === "open" && !order.has_ended) return url;
    if (settled === "open" || settled === "missing" || settled === "ended") {
      if (isNew) throw new PageEndedError();
      if (settled === "missing") await closing.cancel(order.id);
      throw expired();
    }
    if (isNew) requireCanceled(settled === "paid" ? "paid" : "processing", order.id);
    return url;
  }

  return {
    cancel: closing.cancel,
    settleReturned: closing.settleReturned,

    async cardAmounts() {
      const { secretKey } = await settings.keys();
      return secretKey === "" ? null : amounts;
    },

    async open({ orderId, cardBaisa, planId, isNew }) {
      const order = await readOrder(database, orderId);
      const isWaiting = order.status === "pending" && !order.cancel_requested;
      if (order.session_id !== null && order.session_url !== null && (isWaiting || order.status === "paid"))
        return pageOf(order, order.session_id, order.session_url, isNew);
      if (!isWaiting) {
        // It had a page, so it was not created by this request: another tab has just replaced or canceled it.
        if (isNew && order.session_id !== null) throw new PageEndedError();
        throw expired();
      }
      const expiresAt = new Date(order.created_at.getTime() + SESSION_LIFETIME_MS);
      try {
        const secretKey = await requireSecretKey();
        const { id, url } = await openSession(secretKey, {
          ...{ sovereign: sovereignFqdn, orderId, tenantId: order.tenant_id, planId },
          amountBaisa: cardBaisa,
          description: `${planId} on ${sovereignFqdn}`,
          stripeCustomerId: order.stripe_customer_id,
          email: order.email,
          expiresAt,
        }).catch((error: unknown) => {
          // The order is undone below. The processor's own message does not say so.
          throw isUnavailable(error) ? unavailable({ cause: error.cause }) : error;
        });
        if (url !== null && (await keepSession(database, orderId, { id, url }, expiresAt))) return url;
        await processor.closeSession(secretKey, id).catch((error: unknown) => {
          logger.warn(
            { orderId, reason: errorMessage(error) },
            "a payment session whose order was undone could not be expired: it expires by itself",
          );
        });
        throw unavailable();
      } catch (error) {
        // After any other error the sweeper undoes the order, if it still has no session.
        if (error instanceof PaymentError || error instanceof CheckoutError) await undo(orderId);
        throw error;
      }
    },

    async openPortal(tenantId) {
      const [owner] = await database.query<{ stripe_customer_id: string | null }>({
        name: "tenant-payment-account",
        text: "SELECT c.stripe_customer_id FROM tenants t JOIN customers c ON c.id = t.customer_id WHERE t.tenant_id = $1",
        values: [tenantId],
      });
      const secretKey = await requireSecretKey();
      if (owner?.stripe_customer_id == null) throw accountMissing();
      const url = await processor.openPortal(secretKey, owner.stripe_customer_id);
      if (url !== "missing") return url;
      await removeAccount(database, owner.stripe_customer_id);
      throw accountMissing();
    },
  };
}

const isUnavailable = (error: unknown): error is PaymentError =>
  error instanceof PaymentError && error.code === "payment_unavailable";

async function readOrder(database: Database, orderId: string): Promise<OrderRow> {
  const [row] = await database.query<OrderRow>({
    name: "order-to-pay",
    text: `SELECT o.id, o.status, o.stripe_session_id AS session_id, o.session_url, o.cancel_requested, o.created_at, o.tenant_id, c.email,
                  c.stripe_customer_id, coalesce(o.session_expires_at <= now(), false) AS has_ended
             FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.id = $1`,
    values: [orderId],
  });
  if (row === undefined) throw unavailable();
  return row;
}

/** False when the order was undone in the meantime. The session must not be used then. */
async function keepSession(
  database: Database,
  orderId: string,
  session: { id: string; url: string },
  expiresAt: Date,
): Promise<boolean> {
  const rows = await database.query({
    name: "order-session",
    text: `UPDATE orders SET stripe_session_id = $2, session_url = $3, session_expires_at = $4
            WHERE id = $1 AND status = 'pending' AND coalesce(stripe_session_id, $2) = $2 RETURNING id`,
    values: [orderId, session.id, session.url, expiresAt],
  });
  return rows.length === 1;
}
