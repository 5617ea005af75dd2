import { pino } from "pino";
import { describe, expect, it } from "vitest";
import {
  billing,
  books,
  openSession,
  PAID,
  PENDING,
  pay,
  rowsOf,
  run,
  stripe,
  useCardPayments,
  user,
} from "../../../support/builder/card-payment.ts";

const lines: Record<string, unknown>[] = [];
useCardPayments({ logger: pino({ level: "warn" }, { write: (line) => lines.push(JSON.parse(line)) }) });

const PAID_EVENT = "checkout.session.completed";
const LONG = "x".repeat(10_000);

async function countOf(type: string, outcome: string): Promise<number> {
  const { text } = await billing.ask("/metrics");
  const name = `catalyst_billing_payment_events_total{type="${type}",outcome="${outcome}"} `;
  return Number(
    text
      .split("\n")
      .find((line) => line.startsWith(name))
      ?.slice(name.length) ?? 0,
  );
}

/** Sends an event as Stripe does, with a valid signature. */
const send = (type: string, object: unknown, more: Parameters<typeof stripe.event>[2] = {}) =>
  billing.ask("/billing/webhook", stripe.event(type, object, more));

/** The service answers 200, changes nothing, counts the event, and logs its id and its fault. */
async function expectUnusable(type: string, object: unknown, reason: unknown, more = {}): Promise<void> {
  const before = await countOf(type, "unusable");
  lines.length = 0;
  const id = `evt_hostile_${run}`;
  const answer = await send(type, object, { id, ...more });
  expect([answer.status, answer.json]).toEqual([200, { received: true }]);
  expect(await countOf(type, "unusable")).toBe(before + 1);
  expect(lines).toEqual([expect.objectContaining({ eventId: id, type, reason })]);
  expect(await rowsOf("SELECT FROM stripe_webhook_events WHERE event_id = $1", [id])).toEqual([]);
}

