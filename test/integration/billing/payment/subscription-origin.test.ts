import pino from "pino";
import { describe, expect, it, vi } from "vitest";
import { FQDN, useBillings } from "../../../support/builder/billing.ts";
import {
  billing,
  rowsOf,
  run,
  stripe,
  sweep,
  tell,
  useCardPayments,
} from "../../../support/builder/card-payment.ts";

const log: { msg: string; count?: number; isGivenUp?: boolean; subscriptions?: unknown }[] = [];
useCardPayments({ logger: pino({}, { write: (line) => log.push(JSON.parse(line)) }) });
const start = useBillings();

const ORDER = "6b1f8a52-0000-4000-8000-00000000000";
let count = 0;

/** A subscription of the earlier service with its order, as the adoption finds them. `known`: Stripe runs it. */
async function adopt({ known = true, status = "active" } = {}) {
  count += 1;
  const name = `kept_${run}_${count}`;
  const one = { id: `sub_${name}`, customer: `cus_${name}`, tenant: `tenant-${name}` };
  const [order] = await rowsOf(
    `WITH c AS (INSERT INTO customers (user_id, tenant_id, email, stripe_customer_id) VALUES ($1, $2, '', $4) RETURNING id),
          s AS (INSERT INTO subscriptions (customer_id, tenant_id, plan_id, stripe_subscription_id, status, created_at)
                SELECT id, $2, 'small', $3, $5, '2024-03-01' FROM c)
     INSERT INTO orders (customer_id, tenant_id, plan_id, amount_omr, status, adopted, created_at)
     SELECT c.id, $2, 'small', 9, o.status, true, o.at
       FROM c, (VALUES ('paid', '2024-01-01'::timestamptz), ('pending', '2024-02-01'), ('paid', '2024-04-01')) AS o (status, at)
     RETURNING id, created_at`,
    [name, one.tenant, one.id, one.customer, status],
  );
  if (known) {
    stripe.subscriptions.set(one.id, { customer: one.customer, metadata: {} });
    stripe.customers.set(one.customer, { user_id: name, tenant_id: one.tenant });
  }
  const origin = { sovereign: FQDN, order_id: String(order?.id), tenant_id: one.tenant, plan_id: "small" };
  return { ...one, user: name, origin };
}

/** The requests of one sweep, without those about sessions. */
async function swept(go: () => Promise<void> = sweep) {
  const before = stripe.asked.length;
  await go().catch(() => {});
  return stripe.asked.slice(before).filter(({ path }) => !path.startsWith("/v1/checkout"));
}
const writes = (asked: Awaited<ReturnType<typeof swept>>) =>
  asked.filter(({ method }) => method === "POST").map(({ path }) => path);

