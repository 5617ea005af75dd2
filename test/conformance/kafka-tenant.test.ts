import { describe, expect, it } from "vitest";
import { reconcileLedger } from "../../src/billing/ledger/reconcile-ledger.ts";
import { ask } from "../support/builder/billing.ts";
import { eventually } from "../support/wait.ts";
import {
  broker,
  database,
  deletion,
  handledEvents,
  placeOrder,
  start,
  subscriptions,
  tell,
  useKafkaBilling,
} from "./kafka-billing.ts";

useKafkaBilling();

async function outcomes(origin: string): Promise<Record<string, number>> {
  const { text } = await ask(origin, "/metrics");
  const lines = text.matchAll(/^catalyst_billing_tenant_events_total\{outcome="(\w+)"\} (\d+)$/gm);
  return Object.fromEntries([...lines].map(([, outcome, count]) => [outcome, Number(count)]));
}

async function booksAgree(): Promise<void> {
  const client = await database.pool.connect();
  try {
    expect(await reconcileLedger(client)).toEqual([]);
  } finally {
    client.release();
  }
}

describe("tenant.deleted from Kafka", () => {
  it("has one effect when it is delivered three times and across a restart", async () => {
    const first = await start();
    await placeOrder(first.origin, "gone");
    await tell(deletion("e1", "gone"), deletion("e1", "gone"));
    await eventually(async () => expect((await outcomes(first.origin)).repeated).toBe(1));
    expect(await outcomes(first.origin)).toEqual({ handled: 1, repeated: 1 });
    expect(await subscriptions("gone")).toEqual(["canceled"]);
    // The tenant comes back. The earlier event does not affect its new subscription.
    await placeOrder(first.origin, "gone");
    expect(await first.end("SIGTERM")).toBe(0);
    await tell(deletion("e1", "gone"), deletion("e2", "other"));
    const second = await start();
    await eventually(async () => expect(await handledEvents()).toContain("e2"));
    await eventually(async () => expect((await outcomes(second.origin)).repeated).toBe(1));
    expect(await outcomes(second.origin)).toEqual({ handled: 1, repeated: 1 });
    expect(await subscriptions("gone")).toEqual(["canceled", "active"]);
    expect(await handledEvents()).toEqual(["e1", "e2"]);
    await booksAgree();
  });

  it("is handled after messages that are no events", async () => {
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
    await eventually(async () => expect((await subscriptions("gone"))[0]).toBe("canceled"));
    await eventually(async () => expect((await outcomes(billing.origin)).handled).toBe(1));
    expect(await outcomes(billing.origin)).toEqual({ malformed: 6, ignored: 2, handled: 1 });
    expect((await ask(billing.origin, "/readyz")).status).toBe(200);
  });

  it("is handled once while two processes start, stop and are killed, and the broker restarts", async () => {
    const tenants = Array.from({ length: 30 }, (_, index) => `tenant-${String(index).padStart(2, "0")}`);
    const ids = tenants.map((tenant) => `deleted-${tenant}`);
    const send = (from: number, to: number) =>
      tell(...tenants.slice(from, to).map((tenant) => deletion(`deleted-${tenant}`, tenant)));
    const one = await start();
    for (const tenant of tenants) await placeOrder(one.origin, tenant);
    await send(0, 5);
    await eventually(async () => expect((await handledEvents()).length).toBe(5));
    const two = await start();
    await send(0, 12);
    await eventually(async () => expect((await handledEvents()).length).toBe(12));
    await one.end("SIGKILL");
    await send(10, 20);
    await broker.kill();
    await placeOrder(two.origin, "meanwhile");
    expect((await ask(two.origin, "/readyz")).status).toBe(200);
    await broker.start();
    await send(18, 30);
    await eventually(async () => expect((await handledEvents()).length).toBe(30), 120_000);
    expect(await handledEvents()).toEqual(ids);
    for (const tenant of tenants) expect(await subscriptions(tenant)).toEqual(["canceled"]);
    expect(await subscriptions("meanwhile")).toEqual(["active"]);
    expect(await two.end("SIGTERM")).toBe(0);
  }, 240_000);
});
