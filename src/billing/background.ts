import { errorMessage } from "../platform/errors.ts";
import type { Logger } from "../platform/log.ts";
import type { Registry } from "../platform/metrics.ts";
import { sleep } from "../platform/shutdown.ts";
import type { Database } from "./db/database.ts";
import { createOrderTopic } from "./event/order-topic.ts";
import { createOutboxRelay, KAFKA_SINK } from "./event/outbox.ts";
import { runJanitor } from "./janitor.ts";
import type { TenantDirectory } from "./tenant/directory.ts";
import { createTenantEventReceiver } from "./tenant/event-receiver.ts";
import { followTenantTopic } from "./tenant/topic.ts";

const RESTART_MS = 5_000;

/**
 * The background tasks of a billing process: relaying orders to the broker and reading the tenant topic (both only with
 * brokers), and deleting old rows. Their failures do not affect requests. They end when the signal fires.
 */
export function createBackground(deps: {
  database: Database;
  /** Empty: no broker is used. */
  brokers: readonly string[];
  tenants: TenantDirectory | undefined;
  logger: Logger;
  registry: Registry;
}): (signal: AbortSignal) => Promise<void> {
  const { database, brokers, tenants, logger, registry } = deps;
  const receive =
    brokers.length === 0 ? undefined : createTenantEventReceiver({ database, logger, registry });

  async function relayOrders(signal: AbortSignal): Promise<void> {
    const topic = createOrderTopic({ brokers, subdomainOf: tenants?.subdomain });
    try {
      await createOutboxRelay({ pool: database.pool, sink: KAFKA_SINK, ...topic, logger, signal }).run();
    } finally {
      await topic.close();
    }
  }

  return async (signal) => {
    const keepDoing = async (task: string, work: () => Promise<void>): Promise<void> => {
      while (!signal.aborted) {
        await work().catch((error: unknown) =>
          logger.error({ task, reason: errorMessage(error) }, "a background task failed: starting it again"),
        );
        await sleep(RESTART_MS, signal);
      }
    };
    const tasks = [keepDoing("janitor", () => runJanitor({ database, logger }, signal))];
    if (receive !== undefined) {
      tasks.push(
        keepDoing("order-relay", () => relayOrders(signal)),
        keepDoing("tenant-topic", () => followTenantTopic({ brokers, receive, logger, signal })),
      );
    }
    await Promise.all(tasks);
  };
}
