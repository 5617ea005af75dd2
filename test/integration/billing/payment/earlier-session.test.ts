import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { placeOrder, signToken } from "../../../support/builder/billing.ts";
import {
  billing,
  canceledAtStripe,
  cancelOrder,
  rowsOf,
  run,
  stripe,
  useCardPayments,
} from "../../../support/builder/card-payment.ts";

useCardPayments();

let count = 0;

/** An order of the earlier service, whose session is a subscription at Stripe. */
async function adopt(tenant?: string) {
  count += 1;
  const name = `old_${run}_${count}`;
  const adopted = {
    name,
    tenant: tenant ?? name,
    session: `cs_${name}`,
    subscription: `sub_${name}`,
    customer: `cus_${name}`,
  };
  await rowsOf(
    `WITH c AS (INSERT INTO customers (user_id, tenant_id, email, stripe_customer_id) VALUES ($1, $2, '', $4) RETURNING id)
     INSERT INTO orders (customer_id, tenant_id, plan_id, amount_omr, amount_baisa, status, stripe_session_id, adopted)
     SELECT id, $2, 'small', 9, 0, 'pending', $3, true FROM c`,
    [name, adopted.tenant, adopted.session, adopted.customer],
  );
  return adopted;
}
type Adopted = Awaited<ReturnType<typeof adopt>>;

const hook = (type: string, object: object, created: number) =>
  billing.ask("/billing/webhook", stripe.event(type, object, { created }));
const complete = (one: Adopted, created: number, more: object = {}) =>
  hook(
    "checkout.session.completed",
    {
      id: one.session,
      mode: "subscription",
      payment_status: "paid",
      amount_total: 9_000,
      currency: "omr",
      subscription: one.subscription,
      customer: one.customer,
      ...more,
    },
    created,
  );
const change = (one: Adopted, status: string, created: number, end?: number) =>
  hook(
    `customer.subscription.${status === "canceled" ? "deleted" : "updated"}`,
    { id: one.subscription, status, ...(end === undefined ? {} : { current_period_end: end }) },
    created,
  );
const subscriptionsOf = (one: Adopted) =>
  rowsOf(
    `SELECT s.stripe_subscription_id AS id, s.status, s.price_baisa::int AS price, s.cancel_due, o.status AS "order",
            (SELECT count(*)::int FROM outbox x WHERE x.event_id = o.id) AS events
       FROM orders o LEFT JOIN subscriptions s ON s.stripe_subscription_id = $2 WHERE o.stripe_session_id = $1`,
    [one.session, one.subscription],
  );
const kept = (one: Adopted, status: string) => [
  { id: one.subscription, status, price: 9_000, cancel_due: false, order: "paid", events: 1 },
];

