import { describe, expect, it } from "vitest";
import { ORDER_TOPIC } from "../../src/billing/event/order-topic.ts";
import { startHttpServer } from "../../src/platform/http-server.ts";
import { ask, signToken } from "../support/builder/billing.ts";
import { eventually, until } from "../support/wait.ts";
import {
  broker,
  database,
  isDelivered,
  placedOrders,
  placeOrder,
  receivedOrders,
  start,
  useKafkaBilling,
} from "./kafka-billing.ts";
import { readTopic } from "./kafka-broker.ts";

useKafkaBilling();

const TENANTS = 20;

/** Places orders of all tenants at the same time, and those of one tenant one after another. Returns the statuses. */
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

describe("order.placed on Kafka", () => {
  it("has the envelope and members that readers of the topic expect, with the tenant as its key", async () => {
    const billing = await start();
    const { json: order } = await ask(billing.origin, "/billing/checkout", {
      token: await signToken("salma"),
      body: { plan_id: "free", apps: ["wordpress"], tenant_id: "salma-shop" },
    });
    await until(isDelivered, "the events are delivered");
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

  it("has the subdomain from the tenant service, and waits for it without delaying other tenants", async () => {
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
      await eventually(async () => expect((await readTopic(broker.address, ORDER_TOPIC)).length).toBe(2));
      isBroken = false;
      await until(isDelivered, "the events are delivered");
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

  it("arrives in order per tenant although the broker is killed during 200 checkouts", async () => {
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
    await until(isDelivered, "the events are delivered", 90_000);
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
    await until(isDelivered, "the events are delivered", 90_000);
    expect(receivedOrders(await readTopic(broker.address, ORDER_TOPIC))).toEqual(await placedOrders());
  });
});
