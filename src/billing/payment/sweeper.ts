import { errorMessage } from "../../platform/errors.ts";
import type { Logger } from "../../platform/log.ts";
import { sleep } from "../../platform/shutdown.ts";
import type { Database } from "../db/database.ts";
import { CodedError } from "../errors.ts";
import type { PaymentProcessor, Session } from "./processor.ts";
import type { PaymentSettingsService } from "./settings.ts";
import type { SessionSettlement } from "./settlement.ts";

const EVERY_MS = 30_000;
/** Longer than any request that is still opening a session lives. */
const ORPHAN_AGE_S = 120;
const MAX_ORDERS = 200;

export interface Sweeper {
  /** Once; throws when the database or the processor is away. */
  sweep(): Promise<void>;
  run(signal: AbortSignal): Promise<void>;
}

export interface SweeperDeps {
  database: Database;
  settings: PaymentSettingsService;
  processor: PaymentProcessor;
  settlement: SessionSettlement;
  logger: Logger;
}

/**
 * Settles what hangs: pending orders whose process died before they had a session, and ones whose session is over while
 * its event never came; and subscriptions of deleted tenants that the processor still runs. Safe beside any number of others: every settlement looks again under the order's lock.
 */
export function createSweeper(deps: SweeperDeps): Sweeper {
  const { database, settings, processor, settlement, logger } = deps;

  async function undoOrphans(): Promise<void> {
    const orphans = await database.query<{ id: string }>({
      name: "sweep-orphans",
      text: `SELECT id FROM orders WHERE status = 'pending' AND NOT adopted AND stripe_session_id IS NULL
                AND created_at < now() - $1 * interval '1 second' ORDER BY created_at LIMIT ${MAX_ORDERS}`,
      values: [ORPHAN_AGE_S],
    });
    // Each in a transaction of its own: two customers at once are in the lock order of no checkout.
    for (const { id } of orphans) {
      await database.query({ name: "order-undo", text: "SELECT billing_undo_order($1)", values: [id] });
    }
  }

  async function settleOverdue(): Promise<void> {
    const orders = await database.query<{ id: string; stripe_session_id: string }>({
      name: "sweep-overdue",
      text: `SELECT id, stripe_session_id FROM orders
              WHERE status = 'pending' AND NOT adopted AND stripe_session_id IS NOT NULL
                AND session_expires_at < now() - interval '1 minute' ORDER BY session_expires_at LIMIT ${MAX_ORDERS}`,
    });
    if (orders.length === 0) return;
    const { secretKey } = await settings.keys();
    if (secretKey === "") return;
    for (const { id, stripe_session_id } of orders) {
      const session = await readSession(secretKey, stripe_session_id);
      if (session === "missing" || session.status === "expired")
        await settlement.expire(id, stripe_session_id);
      else if (session.isPaid) await settlement.pay(id, session);
    }
  }

  /** Subscriptions that the earlier service left with the processor, of tenants that are gone. */
  async function cancelDue(): Promise<void> {
    const due = await database.query<{ id: string; stripe_subscription_id: string }>({
      name: "sweep-cancel-due",
      text: `SELECT id, stripe_subscription_id FROM subscriptions WHERE cancel_due ORDER BY id LIMIT ${MAX_ORDERS}`,
    });
    if (due.length === 0) return;
    const { secretKey } = await settings.keys();
    if (secretKey === "") return;
    for (const { id, stripe_subscription_id } of due) {
      await cancel(secretKey, stripe_subscription_id);
      await database.query({
        name: "sweep-cancelled",
        text: "UPDATE subscriptions SET cancel_due = false WHERE id = $1",
        values: [id],
      });
    }
  }

  async function cancel(secretKey: string, stripeSubscriptionId: string): Promise<void> {
    try {
      await processor.cancelSubscription(secretKey, stripeSubscriptionId);
    } catch (error) {
      if (!(error instanceof CodedError && error.code === "payment_refused")) throw error;
      logger.warn(
        { stripeSubscriptionId, reason: errorMessage(error.cause) },
        "the payment processor has no such subscription to cancel",
      );
    }
  }

  async function readSession(secretKey: string, sessionId: string): Promise<Session | "missing"> {
    try {
      return await processor.readSession(secretKey, sessionId);
    } catch (error) {
      if (error instanceof CodedError && error.code === "payment_refused") return "missing";
      throw error;
    }
  }

  async function sweep(): Promise<void> {
    await undoOrphans();
    await settleOverdue();
    await cancelDue();
  }

  return {
    sweep,
    async run(signal) {
      while (!signal.aborted) {
        await sweep().catch((error: unknown) =>
          logger.warn({ reason: errorMessage(error) }, "hanging orders could not be settled: trying again"),
        );
        await sleep(EVERY_MS, signal);
      }
    },
  };
}