describe("a subscription of the earlier service, which Stripe goes on running", () => {
  it("names its origin and that of its customer once, and nothing else of it is changed", async () => {
    const one = await adopt();
    const asked = await swept();
    expect(asked.map(({ method, path }) => `${method} ${path}`)).toEqual([
      `GET /v1/subscriptions/${one.id}`,
      `POST /v1/subscriptions/${one.id}`,
      `POST /v1/customers/${one.customer}`,
    ]);
    for (const { fields } of asked)
      expect(Object.keys(fields).every((name) => name.startsWith("metadata[") || name === "")).toBe(true);
    expect(stripe.subscriptions.get(one.id)?.metadata).toEqual(one.origin);
    expect(stripe.customers.get(one.customer)).toEqual({ user_id: one.user, ...one.origin });
    expect(await swept()).toEqual([]);
  });

  it("is read again, but not written, when its memory was deleted, and by a replica that sweeps at the same time", async () => {
    const one = await adopt();
    const other = await start({ database: billing.database, env: stripe.env });
    await Promise.all([sweep(), other.service.sweep()]);
    await rowsOf("DELETE FROM stripe_webhook_events WHERE event_type = 'subscription.origin'");
    const again = await swept();
    expect([again.length > 0, writes(again)]).toEqual([true, []]);
    expect(stripe.subscriptions.get(one.id)?.metadata).toEqual(one.origin);
  });

  it("keeps the values that are there, and sends no value that is not known", async () => {
    const one = await adopt();
    await rowsOf("UPDATE subscriptions SET plan_id = NULL WHERE stripe_subscription_id = $1", [one.id]);
    stripe.subscriptions.set(one.id, {
      customer: one.customer,
      metadata: { order_id: "their-own", note: "x" },
    });
    await sweep();
    expect(stripe.subscriptions.get(one.id)?.metadata).toEqual({
      ...{ order_id: "their-own", note: "x" },
      ...{ sovereign: FQDN, tenant_id: one.tenant },
    });
  });

  it("is found by its session when that completes after the adoption", async () => {
    const name = `late_${run}`;
    await rowsOf(
      `WITH c AS (INSERT INTO customers (user_id, tenant_id, email) VALUES ($1, $1, '') RETURNING id)
       INSERT INTO orders (id, customer_id, tenant_id, plan_id, amount_omr, amount_baisa, status, stripe_session_id, adopted)
       SELECT $3::uuid, id, $1, 'small', 9, 0, 'pending', $2, true FROM c`,
      [name, `cs_${name}`, `${ORDER}1`],
    );
    stripe.subscriptions.set(`sub_${name}`, { customer: `cus_${name}`, metadata: {} });
    stripe.setSession(`cs_${name}`, {
      ...{ status: "complete", payment_status: "paid", subscription: `sub_${name}`, customer: `cus_${name}` },
      ...{ "line_items[0][price_data][unit_amount]": "9000", "line_items[0][price_data][currency]": "omr" },
    });
    await tell("checkout.session.completed", `cs_${name}`);
    await sweep();
    expect(stripe.subscriptions.get(`sub_${name}`)?.metadata).toMatchObject({
      sovereign: FQDN,
      order_id: `${ORDER}1`,
    });
  });

  it.each(["canceled", "incomplete_expired"])("is left alone when it is %s", async (status) => {
    await adopt({ status });
    expect(await swept()).toEqual([]);
  });

  it("is named later when Stripe does not answer", async () => {
    const one = await adopt();
    stripe.fault = "away";
    await expect(sweep()).rejects.toThrow();
    stripe.fault = "none";
    await sweep();
    expect(stripe.subscriptions.get(one.id)?.metadata).toEqual(one.origin);
  });

  it("is named without its customer when that was deleted at Stripe", async () => {
    const one = await adopt();
    stripe.goneCustomers.add(one.customer);
    expect(writes(await swept())).toEqual([`/v1/subscriptions/${one.id}`]);
  });

  it.each([
    ["is not in the account", "missing", (one: { id: string }) => void stripe.subscriptions.delete(one.id)],
    [
      "names another Sovereign",
      "foreign",
      (one: { id: string; customer: string }) =>
        stripe.subscriptions.set(one.id, {
          customer: one.customer,
          metadata: { sovereign: "other.example" },
        }),
    ],
    [
      "is refused",
      "refused",
      () => {
        stripe.fault = "refuse";
      },
    ],
  ])("stays without when it %s, which the log says once", async (_what, outcome, prepare) => {
    const one = await adopt();
    prepare(one);
    log.length = 0;
    expect(writes(await swept())).toEqual([]);
    stripe.fault = "none";
    expect(await swept()).toEqual([]);
    expect(log.filter(({ msg }) => msg.startsWith("subscriptions stay"))).toMatchObject([
      { count: 1, isGivenUp: false, subscriptions: [{ stripeSubscriptionId: one.id, outcome }] },
    ]);
  });

  it.each([
    ["belong to another account or mode", false, "none", 3, 3],
    ["may not read subscriptions", true, "forbid", 2, 1],
  ] as const)(
    "is given up with one log line when the keys %s, and named with other keys",
    async (_what, known, fault, requests, unnamed) => {
      const adopted = [];
      for (let index = 0; index < 8; index += 1) adopted.push(await adopt({ known }));
      stripe.fault = fault;
      const lines: typeof log = [];
      const logger = pino({}, { write: (line) => lines.push(JSON.parse(line)) });
      const other = await start({ database: billing.database, env: stripe.env, logger });
      expect(await swept(() => other.service.sweep())).toHaveLength(requests);
      expect(await swept(() => other.service.sweep())).toEqual([]);
      expect(lines.filter(({ msg }) => msg.includes("check that these keys"))).toMatchObject([
        { count: unnamed, isGivenUp: true },
      ]);
      stripe.fault = "none";
      for (const { id, customer } of adopted) stripe.subscriptions.set(id, { customer, metadata: {} });
      await sweep();
      for (const { id, origin } of adopted) expect(stripe.subscriptions.get(id)?.metadata).toEqual(origin);
    },
  );

  it("is named without its customer when the key may not change customers, which the log says once", async () => {
    const adopted = [await adopt(), await adopt()];
    stripe.fault = "forbid-customers";
    log.length = 0;
    await sweep();
    for (const { id, origin } of adopted) expect(stripe.subscriptions.get(id)?.metadata).toEqual(origin);
    expect(await swept()).toEqual([]);
    stripe.fault = "none";
    const outcome = "customer_forbidden";
    const subscriptions = expect.arrayContaining(
      adopted.map(({ id }) => ({ stripeSubscriptionId: id, outcome })),
    );
    expect(log.filter(({ msg }) => msg.startsWith("subscriptions stay"))).toMatchObject([
      { count: 2, isGivenUp: false, subscriptions },
    ]);
  });

  it("is tried again after an hour when the keys were given up, because their rights may have changed", async () => {
    const one = await adopt();
    const other = await start({ database: billing.database, env: stripe.env });
    stripe.fault = "forbid";
    await swept(() => other.service.sweep());
    stripe.fault = "none";
    expect(await swept(() => other.service.sweep())).toEqual([]);
    const hourMs = 3_600_000;
    const nowMs = performance.now.bind(performance);
    const clock = vi.spyOn(performance, "now").mockImplementation(() => nowMs() + hourMs);
    try {
      await other.service.sweep();
    } finally {
      clock.mockRestore();
    }
    expect(stripe.subscriptions.get(one.id)?.metadata).toEqual(one.origin);
  });

  it("is named among others that name another Sovereign, which is no fault of the keys", async () => {
    const foreign = [];
    // With six and one, three of them come in a row in any order.
    for (let index = 0; index < 6; index += 1) foreign.push(await adopt());
    for (const { id, customer } of foreign)
      stripe.subscriptions.set(id, { customer, metadata: { sovereign: "other.example" } });
    const one = await adopt();
    log.length = 0;
    await sweep();
    expect(stripe.subscriptions.get(one.id)?.metadata).toEqual(one.origin);
    expect(log.filter(({ msg }) => msg.startsWith("subscriptions stay"))).toMatchObject([
      { count: 6, isGivenUp: false },
    ]);
    expect(await swept()).toEqual([]);
  });

  it("is named with the right keys after wrong ones did not find it", async () => {
    const one = await adopt({ known: false });
    const other = await start({ database: billing.database, env: stripe.env });
    expect(await swept(() => other.service.sweep())).toHaveLength(1);
    expect(await swept(() => other.service.sweep())).toEqual([]);
    stripe.subscriptions.set(one.id, { customer: one.customer, metadata: {} });
    await sweep();
    expect(stripe.subscriptions.get(one.id)?.metadata).toEqual(one.origin);
  });

  it("is named although the account, which has others, does not have many", async () => {
    const first = await adopt();
    const other = await start({ database: billing.database, env: stripe.env });
    await other.service.sweep();
    expect(stripe.subscriptions.get(first.id)?.metadata).toEqual(first.origin);
    for (let index = 0; index < 6; index += 1) await adopt({ known: false });
    const one = await adopt();
    await other.service.sweep();
    expect(stripe.subscriptions.get(one.id)?.metadata).toEqual(one.origin);
    expect(await swept()).toEqual([]);
  });

  it("waits for the next sweep when Stripe is slow, so that payments do not wait", async () => {
    for (let index = 0; index < 3; index += 1) await adopt();
    stripe.delayMs = 4_000;
    expect(await swept()).toHaveLength(3);
    stripe.delayMs = 0;
    expect(await swept()).toHaveLength(6);
  });

  it("is asked about in sweeps of at most fifty subscriptions", async () => {
    for (let index = 0; index < 60; index += 1) await adopt();
    const reads = (asked: Awaited<ReturnType<typeof swept>>) =>
      asked.filter(({ method }) => method === "GET");
    expect(reads(await swept())).toHaveLength(50);
    expect(reads(await swept())).toHaveLength(10);
    expect(await swept()).toEqual([]);
  });
});

describe("a key that may not read subscriptions", () => {
  it("lets the event that arrives last count when two events of one second differ", async () => {
    const one = await adopt();
    stripe.fault = "forbid";
    for (const status of ["active", "past_due", "trialing"]) {
      const event = stripe.event(
        "customer.subscription.updated",
        { id: one.id, status },
        { created: 1_800_000_000 },
      );
      expect((await billing.ask("/billing/webhook", event)).status).toBe(200);
    }
    expect(
      await rowsOf("SELECT status FROM subscriptions WHERE stripe_subscription_id = $1", [one.id]),
    ).toEqual([{ status: "trialing" }]);
  });
});
