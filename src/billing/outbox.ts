import type pg from "pg";
import { errorMessage } from "../platform/errors.ts";
import type { Logger } from "../platform/log.ts";
import { sleep } from "../platform/shutdown.ts";

/** The sink that creates Organizations. */
export const ORGANIZATION_SINK = "organization";

/** What `order.placed` carries: enough to create an Organization, and everything that older consumers read. */
export interface OrderPlaced {
  /** The order's id. */
  id: string;
  customer_id: string;
  tenant_id: string;
  plan_id: string;
  apps: string[];
  addons: string[];
  amount_omr: number;
  amount_baisa: number;
  status: string;
  /** Null when the order redeemed no voucher. */
  promo_code: string | null;
  /** `sub` and `email` of the customer. */
  user_id: string;
  email: string;
  /** FQDN of the Sovereign that took the order. */
  sovereign: string;
}

export interface OutboxEvent {
  /** Equal on every delivery of the same event: the key to create things exactly once. */
  eventId: string;
  type: "order.placed";
  tenantId: string;
  payload: OrderPlaced;
  /** 1 on the first try. */
  attempt: number;
}

export interface OutboxRelayDeps {
  pool: pg.Pool;
  /** Whose rows to deliver. */
  sink: string;
  /** Delivers one event; what it throws is retried with back-off. Must be idempotent: delivery is at least once. */
  deliver: (event: OutboxEvent, signal: AbortSignal) => Promise<void>;
  logger: Logger;
  signal: AbortSignal;
  /** Waiting time while there is nothing to do. */
  pollMs?: number;
}

interface OutboxRow {
  id: string;
  event_id: string;
  type: "order.placed";
  tenant_id: string;
  payload: OrderPlaced;
  attempts: number;
}

const BATCH = 50;
const MAX_BACK_OFF_MS = 60_000;
const RECONNECT_MS = 1_000;

/**
 * Delivers a sink's events at least once, in order per tenant, until the signal fires. Relays of one sink and database
 * take turns by an advisory lock that lives and dies with its connection: two at once are safe, and one takes over
 * when the other goes. A tenant whose first event fails waits; the others go on.
 */
export function createOutboxRelay(deps: OutboxRelayDeps): { run(): Promise<void> } {
  const { sink, logger, signal, pollMs = 500 } = deps;
  return {
    async run() {
      while (!signal.aborted) {
        try {
          await relayOnOneConnection(deps, pollMs);
        } catch (error) {
          if (signal.aborted) return;
          logger.warn(
            { sink, reason: errorMessage(error) },
            "the outbox relay lost its database: connecting again",
          );
          await sleep(RECONNECT_MS, signal);
        }
      }
    },
  };
}

async function relayOnOneConnection(deps: OutboxRelayDeps, pollMs: number): Promise<void> {
  const { pool, sink, signal } = deps;
  const client = await pool.connect();
  let broken = true;
  const onError = () => {};
  client.on("error", onError);
  try {
    const lockKey = [`outbox:${sink}`];
    let isHolder = false;
    while (!signal.aborted) {
      if (!isHolder) {
        const { rows } = await client.query(
          "SELECT pg_try_advisory_lock(hashtextextended($1, 4)) AS taken",
          lockKey,
        );
        isHolder = rows[0].taken;
      }
      const delivered = isHolder ? await relayBatch(deps, client) : 0;
      if (delivered === 0) await sleep(pollMs, signal);
    }
    if (isHolder) await client.query("SELECT pg_advisory_unlock(hashtextextended($1, 4))", lockKey);
    broken = false;
  } finally {
    client.off("error", onError);
    client.release(broken);
  }
}

/** Delivers the first event of each tenant that is due; the number of those that went through. */
async function relayBatch(deps: OutboxRelayDeps, client: pg.PoolClient): Promise<number> {
  const { sink, deliver, logger, signal } = deps;
  const { rows } = await client.query<OutboxRow>({
    name: "outbox-due",
    text: `SELECT id, event_id, type, tenant_id, payload, attempts
             FROM (SELECT DISTINCT ON (tenant_id) * FROM public.outbox
                    WHERE sink = $1 AND delivered_at IS NULL ORDER BY tenant_id, id) first
            WHERE next_attempt_at <= now() ORDER BY id LIMIT ${BATCH}`,
    values: [sink],
  });
  let delivered = 0;
  for (const row of rows) {
    if (signal.aborted) break;
    const attempt = row.attempts + 1;
    try {
      await deliver(
        { eventId: row.event_id, type: row.type, tenantId: row.tenant_id, payload: row.payload, attempt },
        signal,
      );
      await client.query({
        name: "outbox-delivered",
        text: "UPDATE public.outbox SET delivered_at = now(), attempts = $2, last_error = NULL WHERE id = $1",
        values: [row.id, attempt],
      });
      delivered += 1;
    } catch (error) {
      if (signal.aborted) break;
      const reason = errorMessage(error).slice(0, 500);
      const backOffMs = Math.min(MAX_BACK_OFF_MS, 500 * 2 ** Math.min(row.attempts, 10));
      logger.warn(
        { sink, eventId: row.event_id, attempt, backOffMs, reason },
        "an event could not be delivered",
      );
      await client.query({
        name: "outbox-failed",
        text: `UPDATE public.outbox SET attempts = $2, last_error = $3, next_attempt_at = now() + $4 * interval '1 millisecond' WHERE id = $1`,
        values: [row.id, attempt, reason, backOffMs],
      });
    }
  }
  return delivered;
}
