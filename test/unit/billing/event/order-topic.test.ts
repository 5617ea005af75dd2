import { describe, expect, it } from "vitest";
import { createOrderTopic } from "../../../../src/billing/event/order-topic.ts";
import { type OutboxEvent, SinkUnavailableError } from "../../../../src/billing/event/outbox.ts";
import { findFreePort } from "../../../../src/playground/process/free-port.ts";

const order = (tenantId: string): OutboxEvent => ({
  eventId: "0a4b8c1d-2e3f-4a5b-8c6d-7e8f9a0b1c2d",
  type: "order.placed",
  tenantId,
  payload: {
    id: "0a4b8c1d-2e3f-4a5b-8c6d-7e8f9a0b1c2d",
    customer_id: "1a4b8c1d-2e3f-4a5b-8c6d-7e8f9a0b1c2d",
    tenant_id: tenantId,
    plan_id: "small",
    apps: [],
    addons: [],
    amount_omr: 9,
    amount_baisa: 9_000,
    status: "paid",
    promo_code: null,
    user_id: "salma",
    email: "",
    sovereign: "omantel.omani.works",
  },
  createdAt: new Date(0),
  attempt: 1,
});
const never = () => new AbortController().signal;

describe("the topic of orders", () => {
  it("is unavailable when no broker listens, and can be closed at any time", async () => {
    const topic = createOrderTopic({ brokers: [`127.0.0.1:${await findFreePort()}`] });
    await topic.close();
    await expect(topic.deliver(order("shop"), never())).rejects.toBeInstanceOf(SinkUnavailableError);
    await topic.close();
  });

  it("delays only the tenant whose subdomain is unknown", async () => {
    const fault = new Error("no answer about bad");
    const subdomainOf = async (tenantId: string) => {
      if (tenantId === "bad") throw fault;
      return tenantId;
    };
    const topic = createOrderTopic({ brokers: ["127.0.0.1:1"], subdomainOf });
    await expect(topic.deliverTogether([order("good"), order("bad")], never())).rejects.toBe(fault);
    await expect(topic.deliver(order("bad"), never())).rejects.toBe(fault);
  });

  it("delays all tenants when the tenant service answers for none", async () => {
    const subdomainOf = () => Promise.reject(new Error("away"));
    const topic = createOrderTopic({ brokers: ["127.0.0.1:1"], subdomainOf });
    await expect(topic.deliverTogether([order("one"), order("two")], never())).rejects.toMatchObject({
      name: "SinkUnavailableError",
      message: "away",
    });
  });

  it("stops at once when its process ends", async () => {
    const topic = createOrderTopic({ brokers: ["127.0.0.1:1"] });
    await expect(topic.deliver(order("shop"), AbortSignal.abort())).rejects.toBeInstanceOf(
      SinkUnavailableError,
    );
  });
});