describe("a signed event about a session", () => {
  it.each([
    ["a fraction", { amount_total: 35_000.5 }, "amount_total must be a whole number of minor units"],
    ["nothing", { amount_total: 0 }, "amount_total must be above 0"],
    ["below zero", { amount_total: -35_000 }, "amount_total must be above 0"],
    ["beyond numbers", { amount_total: 1e30 }, "amount_total must be a whole number of minor units"],
    ["beyond money", { amount_total: 2 ** 52 }, "amount_total exceeds the largest amount that can be stored"],
    ["a text", { amount_total: "35000" }, "amount_total must be a whole number of minor units"],
    ["absent", { amount_total: null }, "amount_total must be a whole number of minor units"],
    ["of no currency", { currency: null }, "currency must be a code of three letters"],
    ["of a long currency", { currency: LONG }, "currency must be a code of three letters"],
    ["of no object", { currency: {} }, "currency must be a code of three letters"],
    ["of another currency", { currency: "usd" }, "currency is USD, but this Sovereign accepts only OMR"],
    ["of a customer with NUL", { customer: "cus_\0" }, "customer must be an id"],
    ["of a customer of 10 kB", { customer: { id: LONG } }, "customer must be an id"],
    ["of a customer without end", { customer: { id: { id: "cus" } } }, "customer must be an id"],
    ["of an id with NUL", { id: "cs_\0" }, "id must be an id"],
    ["of an id of 10 kB", { id: `cs_${LONG}` }, "id must be an id"],
    ["of no id", { id: undefined }, "id must be an id"],
  ])(
    "moves no money when the amount or an id is wrong (%s), and accepts the correct event afterwards",
    async (_what, change, reason) => {
      const { id } = await openSession();
      await expectUnusable(PAID_EVENT, { ...stripe.describe(id), payment_status: "paid", ...change }, reason);
      expect(await books()).toEqual(PENDING);
      await pay(id, { id: `evt_hostile_${run}` });
      expect(await books()).toEqual(PAID);
    },
  );

  it("ignores an unknown session in any currency", async () => {
    const before = await countOf(PAID_EVENT, "ignored");
    for (const client_reference_id of [null, "order-7", "6b1f8a52-0000-4000-8000-000000000000"]) {
      const object = { id: "cs_other", payment_status: "paid", amount_total: 500, currency: "usd" };
      expect((await send(PAID_EVENT, { ...object, client_reference_id })).status).toBe(200);
    }
    expect(await countOf(PAID_EVENT, "ignored")).toBe(before + 3);
  });

  it("expires no order for an event without an id", async () => {
    const { id } = await openSession();
    for (const wrong of [undefined, null, 5, {}, `cs_${LONG}`, "cs_\0"]) {
      const object = { ...stripe.describe(id), id: wrong };
      await expectUnusable("checkout.session.expired", object, "id must be an id");
    }
    expect(await books()).toEqual(PENDING);
  });

  it("moves no money for a payment in another currency, also in the sweeper, and logs it", async () => {
    const { id } = await openSession();
    stripe.setSession(id, {
      status: "complete",
      payment_status: "paid",
      "line_items[0][price_data][currency]": "usd",
    });
    await rowsOf(
      "UPDATE orders SET session_expires_at = now() - interval '1 hour', session_look_at = now() - interval '1 hour' WHERE stripe_session_id = $1",
      [id],
    );
    lines.length = 0;
    await billing.service.sweep();
    expect(await books()).toEqual(PENDING);
    expect(lines).toEqual([
      expect.objectContaining({
        sessionId: id,
        reason: "currency is USD, but this Sovereign accepts only OMR",
      }),
    ]);
    stripe.setSession(id, { "line_items[0][price_data][currency]": "omr" });
    await pay(id);
    expect(await books()).toEqual(PAID);
  });

  it("refuses a payment that would exceed the largest balance, and keeps the order waiting", async () => {
    const { id } = await openSession();
    const change = (by: string) =>
      rowsOf(`UPDATE customers SET balance_baisa = balance_baisa ${by} WHERE user_id = $1`, [user]);
    await change("+ 9007199254740000");
    const object = { ...stripe.describe(id), payment_status: "paid", amount_total: 99_000 };
    await expectUnusable(
      PAID_EVENT,
      object,
      "the database rejects its values (23514 customers_balance_check)",
    );
    await change("- 9007199254740000");
    expect(await books()).toEqual(PENDING);
  });
});

describe("a signed event about an invoice", () => {
  const invoice = (change: Record<string, unknown> = {}) => ({
    id: `in_${run}`,
    total: 35_000,
    currency: "omr",
    status: "paid",
    period_start: 1_800_000_000,
    period_end: 1_800_000_000,
    invoice_pdf: "https://invoices.example/1.pdf",
    customer: null,
    ...change,
  });

  it.each([
    ["a fraction", { total: 1.5 }, "total must be a whole number of minor units"],
    ["1e30", { total: 1e30 }, "total must be a whole number of minor units"],
    ["beyond money", { total: -(2 ** 52) }, "total exceeds the largest amount that can be stored"],
    ["no total", { total: undefined }, "total must be a whole number of minor units"],
    ["no currency", { currency: undefined }, "currency must be a code of three letters"],
    ["no status", { status: null }, "status must be one of draft, open, paid, uncollectible, void"],
    [
      "a status of its own",
      { status: "lost" },
      "status must be one of draft, open, paid, uncollectible, void",
    ],
    ["an id of 10 kB", { id: LONG }, "id must be an id"],
    ["an id with NUL", { id: "in_\0" }, "id must be an id"],
    [
      "a period beyond time",
      { period_start: 1e30 },
      "period_start must be a time in seconds, in the years 1970 to 9999",
    ],
    [
      "a period of text",
      { period_end: "now" },
      "period_end must be a time in seconds, in the years 1970 to 9999",
    ],
    ["a PDF with NUL", { invoice_pdf: "https://\0" }, "invoice_pdf must be an https URL"],
    ["a PDF that is a script", { invoice_pdf: "javascript:alert(1)" }, "invoice_pdf must be an https URL"],
    ["a customer that is a list", { customer: [] }, "customer must be an id"],
    ["a subscription with NUL", { subscription: "sub_\0" }, "subscription must be an id"],
  ])("stores no invoice with %s", async (_what, change, reason) => {
    const { id } = await openSession();
    await pay(id);
    const metadata = { order_id: stripe.describe(id).client_reference_id };
    await expectUnusable("invoice.paid", { metadata, ...invoice(change) }, reason);
    expect(await rowsOf("SELECT FROM invoices WHERE stripe_invoice_id LIKE $1", [`in_${run}%`])).toEqual([]);
  });

  it("stores a negative amount of Stripe as it is", async () => {
    const { id } = await openSession();
    await pay(id);
    const metadata = { order_id: stripe.describe(id).client_reference_id };
    await send("invoice.paid", { ...invoice({ total: -1_500 }), metadata });
    expect(
      await rowsOf("SELECT amount_omr, amount_baisa::int FROM invoices WHERE stripe_invoice_id = $1", [
        `in_${run}`,
      ]),
    ).toEqual([{ amount_omr: -1, amount_baisa: -1_500 }]);
  });

  it.each([null, "text", 5, [], { order_id: { a: 1 } }, { order_id: "\0" }, { order_id: LONG }])(
    "assigns an invoice with the metadata %j to no order",
    async (metadata) => {
      const before = await countOf("invoice.paid", "ignored");
      expect((await send("invoice.paid", { ...invoice(), metadata })).status).toBe(200);
      expect(await countOf("invoice.paid", "ignored")).toBe(before + 1);
    },
  );
});

