import type pg from "pg";
import { errorMessage } from "../../platform/errors.ts";
import type { Logger } from "../../platform/log.ts";
import { sleep } from "../../platform/shutdown.ts";
import { failureReason } from "./failure-reason.ts";

/** The sink that creates Organizations. */
export const ORGANIZATION_SINK = "organization";
/** The sink that writes to the order topic. */
export const KAFKA_SINK = "kafka";

/** The data of `order.placed`: enough to create an Organization, and everything that existing consumers read. */
interface OrderPlacedPayload {
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
  /** The FQDN of the Sovereign of the order. */
  sovereign: string;
}

export interface OutboxEvent {
  /** Equal on every delivery of the same event, so that a consumer can recognise repeated deliveries. */
  eventId: string;
  type: "order.placed";
  tenantId: string;
  payload: OrderPlacedPayload;
  createdAt: Date;
  /** 1 on the first attempt. */
  attempt: number;
}

/** The sink is down: back off the whole batch, and count no attempt against an event. */
export class SinkUnavailableError extends Error {
  override readonly name = "SinkUnavailableError";
}

/** How long a delivered event stays in the outbox, so that a person can investigate a delivery. */
export const DELIVERED_RETENTION = "7 days";

export interface OutboxDelivery {
  /** The sink whose rows are delivered. */
  sink: string;
  /** Delivers one event. After an error it is called again with back-off. It must be idempotent: delivery is at least once. */
  deliver: (event: OutboxEvent, signal: AbortSignal) => Promise<void>;
  /** Delivers several events in this order, for sinks where that is cheaper. After an error, each is delivered by itself. */
  deliverTogether?: (events: OutboxEvent[], signal: AbortSignal) => Promise<void>;
  logger: Logger;
  signal: AbortSignal;
}

export interface OutboxRelayDeps extends OutboxDelivery {
  pool: pg.Pool;
  /** The pause while no event is due. */
  pollMs?: number;
}

interface OutboxRow {
  id: string;
  event_id: string;
  type: "order.placed";
  tenant_id: string;
  payload: OrderPlacedPayload;
  created_at: Date;
  attempts: number;
}

const BATCH = 200;
const FIRST_BACK_OFF_MS = 500;
const MAX_BACK_OFF_MS = 60_000;
const MAX_SINK_BACK_OFF_MS = 15_000;
const RECONNECT_MS = 1_000;

/**
 * Delivers a sink's events at least once, in order per tenant, until the signal fires. Of several relays for one sink and
 * database, the one with the advisory lock works. The lock ends with its connection, and another relay takes over. When
 * an event fails, its tenant's later events wait; other tenants' events are delivered.
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
            "the outbox relay lost its database connection: connecting again",
          );
          await sleep(RECONNECT_MS, signal);
        }
      }
    },
  };
}

/** How one pass over an outbox ended. `dueInMs` is the time until the next event is due; undefined when none waits. */
export type OutboxPass =
  | { kind: "drained"; dueInMs: number | undefined }
  /** Another relay works on this outbox. */
  | { kind: "locked" }
  | { kind: "sink-unavailable" };

/**
 * Delivers the events that are due, as `createOutboxRelay` does, and returns. The lock ends with the connection, which the
 * caller closes.
 */
export async function drainOutbox(deps: OutboxDelivery, client: OutboxConnection): Promise<OutboxPass> {
  if (!(await tryLock(deps.sink, client))) return { kind: "locked" };
  for (;;) {
    const outcome = await relayBatch(deps, client);
    if (outcome === "sink-unavailable") return { kind: "sink-unavailable" };
    if (outcome === "idle" || deps.signal.aborted) break;
  }
  // An event that is due and was not delivered waits for an earlier event of its tenant, or was added after the last batch.
  const { rows } = await client.query<{ due_ms: number | null }>({
    name: "outbox-next-due",
    text: `SELECT (extract(epoch FROM coalesce(min(next_attempt_at) FILTER (WHERE next_attempt_at > now()),
                    min(next_attempt_at)) - now()) * 1000)::float8 AS due_ms
             FROM public.outbox WHERE sink = $1 AND delivered_at IS NULL`,
    values: [deps.sink],
  });
  const dueMs = rows[0]?.due_ms ?? undefined;
  return { kind: "drained", dueInMs: dueMs === undefined ? undefined : Math.max(0, dueMs) };
}

type OutboxConnection = Pick<pg.ClientBase, "query">;

const lockKey = (sink: string) => [`outbox:${sink}`];

async function tryLock(sink: string, client: OutboxConnection): Promise<boolean> {
  const { rows } = await client.query<{ taken: boolean }>(
    "SELECT pg_try_advisory_lock(hashtextextended($1, 4)) AS taken",
    lockKey(sink),
  );
  return rows[0]?.taken === true;
}