describe("a session that the earlier service left open, a subscription at Stripe", () => {
  it("keeps the subscription's id, so that later events find it", async () => {
    const one = await adopt();
    await complete(one, 1_000);
    expect(await subscriptionsOf(one)).toEqual(kept(one, "active"));
    await change(one, "past_due", 2_000, 1_900_000_000);
    await hook(
      "invoice.paid",
      { id: `in_${one.name}`, total: 9_000, currency: "omr", status: "paid", subscription: one.subscription },
      3_000,
    );
    const token = await signToken(one.name);
    expect((await billing.ask(`/billing/subscription/${one.tenant}`, { token })).json).toMatchObject({
      stripe_subscription_id: one.subscription,
      status: "past_due",
      current_period_end: "2030-03-17T17:46:40.000Z",
    });
    expect((await billing.ask(`/billing/invoices/${one.tenant}`, { token })).json).toHaveLength(1);
  });

  it("shows an invoice that arrives before the payment to its tenant's owner, and to no other", async () => {
    const registered = `registered-${run}`;
    const one = await adopt();
    await rowsOf("UPDATE customers SET tenant_id = $2 WHERE user_id = $1", [one.name, registered]);
    const other = await adopt(registered);
    await complete(other, 1_000);
    const invoice = { total: 9_000, currency: "omr", status: "paid", subscription: one.subscription };
    await hook("invoice.paid", { id: `in_${one.name}`, customer: one.customer, ...invoice }, 1_000);
    await Promise.all([
      complete(one, 1_000),
      hook("invoice.paid", { id: `in_beside_${one.name}`, customer: one.customer, ...invoice }, 1_000),
    ]);
    const invoices = async ({ name, tenant }: Adopted) =>
      (await billing.ask(`/billing/invoices/${tenant}`, { token: await signToken(name) })).json;
    expect(await invoices(other)).toEqual([]);
    expect(await invoices(one)).toHaveLength(2);
  });

  it.each(["no_payment_required", "paid"])(
    "is settled when it began without a payment: %s, of 0",
    async (payment_status) => {
      const one = await adopt();
      await complete(one, 1_000, { payment_status, amount_total: 0 });
      expect(await subscriptionsOf(one)).toEqual(kept(one, "active"));
    },
  );

  it.each(["canceled", "incomplete_expired"])(
    "never comes up active when the subscription was %s before",
    async (status) => {
      const one = await adopt();
      await change(one, status, 2_000);
      await complete(one, 1_000);
      await change(one, "active", 1_500);
      await change(one, "active", 3_000);
      expect(await subscriptionsOf(one)).toEqual(kept(one, status));
    },
  );

  it("is not active when its end is told of after the service has read the session", async () => {
    const one = await adopt();
    stripe.setSession(one.session, {
      ...{ status: "complete", payment_status: "paid", subscription: one.subscription, created: "1000" },
      ...{ "line_items[0][price_data][unit_amount]": "9000", "line_items[0][price_data][currency]": "omr" },
    });
    const [{ id } = {}] = await rowsOf("SELECT id FROM orders WHERE stripe_session_id = $1", [one.session]);
    const canceled = await cancelOrder(id, one.name);
    expect([canceled.status, canceled.json.code]).toEqual([409, "order_paid"]);
    expect(await subscriptionsOf(one)).toEqual(kept(one, "active"));
    await change(one, "canceled", 2_000);
    expect(await subscriptionsOf(one)).toEqual(kept(one, "canceled"));
  });

  it("is never active when both events arrive at the same time", async () => {
    for (let round = 0; round < 5; round += 1) {
      const one = await adopt();
      await Promise.all([complete(one, 1_000), change(one, "canceled", 2_000)]);
      expect(await subscriptionsOf(one)).toEqual(kept(one, "canceled"));
    }
  });

  it("has the state of its latest event, in whatever order the events arrive", async () => {
    const EVENTS = [
      (one: Adopted) => change(one, "incomplete", 1_000),
      (one: Adopted) => change(one, "active", 2_000),
      (one: Adopted) => complete(one, 2_000),
      (one: Adopted) => change(one, "past_due", 3_000),
      (one: Adopted) => change(one, "active", 4_000),
    ];
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray([0, 1, 2, 3, 4], { minLength: 5 }),
        fc.integer({ min: 2, max: 5 }),
        async (order, length) => {
          const one = await adopt();
          const sent = order.filter((index) => index < length || index === 2);
          for (const index of [...sent, ...sent]) await EVENTS[index]?.(one);
          const last = Math.max(...sent);
          expect(await subscriptionsOf(one)).toEqual(kept(one, last === 3 ? "past_due" : "active"));
        },
      ),
      { numRuns: 12 },
    );
  });

  it.each([
    ["after the session's event", [1, 0, 2]],
    ["before the session's event", [0, 2, 1]],
  ])("has ended when an event says so, whatever the time of the event: %s", async (_what, sequence) => {
    const one = await adopt();
    const steps = [
      () => change(one, "past_due", 3_000, 1_900_000_000),
      () => complete(one, 1_000),
      () => change(one, "canceled", 2_000, 1_800_000_000),
    ];
    for (const index of sequence) await steps[index]?.();
    for (const time of [2_000, 3_000, 4_000]) await change(one, "active", time);
    expect(await subscriptionsOf(one)).toEqual(kept(one, "canceled"));
    const [row] = await rowsOf(
      "SELECT extract(epoch FROM current_period_end)::float8 AS ends, extract(epoch FROM stripe_event_at)::float8 AS said FROM subscriptions WHERE stripe_subscription_id = $1",
      [one.subscription],
    );
    expect(row).toEqual({ ends: 1_900_000_000, said: 3_000 });
  });

  it.each([
    ["first", ["past_due", "active"]],
    ["last", ["active", "past_due"]],
  ])(
    "has the state that Stripe answers when two events of one second differ, and that state arrives %s",
    async (_what, statuses) => {
      const one = await adopt();
      await complete(one, 1_000);
      stripe.subscriptions.set(one.subscription, { status: "past_due", current_period_end: 1_900_000_000 });
      for (const status of statuses) expect((await change(one, status, 2_000)).status).toBe(200);
      expect(await subscriptionsOf(one)).toEqual(kept(one, "past_due"));
      await change(one, "active", 2_001);
      expect(await subscriptionsOf(one)).toEqual(kept(one, "active"));
    },
  );

  it("waits for Stripe's answer when two events of one second differ, and counts the last one without it", async () => {
    const one = await adopt();
    await complete(one, 1_000);
    await change(one, "past_due", 2_000);
    stripe.fault = "away";
    const event = () =>
      stripe.event(
        "customer.subscription.updated",
        { id: one.subscription, status: "active" },
        { id: `evt_again_${run}`, created: 2_000 },
      );
    expect((await billing.ask("/billing/webhook", event())).status).toBe(503);
    expect(await subscriptionsOf(one)).toEqual(kept(one, "past_due"));
    stripe.fault = "none";
    expect((await billing.ask("/billing/webhook", event())).status).toBe(200);
    expect(await subscriptionsOf(one)).toEqual(kept(one, "active"));
  });

  it("has the state that Stripe has, for any states of any times and any order of their events", async () => {
    const state = fc.record({
      status: fc.constantFrom("trialing", "active", "past_due", "unpaid"),
      after: fc.constantFrom(0, 0, 1),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(state, { minLength: 1, maxLength: 5 }),
        fc.boolean(),
        fc.infiniteStream(fc.nat(100)),
        async (states, hasEnded, choice) => {
          const one = await adopt();
          let time = 1_000;
          const events = states.map(({ status, after }) => {
            time += after;
            const created = time;
            return () => change(one, status, created);
          });
          const last = hasEnded ? "canceled" : String(states.at(-1)?.status);
          stripe.subscriptions.set(one.subscription, { status: last });
          const sent = [...events, ...events, () => complete(one, 1_000)];
          // Its time may be any.
          if (hasEnded) sent.push(() => change(one, "canceled", 1_001));
          while (sent.length > 0) {
            const [send] = sent.splice((choice.next().value ?? 0) % sent.length, 1);
            expect((await send?.())?.status).toBe(200);
          }
          expect(await subscriptionsOf(one)).toEqual(kept(one, last));
        },
      ),
      { numRuns: 30 },
    );
  });

  it("is canceled at Stripe when its tenant belongs to another customer by now, and its payment becomes credit", async () => {
    const [first, second] = [await adopt(`wanted-${run}`), await adopt(`wanted-${run}`)];
    await complete(first, 1_000);
    await complete(second, 1_000);
    expect(await subscriptionsOf(first)).toEqual(kept(first, "active"));
    expect(await subscriptionsOf(second)).toEqual([
      { ...kept(second, "canceled")[0], cancel_due: true, order: "credited", events: 0 },
    ]);
    expect(
      await rowsOf("SELECT balance_baisa::int AS baisa FROM customers WHERE user_id = $1", [second.name]),
    ).toEqual([{ baisa: 9_000 }]);
    await billing.service.sweep();
    expect(canceledAtStripe()).toEqual([second.subscription]);
    const { name, customer, subscription } = second;
    const invoice = { total: 9_000, currency: "omr", status: "paid", subscription };
    await hook("invoice.paid", { id: `in_${name}`, customer, ...invoice }, 2_000);
    await rowsOf("UPDATE subscriptions SET status = 'canceled' WHERE stripe_subscription_id = $1", [
      first.subscription,
    ]);
    const token = await signToken(first.name);
    expect((await billing.ask(`/billing/invoices/${first.tenant}`, { token })).json).toEqual([]);
    expect((await billing.ask(`/billing/subscription/${first.tenant}`, { token })).json).toMatchObject({
      stripe_subscription_id: first.subscription,
    });
    expect((await subscriptionsOf(second))[0]?.cancel_due).toBe(false);
  });

  it("gives its tenant to its customer before another customer pays for it", async () => {
    const one = await adopt();
    await complete(one, 1_000);
    const stranger = await placeOrder(billing, `late-${run}`, { plan_id: "small", tenant_id: one.tenant });
    expect([stranger.status, stranger.json.code]).toEqual([403, "tenant_not_yours"]);
  });
});
