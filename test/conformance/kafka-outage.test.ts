import { describe, expect, it } from "vitest";
import { ORDER_TOPIC } from "../../src/billing/event/order-topic.ts";
import { ask } from "../support/builder/billing.ts";
import { until } from "../support/process/billing-process.ts";
import {
  broker,
  deletion,
  handledEvents,
  isDelivered,
  placedOrders,
  placeOrder,
  receivedOrders,
  start,
  subscriptions,
  tell,
  useKafkaBilling,
} from "./kafka-billing.ts";
import { readTopic } from "./kafka-broker.ts";

useKafkaBilling();

describe("a broker that hangs", () => {
  it("delays no checkout, and both topics continue when it answers again", async () => {
    const billing = await start();
    await placeOrder(billing.origin, "before");
    await tell(deletion("e1", "before"));
    await until(async () => (await handledEvents()).length === 1);
    await until(isDelivered);
    broker.suspend();
    await placeOrder(billing.origin, "meanwhile");
    // This takes longer than the timeout of a request to the broker.
    await until(() => billing.log().includes("the sink does not accept events"), 30_000);
    expect((await ask(billing.origin, "/readyz")).status).toBe(200);
    broker.resume();
    await until(isDelivered, 30_000);
    await tell(deletion("e2", "meanwhile"));
    await until(async () => (await handledEvents()).length === 2, 50_000);
    expect(await subscriptions("meanwhile")).toEqual(["canceled"]);
    expect(receivedOrders(await readTopic(broker.address, ORDER_TOPIC))).toEqual(await placedOrders());
  });
});
