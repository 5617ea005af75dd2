import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ORDER_TOPIC } from "../../src/billing/event/order-topic.ts";
import { reconcileLedger } from "../../src/billing/ledger/reconcile-ledger.ts";
import { TENANT_TOPIC } from "../../src/billing/tenant/topic.ts";
import { startHttpServer } from "../../src/platform/http-server.ts";
import { ask, signToken } from "../support/builder/billing.ts";
import { createBillingProcesses, until } from "../support/process/billing-process.ts";
import { createTestDatabase, type TestDatabase } from "../support/server/postgres.ts";
import { readTopic, startBroker, type TestBroker, type TestRecord, writeTopic } from "./kafka-broker.ts";

let database: TestDatabase;
let broker: TestBroker;
let processes: ReturnType<typeof createBillingProcesses>;

beforeEach(async () => {
  database = await createTestDatabase();
  broker = await startBroker([ORDER_TOPIC, TENANT_TOPIC]);
  processes = createBillingProcesses(database.url);
});

afterEach(async () => {
  await processes.close();
  await broker.close();
  await database.drop();
});

const start = (name = "billing", env: Record<string, string> = {}) =>
  processes.start({
    REDPANDA_BROKERS: broker.address,
    DATABASE_URL: `${database.url}?application_name=${name}`,
    ...env,
  });

const TENANTS = 20;

/** Orders of tenants in turn, each tenant's one after another; the answers' statuses. */
async function placeOrders(origins: string[], count: number, onPlaced?: (placed: number) => void) {
  const statuses: number[] = [];
  await Promise.all(
    Array.from({ length: TENANTS }, async (_, tenant) => {
      const token = await signToken(`user-${tenant}`);
      for (let order = tenant; order < count; order += TENANTS) {
        const answer = await ask(origins[order % origins.length] ?? "", "/billing/checkout", {
          token,
          body: { plan_id: "free", tenant_id: `tenant-${tenant}` },
        });
        statuses.push(answer.status);
        onPlaced?.(statuses.length);
      }
    }),
  );
  return statuses;
}

const isDelivered = async () =>
  (
    await database.pool.query(
      "SELECT count(*)::int AS n FROM outbox WHERE sink = 'kafka' AND delivered_at IS NULL",
    )
  ).rows[0].n === 0;

/** Order ids by tenant, as they were placed. */
async function placedOrders(): Promise<Map<string, string[]>> {
  const { rows } = await database.pool.query(
    "SELECT tenant_id, array_agg(event_id::text ORDER BY id) AS orders FROM outbox WHERE sink = 'kafka' GROUP BY tenant_id",
  );
  return new Map(rows.map((row) => [row.tenant_id, row.orders]));
}

/** Order ids by tenant, as they came first; repetitions dropped. Each tenant must be on one partition. */
function receivedOrders(records: TestRecord[]): Map<string, string[]> {
  const orders = new Map<string, string[]>();
  const partitions = new Map<string, number>();
  for (const { key, value, partition } of records) {
    expect(partitions.get(key) ?? partition).toBe(partition);
    partitions.set(key, partition);
    const { id } = JSON.parse(value);
    const known = orders.get(key) ?? [];
    if (!known.includes(id)) orders.set(key, [...known, id]);
  }
  return orders;
}

