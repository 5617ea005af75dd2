import { describe, expect, it } from "vitest";
import { ORDER_TOPIC } from "../../src/billing/event/order-topic.ts";
import { ask } from "../support/builder/billing.ts";
import { eventually, until } from "../support/wait.ts";
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
    await eventually(async () => expect((await handledEvents()).length).toBe(1));
    await until(isDelivered, "the events are delivered");
    broker.suspend();
    await placeOrder(billing.origin, "meanwhile");
    // This takes longer than the timeout of a request to the broker.
    await eventually(() => expect(billing.log()).toContain("the sink does not accept events"), 60_000);
    expect((await ask(billing.origin, "/readyz")).status).toBe(200);
    broker.resume();
    await until(isDelivered, "the events are delivered");
    await tell(deletion("e2", "meanwhile"));
    await eventually(async () => expect((await handledEvents()).length).toBe(2), 90_000);
    expect(await subscriptions("meanwhile")).toEqual(["canceled"]);
    expect(receivedOrders(await readTopic(broker.address, ORDER_TOPIC))).toEqual(await placedOrders());
  });
});
