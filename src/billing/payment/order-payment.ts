import { errorMessage } from "../../platform/errors.ts";
import type { Logger } from "../../platform/log.ts";
import type { Database } from "../db/database.ts";
import { PaymentError } from "../errors.ts";
import { cardStepOf } from "./currency.ts";
import type { PaymentProcessor } from "./processor.ts";
import type { PaymentSettingsService } from "./settings.ts";

/** A pending order: its credit is reserved, and the rest is to be paid by card. */
interface PendingOrder {
  orderId: string;
  cardBaisa: number;
  planId: string;
}

export interface OrderPayment {
  /** The smallest amount that a card can pay. Null when no payment processor is configured. */
  cardStepBaisa(): Promise<number | null>;
  /**
   * The address where the customer pays for the order, the same for every call. When no session can be opened, the order is
   * undone (voucher and credit are as before) and the call throws `payment_unavailable` or `payment_refused`.
   */
  open(order: PendingOrder): Promise<string>;
  /** The address of the processor's portal for a tenant's customer. Throws `payment_account_missing` too. */
  openPortal(tenantId: string): Promise<string>;
}

/** Counted from the order's creation, so that a repeated request is the same request. Stripe allows 30 minutes to 24 hours. */
const SESSION_LIFETIME_MS = 60 * 60_000;

interface OrderRow {
  status: string;
  session_url: string | null;
  created_at: Date;
  email: string;
  stripe_customer_id: string | null;
}

export function createOrderPayment(deps: {
  database: Database;
  settings: PaymentSettingsService;
  processor: PaymentProcessor;
  sovereignFqdn: string;
  currency: string;
  logger: Logger;
}): OrderPayment {
  const { database, settings, processor, sovereignFqdn, logger } = deps;
  const stepBaisa = cardStepOf(deps.currency);

  const unavailable = () =>
    new PaymentError(
      "payment_unavailable",
      "no payment session could be opened, nothing was charged and no voucher was used: try again in a moment",
    );

  async function requireSecretKey(): Promise<string> {
    const { secretKey } = await settings.keys();
    if (secretKey !== "") return secretKey;
    throw new PaymentError(
      "payment_unavailable",
      "this Sovereign does not accept card payments: redeem a voucher or choose a smaller plan",
    );
  }

  async function readOrder(orderId: string): Promise<OrderRow> {
    const [row] = await database.query<OrderRow>({
      name: "order-to-pay",
      text: `SELECT o.status, o.session_url, o.created_at, c.email, c.stripe_customer_id
               FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.id = $1`,
      values: [orderId],
    });
    if (row === undefined) throw unavailable();
    return row;
  }

  /** False when the order was undone in the meantime. The session must not be used then. */
  async function keep(
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

  async function undo(orderId: string): Promise<void> {
    await database.query({ name: "order-undo", text: "SELECT billing_undo_order($1)", values: [orderId] });
  }

  return {
    async cardStepBaisa() {
      const { secretKey } = await settings.keys();
      return secretKey === "" ? null : stepBaisa;
    },

    async open({ orderId, cardBaisa, planId }) {
      const order = await readOrder(orderId);
      if (order.session_url !== null) return order.session_url;
      if (order.status !== "pending") throw unavailable();
      const expiresAt = new Date(order.created_at.getTime() + SESSION_LIFETIME_MS);
      try {
        const secretKey = await requireSecretKey();
        const { id, url } = await processor.createSession(secretKey, {
          orderId,
          amountBaisa: cardBaisa,
          description: `${planId} on ${sovereignFqdn}`,
          stripeCustomerId: order.stripe_customer_id,
          email: order.email,
          expiresAt,
        });
        if (url !== null && (await keep(orderId, { id, url }, expiresAt))) return url;
        await processor.expireSession(secretKey, id).catch((error: unknown) => {
          logger.warn(
            { orderId, reason: errorMessage(error) },
            "a payment session whose order was undone could not be expired: it expires by itself",
          );
        });
        throw unavailable();
      } catch (error) {
        // After any other error the sweeper undoes the order, if it still has no session.
        if (error instanceof PaymentError) await undo(orderId);
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
      if (owner?.stripe_customer_id == null) {
        throw new PaymentError(
          "payment_account_missing",
          "nothing was paid by card for this tenant yet, so there is no portal: order with a card first",
        );
      }
      return processor.openPortal(secretKey, owner.stripe_customer_id);
    },
  };
}
