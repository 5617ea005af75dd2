import { afterEach, beforeEach, expect } from "vitest";
import { ORDER_TOPIC } from "../../src/billing/event/order-topic.ts";
import { TENANT_TOPIC } from "../../src/billing/tenant/topic.ts";
import { ask, signToken } from "../support/builder/billing.ts";
import { createBillingProcesses } from "../support/process/billing-process.ts";
import { createTestDatabase, type TestDatabase } from "../support/server/postgres.ts";
import { startBroker, type TestBroker, type TestRecord, writeTopic } from "./kafka-broker.ts";

export let database: TestDatabase;
export let broker: TestBroker;
let processes: ReturnType<typeof createBillingProcesses>;

/** Gives each test a database and a broker with both topics, and ends the billing processes after it. */
export function useKafkaBilling(): void {
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
}

export const start = (name = "billing", env: Record<string, string> = {}) =>
  processes.start({
    REDPANDA_BROKERS: broker.address,
    DATABASE_URL: `${database.url}?application_name=${name}`,
    ...env,
  });

export const isDelivered = async () =>
  (
    await database.pool.query(
      "SELECT count(*)::int AS n FROM outbox WHERE sink = 'kafka' AND delivered_at IS NULL",
    )
  ).rows[0].n === 0;

/** Order ids by tenant, in the order of their checkouts. */
export async function placedOrders(): Promise<Map<string, string[]>> {
  const { rows } = await database.pool.query(
    "SELECT tenant_id, array_agg(event_id::text ORDER BY id) AS orders FROM outbox WHERE sink = 'kafka' GROUP BY tenant_id",
  );
  return new Map(rows.map((row) => [row.tenant_id, row.orders]));
}

/** Order ids by tenant, in the order of arrival and without repetitions. Each tenant must be on one partition. */
export function receivedOrders(records: TestRecord[]): Map<string, string[]> {
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

export const deletion = (id: string, tenant: string) => ({
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

export const tell = (...messages: Parameters<typeof writeTopic>[2]) =>
  writeTopic(broker.address, TENANT_TOPIC, messages);

export const handledEvents = async (): Promise<string[]> =>
  (await database.pool.query('SELECT event_id FROM handled_events ORDER BY event_id COLLATE "C"')).rows.map(
    ({ event_id }) => event_id,
  );

export async function placeOrder(origin: string, tenant: string): Promise<void> {
  const answer = await ask(origin, "/billing/checkout", {
    token: await signToken(`user of ${tenant}`),
    body: { plan_id: "free", tenant_id: tenant },
  });
  expect(answer.status).toBe(200);
}

export const subscriptions = async (tenant: string): Promise<string[]> =>
  (
    await database.pool.query("SELECT status FROM subscriptions WHERE tenant_id = $1 ORDER BY created_at", [
      tenant,
    ])
  ).rows.map(({ status }) => status);
