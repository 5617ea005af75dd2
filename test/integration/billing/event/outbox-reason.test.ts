import { type Logger, pino } from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  createOutboxRelay,
  ORGANIZATION_SINK,
  type OutboxEvent,
  SinkUnavailableError,
} from "../../../../src/billing/event/outbox.ts";
import {
  issueVoucher,
  placeOrder,
  startBilling,
  type TestBilling,
} from "../../../support/builder/billing.ts";
import { until } from "../../../support/wait.ts";

let billing: TestBilling;
let stop: AbortController;
let log: string[];
let logger: Logger;

beforeEach(async () => {
  billing = await startBilling();
  stop = new AbortController();
  log = [];
  logger = pino({ level: "trace" }, { write: (line: string) => void log.push(line) });
  await issueVoucher(billing, "SECRET-ONE");
  await issueVoucher(billing, "SECRET-TWO");
});
afterEach(() => billing.close());

const reasons = async (): Promise<string[]> =>
  (await billing.database.pool.query("SELECT last_error FROM outbox WHERE last_error IS NOT NULL")).rows.map(
    ({ last_error }) => last_error,
  );

/** Relays until the awaited kind of row or log line is written. */
async function relay(
  deliver: (event: OutboxEvent) => Promise<void>,
  isDone: () => boolean | Promise<boolean>,
  deliverTogether?: (events: readonly OutboxEvent[]) => Promise<void>,
): Promise<void> {
  const running = createOutboxRelay({
    pool: billing.database.pool,
    sink: ORGANIZATION_SINK,
    deliver,
    ...(deliverTogether === undefined ? {} : { deliverTogether }),
    logger,
    signal: stop.signal,
    pollMs: 10,
  }).run();
  try {
    await until(isDone, "the relay has done its work");
  } finally {
    stop.abort();
    await running;
  }
}

describe("why an event was not delivered", () => {
  it("stores and logs the sink's reason without the voucher code", async () => {
    await placeOrder(billing, "ali", { promo_code: "secret-one" });
    await relay(
      async ({ payload }) => {
        throw new Error(`refused {"promo_code":"${payload.promo_code}"}`);
      },
      async () => (await reasons()).length > 0,
    );
    expect(await reasons()).toEqual(['refused {"promo_code":"(voucher)"}']);
    expect(log.join()).toContain("refused");
    expect(log.join()).not.toContain("SECRET");
  });

  it("stores the whole reason for an order without a voucher, up to 500 characters", async () => {
    await placeOrder(billing, "ali", { plan_id: "free" });
    await relay(
      async () => {
        throw new Error("x".repeat(1_000));
      },
      async () => (await reasons()).length > 0,
    );
    expect(await reasons()).toEqual(["x".repeat(500)]);
  });

  it("stores no voucher code of a batch, whether its events are refused or the sink is down", async () => {
    await placeOrder(billing, "ali", { promo_code: "SECRET-ONE" });
    await placeOrder(billing, "salma", { promo_code: "SECRET-TWO" });
    let tries = 0;
    await relay(
      async ({ payload }) => {
        throw new SinkUnavailableError(`gone while it read ${payload.promo_code}`);
      },
      async () => (await reasons()).length > 0 && tries > 0,
      async (events) => {
        tries += 1;
        throw new Error(`refused ${events.map(({ payload }) => payload.promo_code).join(" and ")}`);
      },
    );
    expect(log.join()).toContain("refused (voucher) and (voucher)");
    expect(await reasons()).toEqual(["gone while it read (voucher)"]);
    expect(log.join()).not.toContain("SECRET");
  });
});
