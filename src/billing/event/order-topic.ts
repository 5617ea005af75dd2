import type { MessageToProduce, Producer } from "@platformatic/kafka";
import { errorMessage } from "../../platform/errors.ts";
import { settledWithin, untilAborted } from "../../platform/shutdown.ts";
import type { TenantSubdomain } from "../tenant/directory.ts";
import { type OutboxEvent, SinkUnavailableError } from "./outbox.ts";

export const ORDER_TOPIC = "sme.order.events";

/** The order topic, as a sink of the outbox. */
export interface OrderTopic {
  deliver(event: OutboxEvent, signal: AbortSignal): Promise<void>;
  deliverTogether(events: OutboxEvent[], signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** Half of a broker's default limit for one batch. */
const MAX_SEND_BYTES = 512 * 1024;
/** After this time a broker counts as down. Longer than the client's own timeout for one request. */
const SEND_MS = 15_000;
const CLOSE_MS = 3_000;
const LOOKUPS_AT_ONCE = 8;

/** Errors that concern a single message. All other errors concern the whole sink. */
const MESSAGE_FAULTS = ["MESSAGE_TOO_LARGE", "RECORD_LIST_TOO_LARGE", "INVALID_RECORD"];

/**
 * Sends with the idempotent producer and all acknowledgements, one request at a time. The producer is closed after a failed
 * send: with the same producer id, the broker could treat the next message as a repetition and drop it.
 */
export function createOrderTopic(deps: {
  brokers: readonly string[];
  /** Absent: the envelope's subdomain stays empty. */
  subdomainOf?: TenantSubdomain | undefined;
}): OrderTopic {
  const { brokers, subdomainOf } = deps;
  let producer: Producer | undefined;

  async function connect(): Promise<Producer> {
    if (producer !== undefined) return producer;
    const { Producer, compatibilityPartitioner } = await import("@platformatic/kafka");
    producer = new Producer({
      clientId: "catalyst-billing",
      bootstrapBrokers: [...brokers],
      idempotent: true,
      // The partitioner of Kafka's own clients keeps a tenant on the partition where the earlier service put it.
      partitioner: compatibilityPartitioner,
      connectTimeout: 3_000,
      requestTimeout: 10_000,
      timeout: 5_000,
      // The relay retries without limit, so the client retries only short faults.
      retries: 2,
      retryDelay: 200,
    });
    return producer;
  }

  async function close(): Promise<void> {
    const closing = producer?.close(true);
    producer = undefined;
    if (closing !== undefined) await settledWithin(CLOSE_MS, closing);
  }

  async function send(events: OutboxEvent[], signal: AbortSignal): Promise<void> {
    const subdomains = await lookUp(subdomainOf, events);
    const messages = events.map((event) => messageOf(event, subdomains.get(event.tenantId) ?? ""));
    for (const portion of portions(messages)) {
      const deadline = AbortSignal.any([signal, AbortSignal.timeout(SEND_MS)]);
      try {
        const client = await untilAborted(connect(), deadline);
        await untilAborted(client.send({ messages: portion }), deadline);
      } catch (error) {
        await close();
        if (isMessageFault(error)) throw error;
        throw new SinkUnavailableError(`the broker does not accept events: ${errorMessage(error)}`, {
          cause: error,
        });
      }
    }
  }

  return { deliver: (event, signal) => send([event], signal), deliverTogether: send, close };
}

type OrderMessage = MessageToProduce<Buffer, Buffer, Buffer, Buffer>;

/** The platform's envelope, with the tenant as key and the members that the topic's consumers read. */
function messageOf(event: OutboxEvent, subdomain: string): OrderMessage {
  const { id, customer_id, tenant_id, plan_id, apps, addons, amount_omr, amount_baisa, status, sovereign } =
    event.payload;
  const envelope = {
    id: event.eventId,
    type: event.type,
    source: "billing",
    timestamp: event.createdAt.toISOString(),
    tenant_id: event.tenantId,
    data: {
      id,
      customer_id,
      tenant_id,
      plan_id,
      apps,
      addons,
      amount_omr,
      amount_baisa,
      status,
      subdomain,
      sovereign,
    },
  };
  return {
    topic: ORDER_TOPIC,
    key: Buffer.from(event.tenantId),
    value: Buffer.from(JSON.stringify(envelope)),
  };
}

/** Splits messages in order into portions that are small enough for a broker. */
function portions(messages: OrderMessage[]): OrderMessage[][] {
  const result: OrderMessage[][] = [];
  let bytes = 0;
  for (const message of messages) {
    const size = message.value?.length ?? 0;
    const last = result.at(-1);
    if (last === undefined || bytes + size > MAX_SEND_BYTES) {
      result.push([message]);
      bytes = size;
    } else {
      last.push(message);
      bytes += size;
    }
  }
  return result;
}

/**
 * Subdomains by tenant. Throws the first failed lookup, after which the relay delivers each event by itself. Throws
 * `SinkUnavailableError` when all of several lookups fail.
 */
async function lookUp(
  subdomainOf: TenantSubdomain | undefined,
  events: OutboxEvent[],
): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  if (subdomainOf === undefined) return found;
  const waiting = [...new Set(events.map(({ tenantId }) => tenantId))];
  const failures: unknown[] = [];
  await Promise.all(
    Array.from({ length: LOOKUPS_AT_ONCE }, async () => {
      for (let tenantId = waiting.pop(); tenantId !== undefined; tenantId = waiting.pop()) {
        try {
          found.set(tenantId, await subdomainOf(tenantId));
        } catch (error) {
          failures.push(error);
        }
      }
    }),
  );
  if (failures.length === 0) return found;
  // When every lookup fails, the tenant service is down, so the events of all tenants wait.
  if (found.size === 0 && failures.length > 1)
    throw new SinkUnavailableError(errorMessage(failures[0]), { cause: failures[0] });
  throw failures[0];
}

function isMessageFault(error: unknown): boolean {
  const { findBy } = error as { findBy?: (property: string, value: unknown) => unknown };
  return (
    typeof findBy === "function" &&
    MESSAGE_FAULTS.some((fault) => Boolean(findBy.call(error, "apiId", fault)))
  );
}
