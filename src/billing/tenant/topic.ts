import { errorMessage } from "../../platform/errors.ts";
import type { Logger } from "../../platform/log.ts";
import { settledWithin, sleep, untilAborted } from "../../platform/shutdown.ts";
import type { TenantEventReceiver } from "./event-receiver.ts";

export const TENANT_TOPIC = "sme.tenant.events";
/** The earlier service's consumer group: this service continues at its committed offsets. */
const TENANT_GROUP = "billing-tenant-events";

interface TenantTopicDeps {
  brokers: readonly string[];
  receive: TenantEventReceiver;
  logger: Logger;
  signal: AbortSignal;
}

const FIRST_BACK_OFF_MS = 500;
const MAX_BACK_OFF_MS = 15_000;
/** After a connection of this length, the back-off starts again from the shortest delay. */
const STEADY_MS = 60_000;
const CLOSE_MS = 3_000;

/**
 * Reads the tenant topic until the signal fires. An offset is committed after its message was handled, so a message may be
 * delivered again, to this process or another, and no message is skipped. When the connection or the membership in the
 * group breaks, a new consumer replaces the old one.
 */
export async function followTenantTopic(deps: TenantTopicDeps): Promise<void> {
  const { logger, signal } = deps;
  let backOffMs = FIRST_BACK_OFF_MS;
  while (!signal.aborted) {
    const startedMs = performance.now();
    const reason = await consume(deps).then(() => "the consumer left its group", errorMessage);
    if (signal.aborted) break;
    if (performance.now() - startedMs > STEADY_MS) backOffMs = FIRST_BACK_OFF_MS;
    logger.warn({ topic: TENANT_TOPIC, reason, backOffMs }, "the tenant topic cannot be read: trying again");
    await sleep(backOffMs, signal);
    backOffMs = Math.min(MAX_BACK_OFF_MS, backOffMs * 2);
  }
}

async function consume(deps: TenantTopicDeps): Promise<void> {
  const { brokers, receive, logger, signal } = deps;
  const { Consumer } = await import("@platformatic/kafka");
  const consumer = new Consumer({
    clientId: "catalyst-billing",
    groupId: TENANT_GROUP,
    bootstrapBrokers: [...brokers],
    autocommit: false,
    connectTimeout: 3_000,
    requestTimeout: 30_000,
    retries: 3,
    retryDelay: 300,
    sessionTimeout: 20_000,
    rebalanceTimeout: 30_000,
    heartbeatInterval: 2_000,
    maxWaitTime: 1_000,
  });
  const broken = new AbortController();
  // Without a listener, an `error` event ends the process.
  consumer.on("error", (error) => broken.abort(error));
  const stop = AbortSignal.any([signal, broken.signal]);
  try {
    const opening = consumer.consume({ topics: [TENANT_TOPIC], mode: "committed", fallbackMode: "earliest" });
    // After an abort the stream may still open. Its later errors are ignored.
    opening.then(
      (late) => late.on("error", () => undefined),
      () => undefined,
    );
    const stream = await untilAborted(opening, stop);
    stop.addEventListener("abort", () => stream.destroy(signal.aborted ? undefined : stop.reason));
    logger.info({ topic: TENANT_TOPIC, group: TENANT_GROUP }, "reading the tenant topic");
    for await (const message of stream) {
      const { topic, partition, offset, value } = message;
      const outcome = await receive({ topic, partition, offset, value }, stop);
      if (outcome === "stopped") break;
      await untilAborted(Promise.resolve(message.commit()), stop);
    }
  } finally {
    await settledWithin(CLOSE_MS, consumer.close(true));
  }
}
