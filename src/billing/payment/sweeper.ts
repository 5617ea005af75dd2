import { errorMessage } from "../../platform/errors.ts";
import type { Logger } from "../../platform/log.ts";
import { sleep } from "../../platform/shutdown.ts";
import type { Database } from "../db/database.ts";
import { createDueLoop, MAX_DUE } from "./due-loop.ts";
import type { OpenOrder, OrderClosing } from "./order-closing.ts";
import { createOriginNaming } from "./origin-naming.ts";
import type { PaymentProcessor } from "./processor.ts";
import type { PaymentSettingsService } from "./settings.ts";
import type { SessionSettlement } from "./settlement.ts";
import { createSubscriptionNaming } from "./subscription-naming.ts";

const EVERY_MS = 30_000;
/** Longer than a request takes to open a session. */
const ORPHAN_AGE_S = 120;
/**
 * The processor may not have a session although its order was paid, because wrong keys belong to another account. Stripe
 * sends the event of a payment for three days, and the right keys may be restored by then.
 */
const MISSING_DAYS = 7;

export interface Sweeper {
  /** One sweep. Throws when the database or the processor does not answer. */
  sweep(): Promise<void>;
  run(signal: AbortSignal): Promise<void>;
}

export interface SweeperDeps {
  database: Database;
  settings: PaymentSettingsService;
  processor: PaymentProcessor;
  settlement: SessionSettlement;
  closing: OrderClosing;
  sovereignFqdn: string;
  logger: Logger;
}

/**
 * Settles overdue work:
 * - pending orders whose process died before they had a session
 * - pending orders whose session ended without an event
 * - pending orders that their customer gave up, or whose tenant another customer has paid for
 * - subscriptions of deleted tenants that still run at the processor
 * - metadata that is still missing on customers who paid, and on subscriptions that the earlier service opened
 *
 * Several sweepers may run at once: every settlement reads the order again under its lock. A failure does not delay other orders.
 */
export function createSweeper(deps: SweeperDeps): Sweeper {
  const { database, settings, processor, settlement, closing, logger } = deps;
  const forEachDue = createDueLoop(logger);
  const nameOrigins = createOriginNaming({ ...deps, forEachDue });
  const nameSubscriptions = createSubscriptionNaming({ ...deps, forEachDue });

  async function undoOrphans(): Promise<void> {
    const orphans = await database.query<{ id: string }>({
      name: "sweep-orphans",
      text: `SELECT id FROM orders WHERE status = 'pending' AND NOT adopted AND stripe_session_id IS NULL
                AND created_at < now() - $1 * interval '1 second' ORDER BY created_at LIMIT ${MAX_DUE}`,
      values: [ORPHAN_AGE_S],
    });
    // One transaction per order: locks on two customers at once would break the lock order of checkouts.
    for (const { id } of orphans) {
      await database.query({ name: "order-undo", text: "SELECT billing_undo_order($1)", values: [id] });
    }
  }

  /**
   * Cancels orders whose tenant another customer has paid for meanwhile, before their customers pay in vain. A payment that
   * arrives first becomes credit.
   */
  async function cancelOutpaid(): Promise<void> {
    await database.query({
      name: "sweep-outpaid",
      text: `UPDATE orders SET cancel_requested = true, session_look_at = now() - interval '2 minutes'
              WHERE id IN (
                SELECT o.id FROM orders o JOIN tenants t ON t.tenant_id = o.tenant_id AND t.customer_id <> o.customer_id
                 WHERE o.status = 'pending' AND NOT o.adopted AND o.stripe_session_id IS NOT NULL
                   AND NOT o.cancel_requested AND NOT o.tenant_member
                 ORDER BY o.created_at LIMIT ${MAX_DUE} FOR NO KEY UPDATE OF o SKIP LOCKED)`,
    });
  }

  /**
   * Returns the order that has waited longest, and postpones its next check: the longer ago its session ended, the longer
   * the pause. So replicas share the work, and an order that cannot be settled does not block the others.
   */
  async function nextOverdue() {
    const [order] = await database.query<OpenOrder & { isOld: boolean }>({
      name: "sweep-overdue",
      text: `UPDATE orders
                SET session_look_at = now() + least(greatest((now() - session_expires_at) / 4, interval '1 minute'), interval '1 hour')
              WHERE id = (
                SELECT id FROM orders
                 WHERE status = 'pending' AND NOT adopted AND stripe_session_id IS NOT NULL
                   AND coalesce(session_look_at, session_expires_at) < now() - interval '1 minute'
                 ORDER BY coalesce(session_look_at, session_expires_at) LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED)
              RETURNING id AS "orderId", stripe_session_id AS "sessionId", cancel_requested AS "isCancelRequested",
                        session_expires_at < now() - interval '${MISSING_DAYS} days' AS "isOld"`,
    });
    return order;
  }

  async function settleOverdue(): Promise<void> {
    const { secretKey } = await settings.keys();
    if (secretKey === "") return;
    await forEachDue(nextOverdue, async ({ isOld, ...order }) => {
      if ((await closing.settle(order)) !== "missing") return;
      const { orderId, sessionId } = order;
      logger.warn(
        { orderId, sessionId, isExpiredNow: isOld },
        "the payment processor has no such session: check that these are the keys that the session was opened with",
      );
      if (isOld) await settlement.expire(orderId, sessionId);
    });
  }

  /** Cancels the subscriptions of deleted tenants that the earlier service opened at the processor. */
  async function cancelDue(): Promise<void> {
    const { secretKey } = await settings.keys();
    if (secretKey === "") return;
    // In random order, so that subscriptions that always fail do not block the others.
    const due = await database.query<{ id: string; stripeSubscriptionId: string }>({
      name: "sweep-cancel-due",
      text: `SELECT id, stripe_subscription_id AS "stripeSubscriptionId" FROM subscriptions WHERE cancel_due
              ORDER BY random() LIMIT ${MAX_DUE}`,
    });
    await forEachDue(
      async () => due.pop(),
      async ({ id, stripeSubscriptionId }) => {
        if ((await processor.cancelSubscription(secretKey, stripeSubscriptionId)) === "missing") {
          logger.warn(
            { stripeSubscriptionId },
            "the payment processor has no such subscription: nothing to cancel",
          );
        }
        await database.query({
          name: "sweep-canceled",
          text: "UPDATE subscriptions SET cancel_due = false WHERE id = $1",
          values: [id],
        });
      },
    );
  }

  async function sweep(): Promise<void> {
    const faults: unknown[] = [];
    for (const task of [
      undoOrphans,
      cancelOutpaid,
      settleOverdue,
      cancelDue,
      nameOrigins,
      nameSubscriptions,
    ]) {
      await task().catch((error: unknown) => faults.push(error));
    }
    if (faults.length > 0) throw faults[0];
  }

  return {
    sweep,
    async run(signal) {
      while (!signal.aborted) {
        await sweep().catch((error: unknown) =>
          logger.warn({ reason: errorMessage(error) }, "overdue orders could not be settled: trying again"),
        );
        await sleep(EVERY_MS, signal);
      }
    },
  };
}