async function relayOnOneConnection(deps: OutboxRelayDeps, pollMs: number): Promise<void> {
  const { pool, sink, signal } = deps;
  const client = await pool.connect();
  let broken = true;
  const onError = () => {};
  client.on("error", onError);
  try {
    let isHolder = false;
    let sinkBackOffMs = FIRST_BACK_OFF_MS;
    while (!signal.aborted) {
      isHolder ||= await tryLock(sink, client);
      const outcome = isHolder ? await relayBatch(deps, client) : "idle";
      if (outcome === "sink-unavailable") {
        await sleep(sinkBackOffMs, signal);
        sinkBackOffMs = Math.min(MAX_SINK_BACK_OFF_MS, sinkBackOffMs * 2);
        continue;
      }
      sinkBackOffMs = FIRST_BACK_OFF_MS;
      if (outcome === "idle") await sleep(pollMs, signal);
    }
    if (isHolder) await client.query("SELECT pg_advisory_unlock(hashtextextended($1, 4))", lockKey(sink));
    broken = false;
  } finally {
    client.off("error", onError);
    client.release(broken);
  }
}

/** Delivers the oldest events that are due, and that do not wait for an earlier event of their tenant. */
async function relayBatch(
  deps: OutboxDelivery,
  client: OutboxConnection,
): Promise<"idle" | "delivered" | "sink-unavailable"> {
  const { sink, logger, signal } = deps;
  const { rows } = await client.query<OutboxRow>({
    name: "outbox-due",
    text: `SELECT o.id, o.event_id, o.type, o.tenant_id, o.payload, o.created_at, o.attempts FROM public.outbox o
            WHERE o.sink = $1 AND o.delivered_at IS NULL AND o.next_attempt_at <= now()
              AND NOT EXISTS (SELECT 1 FROM public.outbox f
                               WHERE f.sink = $1 AND f.delivered_at IS NULL AND f.attempts > 0
                                 AND f.tenant_id = o.tenant_id AND f.id < o.id AND f.next_attempt_at > now())
            ORDER BY o.id LIMIT ${BATCH}`,
    values: [sink],
  });
  if (rows.length === 0) return "idle";
  try {
    if (rows.length > 1 && (await takesTogether(deps, rows))) {
      await markDelivered(client, rows);
      return "delivered";
    }
    return (await deliverEach(deps, client, rows)) > 0 ? "delivered" : "idle";
  } catch (error) {
    if (signal.aborted) return "idle";
    if (!(error instanceof SinkUnavailableError)) throw error;
    const reason = failureReason(error, rows);
    logger.warn({ sink, reason }, "the sink does not accept events: they wait in the outbox");
    await client.query({
      name: "outbox-sink-unavailable",
      text: "UPDATE public.outbox SET last_error = $2 WHERE id = $1 AND last_error IS DISTINCT FROM $2",
      values: [rows[0]?.id, reason],
    });
    return "sink-unavailable";
  }
}

/** Whether the sink accepted all events together. After a failure it may have accepted some: delivery is at least once. */
async function takesTogether(deps: OutboxDelivery, rows: OutboxRow[]): Promise<boolean> {
  const { sink, deliverTogether, logger, signal } = deps;
  if (deliverTogether === undefined) return false;
  try {
    await deliverTogether(rows.map(eventOf), signal);
    return true;
  } catch (error) {
    if (error instanceof SinkUnavailableError || signal.aborted) throw error;
    logger.warn(
      { sink, events: rows.length, reason: failureReason(error, rows) },
      "events could not be delivered together: delivering them one by one",
    );
    return false;
  }
}

/** Returns the number of delivered events. After a failure the tenant's later events wait for a later batch. */
async function deliverEach(
  deps: OutboxDelivery,
  client: OutboxConnection,
  rows: OutboxRow[],
): Promise<number> {
  const { sink, deliver, logger, signal } = deps;
  const heldUp = new Set<string>();
  let delivered = 0;
  for (const row of rows) {
    if (signal.aborted) break;
    if (heldUp.has(row.tenant_id)) continue;
    try {
      await deliver(eventOf(row), signal);
    } catch (error) {
      if (signal.aborted) break;
      if (error instanceof SinkUnavailableError) throw error;
      heldUp.add(row.tenant_id);
      const backOffMs = Math.min(MAX_BACK_OFF_MS, FIRST_BACK_OFF_MS * 2 ** Math.min(row.attempts, 10));
      const reason = failureReason(error, [row]);
      logger.warn(
        { sink, eventId: row.event_id, attempt: row.attempts + 1, backOffMs, reason },
        "an event could not be delivered",
      );
      await client.query({
        name: "outbox-failed",
        text: `UPDATE public.outbox SET attempts = attempts + 1, last_error = $2,
                      next_attempt_at = now() + $3 * interval '1 millisecond' WHERE id = $1`,
        values: [row.id, reason, backOffMs],
      });
      continue;
    }
    await markDelivered(client, [row]);
    delivered += 1;
  }
  return delivered;
}

async function markDelivered(client: OutboxConnection, rows: OutboxRow[]): Promise<void> {
  await client.query({
    name: "outbox-delivered",
    text: `UPDATE public.outbox SET delivered_at = now(), attempts = attempts + 1, last_error = NULL
            WHERE id = ANY ($1::bigint[])`,
    values: [rows.map(({ id }) => id)],
  });
}

function eventOf(row: OutboxRow): OutboxEvent {
  return {
    eventId: row.event_id,
    type: row.type,
    tenantId: row.tenant_id,
    payload: row.payload,
    createdAt: row.created_at,
    attempt: row.attempts + 1,
  };
}