describe("order.placed on Kafka", () => {
  it("has the envelope and members that the topic's readers know, keyed by tenant", async () => {
    const billing = await start();
    const { json: order } = await ask(billing.origin, "/billing/checkout", {
      token: await signToken("salma"),
      body: { plan_id: "free", apps: ["wordpress"], tenant_id: "salma-shop" },
    });
    await until(isDelivered);
    const [record] = await readTopic(broker.address, ORDER_TOPIC);
    expect(record?.key).toBe("salma-shop");
    expect(JSON.parse(record?.value ?? "")).toEqual({
      id: order.order_id,
      type: "order.placed",
      source: "billing",
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      tenant_id: "salma-shop",
      data: {
        id: order.order_id,
        customer_id: expect.any(String),
        tenant_id: "salma-shop",
        plan_id: "free",
        apps: ["wordpress"],
        addons: [],
        amount_omr: 0,
        amount_baisa: 0,
        status: "paid",
        subdomain: "",
        sovereign: "omantel.omani.works",
      },
    });
  });

  it("carries the subdomain that the tenant service names; one that it cannot name yet holds up its tenant alone", async () => {
    let isBroken = true;
    const asked: string[] = [];
    const tenantService = await startHttpServer({
      host: "127.0.0.1",
      port: 0,
      handler(request, response) {
        asked.push(request.url ?? "");
        if (request.url?.includes("slow") && isBroken) response.writeHead(500).end();
        else if (request.url?.includes("unknown")) response.writeHead(404).end();
        else response.end(JSON.stringify({ subdomain: request.url?.split("/").at(-2) }));
      },
    });
    try {
      const billing = await start("billing", { TENANT_URL: tenantService.origin });
      await broker.kill();
      for (const tenant of ["slow", "quick", "slow", "unknown"]) await placeOrder(billing.origin, tenant);
      await broker.start();
      await until(async () => (await readTopic(broker.address, ORDER_TOPIC)).length === 2);
      isBroken = false;
      await until(isDelivered);
      const records = await readTopic(broker.address, ORDER_TOPIC);
      expect(receivedOrders(records)).toEqual(await placedOrders());
      expect(new Map(records.map(({ key, value }) => [key, JSON.parse(value).data.subdomain]))).toEqual(
        new Map([
          ["quick", "quick"],
          ["unknown", ""],
          ["slow", "slow"],
        ]),
      );
      expect(new Set(asked)).toEqual(
        new Set(["slow", "quick", "unknown"].map((id) => `/tenant/internal/tenants/${id}/subdomain`)),
      );
    } finally {
      await tenantService.close(0);
    }
  });

  it("arrives in order per tenant although the broker is killed in a burst of 200 checkouts", async () => {
    const billing = await start();
    let killed: Promise<void> | undefined;
    const statuses = await placeOrders([billing.origin], 200, (placed) => {
      if (placed === 60) killed = broker.kill();
    });
    await killed;
    expect(statuses).toEqual(Array(200).fill(200));
    expect((await ask(billing.origin, "/readyz")).status).toBe(200);
    expect(await isDelivered()).toBe(false);
    await broker.start();
    await until(isDelivered, 40_000);
    expect(receivedOrders(await readTopic(broker.address, ORDER_TOPIC))).toEqual(await placedOrders());
  });

  it("arrives in order per tenant from two processes, also when the relaying one is killed", async () => {
    const pair = { one: await start("one"), two: await start("two") };
    await placeOrders([pair.one.origin, pair.two.origin], 100);
    const { rows } = await database.pool.query<{ name: "one" | "two" }>(
      `SELECT a.application_name AS name FROM pg_locks l JOIN pg_stat_activity a USING (pid)
        WHERE l.locktype = 'advisory' AND l.granted AND a.datname = current_database()`,
    );
    expect(rows).toHaveLength(1);
    const relaying = pair[rows[0]?.name ?? "one"];
    const other = relaying === pair.one ? pair.two : pair.one;
    let killed: Promise<unknown> | undefined;
    await placeOrders([other.origin], 200, (placed) => {
      if (placed === 50) killed = relaying.end("SIGKILL");
    });
    await killed;
    await until(isDelivered, 40_000);
    expect(receivedOrders(await readTopic(broker.address, ORDER_TOPIC))).toEqual(await placedOrders());
  });
});

const deletion = (id: string, tenant: string) => ({
  key: tenant,
  value: JSON.stringify({
    id,
    type: "tenant.deleted",
    source: "tenant",
    timestamp: "2026-01-02T03:04:05Z",
    tenant_id: tenant,
    data: { id: tenant, slug: tenant },
  }),
});

const tell = (...messages: Parameters<typeof writeTopic>[2]) =>
  writeTopic(broker.address, TENANT_TOPIC, messages);

const handledEvents = async (): Promise<string[]> =>
  (await database.pool.query('SELECT event_id FROM handled_events ORDER BY event_id COLLATE "C"')).rows.map(
    ({ event_id }) => event_id,
  );

async function outcomes(origin: string): Promise<Record<string, number>> {
  const { text } = await ask(origin, "/metrics");
  const lines = text.matchAll(/^catalyst_billing_tenant_events_total\{outcome="(\w+)"\} (\d+)$/gm);
  return Object.fromEntries([...lines].map(([, outcome, count]) => [outcome, Number(count)]));
}

async function placeOrder(origin: string, tenant: string): Promise<void> {
  const answer = await ask(origin, "/billing/checkout", {
    token: await signToken(`user of ${tenant}`),
    body: { plan_id: "free", tenant_id: tenant },
  });
  expect(answer.status).toBe(200);
}

const subscriptions = async (tenant: string): Promise<string[]> =>
  (
    await database.pool.query("SELECT status FROM subscriptions WHERE tenant_id = $1 ORDER BY created_at", [
      tenant,
    ])
  ).rows.map(({ status }) => status);

async function booksAgree(): Promise<void> {
  const client = await database.pool.connect();
  try {
    expect(await reconcileLedger(client)).toEqual([]);
  } finally {
    client.release();
  }
}

