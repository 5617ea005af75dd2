import { errorMessage } from "../../platform/errors.ts";
import type { Logger } from "../../platform/log.ts";
import { sleep } from "../../platform/shutdown.ts";
import type { Database } from "../db/database.ts";
import type { CountPlacedOrder } from "../metric.ts";
import { UnusableObjectError } from "./event-object.ts";
import type { PaymentProcessor } from "./processor.ts";
import type { PaymentSettingsService } from "./settings.ts";
import type { SessionSettlement } from "./settlement.ts";

const EVERY_MS = 30_000;
/** Longer than any request that is still opening a session lives. */
const ORPHAN_AGE_S = 120;
const MAX_ORDERS = 200;
/** So many in a row that fail, and nobody answers: the rest waits for the next time. */
const AWAY_AFTER = 3;
/**
 * An order whose session nobody knows may have been paid: under other keys the session is another account's. Payments are
 * announced for three days, and the right keys may be back by then.
 */
const MISSING_DAYS = 7;

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
  countPlacedOrder: CountPlacedOrder;
  logger: Logger;
}

/**
 * Settles what hangs: pending orders whose process died before they had a session, and ones whose session is over while
 * its event never came; and subscriptions of deleted tenants that the processor still runs. Safe beside any number of
 * others: every settlement looks again under the order's lock. What fails holds up nothing else.
 */
export function createSweeper(deps: SweeperDeps): Sweeper {
  const { database, settings, processor, settlement, countPlacedOrder, logger } = deps;

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

  /** Takes one after the other; what fails is tried again another time, and the first fault is thrown in the end. */
  async function forEachDue<T extends object>(
    next: () => Promise<T | undefined>,
    settle: (due: T) => Promise<void>,
  ): Promise<void> {
    const faults: unknown[] = [];
    let inARow = 0;
    for (let count = 0; count < MAX_ORDERS && inARow < AWAY_AFTER; count += 1) {
      const due = await next();
      if (due === undefined) break;
      try {
        await settle(due);
        inARow = 0;
      } catch (error) {
        logger.warn({ due, reason: errorMessage(error) }, "the payment processor could not be asked");
        faults.push(error);
        inARow += 1;
      }
    }
    if (faults.length > 0) throw faults[0];
  }

  /**
   * The order that waits longest, which now is ours for a while: the longer its session is over, the less often it is asked
   * about. So replicas share the work, and one that is never settled goes behind the others.
   */
  async function nextOverdue() {
    const [order] = await database.query<{ orderId: string; sessionId: string; isOld: boolean }>({
      name: "sweep-overdue",
      text: `UPDATE orders
                SET session_look_at = now() + least(greatest((now() - session_expires_at) / 4, interval '1 minute'), interval '1 hour')
              WHERE id = (
                SELECT id FROM orders
                 WHERE status = 'pending' AND NOT adopted AND stripe_session_id IS NOT NULL
                   AND coalesce(session_look_at, session_expires_at) < now() - interval '1 minute'
                 ORDER BY coalesce(session_look_at, session_expires_at) LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED)
              RETURNING id AS "orderId", stripe_session_id AS "sessionId",
                        session_expires_at < now() - interval '${MISSING_DAYS} days' AS "isOld"`,
    });
    return order;
  }

  async function settleOverdue(): Promise<void> {
    const { secretKey } = await settings.keys();
    if (secretKey === "") return;
    await forEachDue(nextOverdue, async ({ orderId, sessionId, isOld }) => {
      const session = await processor.readSession(secretKey, sessionId);
      if (session === "missing") {
        logger.warn(
          { orderId, sessionId, isGivenUp: isOld },
          "the payment processor does not know an order's session: are these the keys that it was made with?",
        );
        if (isOld) await settlement.expire(orderId, sessionId);
      } else if (session.status === "expired") await settlement.expire(orderId, sessionId);
      else if (session.isPaid) {
        const { outcome, hasRedeemed } = await settlement.pay(orderId, session).catch((error: unknown) => {
          if (!(error instanceof UnusableObjectError)) throw error;
          logger.error(
            { orderId, sessionId, reason: error.message },
            "a session was paid by what cannot be taken: the order waits, and somebody has to look at it",
          );
          return { outcome: "unknown" as const, hasRedeemed: false };
        });
        if (outcome === "paid") countPlacedOrder(hasRedeemed);
      }
    });
  }

  /** Subscriptions that the earlier service left with the processor, of tenants that are gone. */
  async function cancelDue(): Promise<void> {
    const { secretKey } = await settings.keys();
    if (secretKey === "") return;
    // In no order: those that fail each time are not always the first ones.
    const due = await database.query<{ id: string; stripeSubscriptionId: string }>({
      name: "sweep-cancel-due",
      text: `SELECT id, stripe_subscription_id AS "stripeSubscriptionId" FROM subscriptions WHERE cancel_due
              ORDER BY random() LIMIT ${MAX_ORDERS}`,
    });
    await forEachDue(
      async () => due.pop(),
      async ({ id, stripeSubscriptionId }) => {
        if ((await processor.cancelSubscription(secretKey, stripeSubscriptionId)) === "missing") {
          logger.warn({ stripeSubscriptionId }, "the payment processor has no such subscription to cancel");
        }
        await database.query({
          name: "sweep-cancelled",
          text: "UPDATE subscriptions SET cancel_due = false WHERE id = $1",
          values: [id],
        });
      },
    );
  }

  async function sweep(): Promise<void> {
    const faults: unknown[] = [];
    for (const task of [undoOrphans, settleOverdue, cancelDue]) {
      await task().catch((error: unknown) => faults.push(error));
    }
    if (faults.length > 0) throw faults[0];
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