describe("a signed event about a subscription", () => {
  it.each([
    ["no id", { id: undefined }, {}, "id must be an id"],
    ["an id with NUL", { id: "sub_\0" }, {}, "id must be an id"],
    ["a status with NUL", { status: "\0" }, {}, "status must be a word"],
    ["a status of 10 kB", { status: LONG }, {}, "status must be a word"],
    [
      "a period beyond time",
      { current_period_end: 1e15 },
      {},
      "current_period_end must be a time in seconds, in the years 1970 to 9999",
    ],
    [
      "an item's period that is none",
      { items: { data: [{ current_period_start: {} }] } },
      {},
      "current_period_start must be a time in seconds, in the years 1970 to 9999",
    ],
    [
      "no time of its own",
      {},
      { created: 1e30 },
      "created must be a time in seconds, in the years 1970 to 9999",
    ],
  ])("changes no subscription for an event with %s", async (_what, change, more, reason) => {
    const { id } = await openSession();
    await pay(id);
    await rowsOf("UPDATE subscriptions SET stripe_subscription_id = $1 WHERE tenant_id = $2", [
      `sub_${run}`,
      `${user}-shop`,
    ]);
    const object = { id: `sub_${run}`, status: "past_due", ...change };
    await expectUnusable("customer.subscription.updated", object, reason, more);
    expect(await rowsOf("SELECT status FROM subscriptions WHERE tenant_id = $1", [`${user}-shop`])).toEqual([
      { status: "active" },
    ]);
  });

  it.each([
    { items: null },
    { items: [] },
    { items: { data: null } },
    { items: { data: [null] } },
    { items: 5 },
  ])("accepts a subscription event with %j", async (change) => {
    const object = { id: `sub_${run}`, status: "active", ...change };
    const before = await countOf("customer.subscription.updated", "ignored");
    expect((await send("customer.subscription.updated", object)).status).toBe(200);
    expect(await countOf("customer.subscription.updated", "ignored")).toBe(before + 1);
  });
});

describe("a signed event of an unknown type", () => {
  it("creates no metric label of its own", async () => {
    const before = await countOf("other", "ignored");
    for (const type of ["something.new", "__proto__", "constructor"]) {
      expect((await send(type, {}, { id: `evt_${run}_${type}`, created: 1 })).status).toBe(200);
    }
    expect(await countOf("other", "ignored")).toBe(before + 3);
  });
});