describe("tenant.deleted from Kafka", () => {
  it("has one effect, delivered three times and across a restart", async () => {
    const first = await start();
    await placeOrder(first.origin, "gone");
    await tell(deletion("e1", "gone"), deletion("e1", "gone"));
    await until(async () => (await outcomes(first.origin)).repeated === 1);
    expect(await outcomes(first.origin)).toEqual({ handled: 1, repeated: 1 });
    expect(await subscriptions("gone")).toEqual(["canceled"]);
    // The tenant comes back: what was said of it before does not reach its new subscription.
    await placeOrder(first.origin, "gone");
    expect(await first.end("SIGTERM")).toBe(0);
    await tell(deletion("e1", "gone"), deletion("e2", "other"));
    const second = await start();
    await until(async () => (await handledEvents()).includes("e2"));
    await until(async () => (await outcomes(second.origin)).repeated === 1);
    expect(await outcomes(second.origin)).toEqual({ handled: 1, repeated: 1 });
    expect(await subscriptions("gone")).toEqual(["canceled", "active"]);
    expect(await handledEvents()).toEqual(["e1", "e2"]);
    await booksAgree();
  });

  it("is handled behind messages that are no events", async () => {
    const billing = await start();
    await placeOrder(billing.origin, "gone");
    const key = "gone";
    await tell(
      { key, value: "{" },
      { key, value: null },
      { key, value: "\u0000\u0001" },
      { key, value: "[]" },
      { key, value: JSON.stringify({ id: "m1", type: "tenant.deleted" }) },
      { key, value: JSON.stringify({ id: "m2", type: "tenant.deleted", tenant_id: "a\u0000b" }) },
      { key, value: JSON.stringify({ id: "m3", type: "tenant.created", tenant_id: "gone" }) },
      { key, value: JSON.stringify({ id: "x".repeat(5_000), type: "tenant.deleted", tenant_id: "gone" }) },
      deletion("e1", "gone"),
    );
    await until(async () => (await subscriptions("gone"))[0] === "canceled");
    await until(async () => (await outcomes(billing.origin)).handled === 1);
    expect(await outcomes(billing.origin)).toEqual({ malformed: 6, ignored: 2, handled: 1 });
    expect((await ask(billing.origin, "/readyz")).status).toBe(200);
  });

  it("is handled once by two processes that come, go and are killed, through the broker's restart", async () => {
    const tenants = Array.from({ length: 30 }, (_, index) => `tenant-${String(index).padStart(2, "0")}`);
    const ids = tenants.map((tenant) => `deleted-${tenant}`);
    const send = (from: number, to: number) =>
      tell(...tenants.slice(from, to).map((tenant) => deletion(`deleted-${tenant}`, tenant)));
    const one = await start();
    for (const tenant of tenants) await placeOrder(one.origin, tenant);
    await send(0, 5);
    await until(async () => (await handledEvents()).length === 5);
    const two = await start();
    await send(0, 12);
    await until(async () => (await handledEvents()).length === 12);
    await one.end("SIGKILL");
    await send(10, 20);
    await broker.kill();
    await placeOrder(two.origin, "meanwhile");
    expect((await ask(two.origin, "/readyz")).status).toBe(200);
    await broker.start();
    await send(18, 30);
    await until(async () => (await handledEvents()).length === 30, 50_000);
    expect(await handledEvents()).toEqual(ids);
    for (const tenant of tenants) expect(await subscriptions(tenant)).toEqual(["canceled"]);
    expect(await subscriptions("meanwhile")).toEqual(["active"]);
    expect(await two.end("SIGTERM")).toBe(0);
  });
});

describe("a broker that hangs", () => {
  it("delays no checkout, and both topics continue when it answers again", async () => {
    const billing = await start();
    await placeOrder(billing.origin, "before");
    await tell(deletion("e1", "before"));
    await until(async () => (await handledEvents()).length === 1);
    await until(isDelivered);
    broker.suspend();
    await placeOrder(billing.origin, "meanwhile");
    // Longer than a request to the broker may take.
    await until(() => billing.log().includes("the sink does not accept events"), 30_000);
    expect((await ask(billing.origin, "/readyz")).status).toBe(200);
    broker.resume();
    await until(isDelivered, 30_000);
    await tell(deletion("e2", "meanwhile"));
    await until(async () => (await handledEvents()).length === 2, 50_000);
    expect(await subscriptions("meanwhile")).toEqual(["canceled"]);
    expect(receivedOrders(await readTopic(broker.address, ORDER_TOPIC))).toEqual(await placedOrders());
  }, 120_000);
});
