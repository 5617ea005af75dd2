import { errorMessage } from "../platform/errors.ts";
import type { Logger } from "../platform/log.ts";
import { sleep } from "../platform/shutdown.ts";
import type { Queryable } from "./db/database.ts";
import { DELIVERED_RETENTION } from "./event/outbox.ts";

export interface JanitorDeps {
  database: Queryable;
  logger: Logger;
}

/** A client may repeat a request with the same Idempotency-Key for this long. */
const IDEMPOTENCY_RETENTION = "7 days";
/** Stripe can send an event again, on request, for 30 days. */
const PAYMENT_EVENT_RETENTION = "35 days";
const BATCH = 1_000;
const PAUSE_MS = 100;
const INTERVAL_MS = 3_600_000;

// Each statement deletes at most one batch of the oldest rows, through an index on their age. Replicas skip rows that another
// replica has locked.
const SWEEPS = [
  {
    name: "outbox",
    text: `DELETE FROM outbox WHERE id IN (
             SELECT id FROM outbox WHERE delivered_at < now() - interval '${DELIVERED_RETENTION}'
              ORDER BY delivered_at LIMIT ${BATCH} FOR UPDATE SKIP LOCKED) RETURNING 1`,
  },
  {
    name: "idempotency_records",
    text: `DELETE FROM idempotency_records r USING (
             SELECT user_id, key FROM idempotency_records WHERE created_at < now() - interval '${IDEMPOTENCY_RETENTION}'
              ORDER BY created_at LIMIT ${BATCH} FOR UPDATE SKIP LOCKED) old
            WHERE r.user_id = old.user_id AND r.key = old.key RETURNING 1`,
  },
  {
    name: "stripe_webhook_events",
    text: `DELETE FROM stripe_webhook_events WHERE event_id IN (
             SELECT event_id FROM stripe_webhook_events WHERE processed_at < now() - interval '${PAYMENT_EVENT_RETENTION}'
              ORDER BY processed_at LIMIT ${BATCH} FOR UPDATE SKIP LOCKED) RETURNING 1`,
  },
  {
    name: "stripe_subscription_states",
    text: `DELETE FROM stripe_subscription_states WHERE stripe_subscription_id IN (
             SELECT stripe_subscription_id FROM stripe_subscription_states WHERE recorded_at < now() - interval '${PAYMENT_EVENT_RETENTION}'
              ORDER BY recorded_at LIMIT ${BATCH} FOR UPDATE SKIP LOCKED) RETURNING 1`,
  },
];

/** Deletes delivered events, idempotency records and records of payment events past their retention. Returns how many of each. */
export async function sweep(
  { database, logger }: JanitorDeps,
  signal: AbortSignal,
): Promise<Record<string, number>> {
  const deleted: Record<string, number> = {};
  for (const { name, text } of SWEEPS) {
    for (;;) {
      const { length } = await database.query({ text });
      deleted[name] = (deleted[name] ?? 0) + length;
      if (length < BATCH || signal.aborted) break;
      await sleep(PAUSE_MS, signal);
    }
  }
  if (Object.values(deleted).some((count) => count > 0)) logger.info(deleted, "old rows were deleted");
  return deleted;
}

/** Sweeps once an hour until the signal fires. */
export async function runJanitor(deps: JanitorDeps, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sweep(deps, signal).catch((error: unknown) =>
      deps.logger.warn(
        { reason: errorMessage(error) },
        "old rows could not be deleted: trying again in an hour",
      ),
    );
    await sleep(INTERVAL_MS, signal);
  }
}
