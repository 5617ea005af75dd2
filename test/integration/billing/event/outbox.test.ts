import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  createOutboxRelay,
  ORGANIZATION_SINK,
  type OutboxEvent,
  type OutboxRelayDeps,
  SinkUnavailableError,
} from "../../../../src/billing/event/outbox.ts";
import { createLogger } from "../../../../src/platform/log.ts";
import {
  FQDN,
  issueVoucher,
  placeOrder,
  startBilling,
  type TestBilling,
} from "../../../support/builder/billing.ts";
import { eventually, until } from "../../../support/wait.ts";

let billing: TestBilling;
let stop: AbortController;
let running: Promise<void>[] = [];

beforeEach(async () => {
  billing = await startBilling();
  stop = new AbortController();
});

afterEach(async () => {
  stop.abort();
  await Promise.all(running);
  running = [];
  await billing.close();
});

function relay(
  deliver: (event: OutboxEvent) => Promise<void>,
  deliverTogether?: OutboxRelayDeps["deliverTogether"],
): void {
  running.push(
    createOutboxRelay({
      pool: billing.database.pool,
      sink: ORGANIZATION_SINK,
      deliver,
      ...(deliverTogether === undefined ? {} : { deliverTogether }),
      logger: createLogger("test", "silent"),
      signal: stop.signal,
      pollMs: 10,
    }).run(),
  );
}

const pending = async () =>
  (await billing.database.pool.query("SELECT count(*)::int AS n FROM outbox WHERE delivered_at IS NULL"))
    .rows[0].n as number;

describe("outbox relay", () => {
  it("delivers once what an Organization needs", async () => {
    await issueVoucher(billing, "EVENT");
    const order = (await placeOrder(billing, "salma", { promo_code: "EVENT" })).json;
    const seen: OutboxEvent[] = [];
    relay(async (event) => void seen.push(event));
    await eventually(async () => expect(await pending()).toBe(0));
    await new Promise((done) => setTimeout(done, 50));
    expect(seen).toEqual([
      {
        eventId: order.order_id,
        type: "order.placed",
        tenantId: "salma-shop",
        attempt: 1,
        createdAt: expect.any(Date),
        payload: expect.objectContaining({
          id: order.order_id,
          promo_code: "EVENT",
          user_id: "salma",
          email: "salma@example.om",
          sovereign: FQDN,
        }),
      },
    ]);
  });

  it("keeps the order of each tenant's events with two relays and a failing sink", async () => {
    for (let round = 0; round < 5; round += 1) {
      for (const tenant of ["one", "two", "three"])
        await placeOrder(billing, tenant, { plan_id: "free", tenant_id: tenant });
    }
    const { rows } = await billing.database.pool.query("SELECT tenant_id, event_id FROM outbox ORDER BY id");
    const placed = (tenant: string) =>
      rows.filter((row) => row.tenant_id === tenant).map((row) => row.event_id);
    const seen: Record<string, string[]> = { one: [], two: [], three: [] };
    let underWay = 0;
    let failures = 0;
    const deliver = async (event: OutboxEvent) => {
      underWay += 1;
      expect(underWay).toBe(1);
      await new Promise((done) => setTimeout(done, 2));
      underWay -= 1;
      if (event.tenantId === "two" && event.attempt === 1 && failures === 0) {
        failures += 1;
        expect(seen.two).toEqual([]);
        throw new Error("sink away");
      }
      seen[event.tenantId]?.push(event.eventId);
    };
    relay(deliver);
    relay(deliver);
    await until(
      () => seen.one?.length === 5 && seen.three?.length === 5,
      "the other tenants' events are delivered",
    );
    expect(seen.two).toEqual([]);
    await eventually(async () => expect(await pending()).toBe(0));
    expect(seen).toEqual({ one: placed("one"), two: placed("two"), three: placed("three") });
  });

  it("delivers unmarked events again after a relay has lost its connection", async () => {
    const seen: string[] = [];
    const deliver = async (event: OutboxEvent) => {
      seen.push(event.eventId);
      if (seen.length === 1) {
        await billing.database.pool.query(
          `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()
              AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
        );
      }
    };
    await placeOrder(billing, "solo", { plan_id: "free" });
    relay(deliver);
    relay(deliver);
    await eventually(async () => expect(await pending()).toBe(0));
    expect(seen.length).toBe(2);
    expect(new Set(seen).size).toBe(1);
  });

  it("stops at once on request, and leaves the event to the next relay", async () => {
    await placeOrder(billing, "left", { plan_id: "free" });
    const first = new AbortController();
    const begun = new Promise<void>((begin) => {
      running.push(
        createOutboxRelay({
          pool: billing.database.pool,
          sink: ORGANIZATION_SINK,
          deliver: (_event, signal) =>
            new Promise((_done, fail) => {
              begin();
              signal.addEventListener("abort", () => fail(new Error("stopped")));
            }),
          logger: createLogger("test", "silent"),
          signal: first.signal,
          pollMs: 10,
        }).run(),
      );
    });
    await begun;
    first.abort();
    await Promise.all(running);
    expect(await pending()).toBe(1);
    const seen: number[] = [];
    relay(async ({ attempt }) => void seen.push(attempt));
    await eventually(() => expect(seen.length).toBe(1));
    expect(seen).toEqual([1]);
  });

  it("delivers a batch in order, and each event alone when the batch fails", async () => {
    const orders: Record<string, string[]> = { bad: [], good: [] };
    for (let round = 0; round < 3; round += 1) {
      for (const tenant of ["bad", "good"]) {
        const answer = await placeOrder(billing, tenant, { plan_id: "free", tenant_id: tenant });
        orders[tenant]?.push(answer.json.order_id);
      }
    }
    const together: string[][] = [];
    const alone: string[] = [];
    relay(
      async ({ tenantId, eventId }) => {
        if (tenantId === "bad" && alone.filter((id) => id === "refused").length < 2) {
          alone.push("refused");
          throw new Error("too large");
        }
        alone.push(eventId);
      },
      async (events) => {
        together.push(events.map(({ eventId }) => eventId));
        if (together.length === 1) throw new Error("one of them is too large");
      },
    );
    await eventually(async () => expect(await pending()).toBe(0));
    const [bad = [], good = []] = [orders.bad, orders.good];
    expect(together[0]).toEqual([bad[0], good[0], bad[1], good[1], bad[2], good[2]]);
    expect(alone.filter((id) => good.includes(id))).toEqual(good);
    expect([...alone, ...together.slice(1).flat()].filter((id) => bad.includes(id))).toEqual(bad);
  });

  it("counts no attempt against an event while the sink is down, and delivers all afterwards", async () => {
    for (const tenant of ["one", "two"])
      await placeOrder(billing, tenant, { plan_id: "free", tenant_id: tenant });
    let tries = 0;
    const alone: string[] = [];
    relay(
      async ({ tenantId }) => void alone.push(tenantId),
      async () => {
        tries += 1;
        if (tries < 3) throw new SinkUnavailableError("the sink is down");
      },
    );
    await eventually(() => expect(tries).toBe(1));
    await eventually(async () => {
      const { rows } = await billing.database.pool.query(
        "SELECT attempts, last_error FROM outbox ORDER BY id",
      );
      expect(rows).toMatchObject([{ attempts: 0, last_error: "the sink is down" }, { attempts: 0 }]);
    });
    await eventually(async () => expect(await pending()).toBe(0));
    expect([tries, alone]).toEqual([3, []]);
  });
});
