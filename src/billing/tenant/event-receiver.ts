import { errorMessage } from "../../platform/errors.ts";
import type { Logger } from "../../platform/log.ts";
import { Counter, type Registry } from "../../platform/metrics.ts";
import { sleep } from "../../platform/shutdown.ts";
import type { Database } from "../db/database.ts";
import { DatabaseUnavailableError } from "../errors.ts";
import { handleTenantDeleted } from "./deletion.ts";
import { parseTenantEvent } from "./event.ts";

/** A message with its position in the topic. */
interface TenantMessage {
  topic: string;
  partition: number;
  offset: bigint;
  value: Uint8Array | null | undefined;
}

/**
 * The outcome of a message. After every outcome but `stopped`, the offset may be committed. `set_aside` is an event that
 * could not be handled although the database answered. The log has its position.
 */
type TenantMessageOutcome = "handled" | "repeated" | "ignored" | "malformed" | "set_aside" | "stopped";

export type TenantEventReceiver = (
  message: TenantMessage,
  signal: AbortSignal,
) => Promise<TenantMessageOutcome>;

const ATTEMPTS = 5;
const MAX_BACK_OFF_MS = 10_000;

/**
 * Handles one message to its end, and never rejects. While the database does not answer, it retries without limit. After
 * any other error it retries a few times and then sets the event aside, so that no message blocks later ones.
 */
export function createTenantEventReceiver(deps: {
  database: Database;
  logger: Logger;
  registry: Registry;
  backOffMs?: number;
}): TenantEventReceiver {
  const { database, logger, registry, backOffMs = 500 } = deps;
  const received = new Counter({
    name: "catalyst_billing_tenant_events_total",
    help: "Messages read from the tenant topic, by outcome.",
    labelNames: ["outcome"],
    registers: [registry],
  });

  async function receive(message: TenantMessage, signal: AbortSignal): Promise<TenantMessageOutcome> {
    const { topic, partition } = message;
    const place = { topic, partition, offset: String(message.offset) };
    const event = parseTenantEvent(message.value);
    if (event.kind === "ignored") return "ignored";
    if (event.kind === "malformed") {
      logger.error({ ...place, reason: event.reason }, "a message of the tenant topic is malformed: skipped");
      return "malformed";
    }
    const about = { ...place, eventId: event.eventId, tenantId: event.tenantId };
    for (let failures = 0, waits = 0; !signal.aborted; ) {
      try {
        const deletion = await handleTenantDeleted(database, topic, event);
        if (deletion.kind === "repeated") return "repeated";
        logger.info({ ...about, ...deletion.effects }, "a tenant was deleted");
        return "handled";
      } catch (error) {
        if (!(error instanceof DatabaseUnavailableError)) failures += 1;
        waits += 1;
        const reason = errorMessage(error);
        if (failures === ATTEMPTS) {
          logger.error(
            { ...about, reason },
            "a tenant's deletion cannot be handled: skipped after the last attempt",
          );
          return "set_aside";
        }
        logger.warn({ ...about, reason }, "a tenant's deletion could not be handled: trying again");
        await sleep(Math.min(MAX_BACK_OFF_MS, backOffMs * 2 ** Math.min(waits - 1, 10)), signal);
      }
    }
    return "stopped";
  }

  return async (message, signal) => {
    const outcome = await receive(message, signal);
    received.inc({ outcome });
    return outcome;
  };
}
