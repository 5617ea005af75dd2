import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findFreePort } from "../../../../src/playground/process/free-port.ts";
import { ask, placeOrder, signToken, startBilling } from "../../../support/builder/billing.ts";
import { createBillingProcesses } from "../../../support/process/billing-process.ts";
import { createTestDatabase, type TestDatabase } from "../../../support/server/postgres.ts";
import { eventually } from "../../../support/wait.ts";

let database: TestDatabase;
let processes: ReturnType<typeof createBillingProcesses>;

beforeEach(async () => {
  database = await createTestDatabase();
  processes = createBillingProcesses(database.url);
});

afterEach(async () => {
  await processes.close();
  await database.drop();
});

const outbox = async () =>
  (
    await database.pool.query(
      "SELECT sink, count(*)::int AS rows, count(delivered_at)::int AS delivered, max(attempts) AS attempts FROM outbox GROUP BY sink ORDER BY sink",
    )
  ).rows;

describe("an unreachable broker", () => {
  it("starts, is ready, places orders and stops without a broker; events wait and are counted", async () => {
    const billing = await processes.start({ REDPANDA_BROKERS: `127.0.0.1:${await findFreePort()}` });
    await eventually(async () => expect((await ask(billing.origin, "/readyz")).status).toBe(200));
    const token = await signToken("salma");
    for (let order = 0; order < 3; order += 1) {
      const answer = await ask(billing.origin, "/billing/checkout", {
        token,
        body: { plan_id: "free", tenant_id: "salma-shop" },
      });
      expect(answer.status).toBe(200);
    }
    await eventually(() => expect(billing.log()).toContain("the sink does not accept events"));
    await eventually(() => expect(billing.log()).toContain("the tenant topic cannot be read"));
    expect(await outbox()).toEqual([
      { sink: "kafka", rows: 3, delivered: 0, attempts: 0 },
      { sink: "organization", rows: 3, delivered: 0, attempts: 0 },
    ]);
    expect((await ask(billing.origin, "/readyz")).status).toBe(200);
    const { text } = await ask(billing.origin, "/metrics");
    expect(text).toContain('catalyst_billing_outbox_pending{sink="kafka"} 3');
    expect(Number(/outbox_oldest_seconds\{sink="kafka"\} (\S+)/.exec(text)?.[1])).toBeGreaterThan(0);
    const stopped = performance.now();
    expect(await billing.end("SIGTERM")).toBe(0);
    // A Pod that has not ended after 30 seconds is killed.
    expect(performance.now() - stopped).toBeLessThan(15_000);
  });

  it("writes no events for Kafka when no broker is configured", async () => {
    const billing = await processes.start();
    await ask(billing.origin, "/billing/checkout", {
      token: await signToken("salma"),
      body: { plan_id: "free", tenant_id: "salma-shop" },
    });
    expect(await outbox()).toEqual([{ sink: "organization", rows: 1, delivered: 0, attempts: 0 }]);
    expect(billing.log()).not.toContain("topic");
  });
});

describe("outbox metrics", () => {
  it("measures the outbox at most every 15 seconds, by sink, and reports 0 when nothing waits", async () => {
    let nowMs = Date.now();
    const billing = await startBilling({ now: () => new Date(nowMs) });
    try {
      const pending = async () =>
        /^catalyst_billing_outbox_\w+\{sink="organization"\} .*$/gm.exec(
          (await billing.ask("/metrics")).text,
        )?.[0];
      expect(await pending()).toBe('catalyst_billing_outbox_pending{sink="organization"} 0');
      await placeOrder(billing, "salma", { plan_id: "free" });
      expect(await pending()).toBe('catalyst_billing_outbox_pending{sink="organization"} 0');
      nowMs += 15_000;
      expect(await pending()).toBe('catalyst_billing_outbox_pending{sink="organization"} 1');
    } finally {
      await billing.close();
    }
  });
});
