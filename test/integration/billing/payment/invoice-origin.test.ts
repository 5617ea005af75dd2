import pino from "pino";
import { describe, expect, it } from "vitest";
import { FQDN, signToken, useBillings } from "../../../support/builder/billing.ts";
import { billing, rowsOf, run, stripe, useCardPayments } from "../../../support/builder/card-payment.ts";

const log: { msg: string; reason?: string; stripeInvoiceId?: string }[] = [];
useCardPayments({ logger: pino({}, { write: (line) => log.push(JSON.parse(line)) }) });
const start = useBillings();

let count = 0;

/** A subscription of the earlier service, and its invoice with a payment intent and a charge, as Stripe creates them. */
async function renew({ planId = "small" as string | null } = {}) {
  count += 1;
  const name = `renewed_${run}_${count}`;
  const [order] = await rowsOf(
    `WITH c AS (INSERT INTO customers (user_id, tenant_id, email, stripe_customer_id) VALUES ($1, $1, '', $2) RETURNING id),
          t AS (INSERT INTO tenants (tenant_id, customer_id) SELECT $1, id FROM c),
          s AS (INSERT INTO subscriptions (customer_id, tenant_id, plan_id, stripe_subscription_id, status, created_at)
                SELECT id, $1, $4, $3, 'active', '2024-03-01' FROM c)
     INSERT INTO orders (customer_id, tenant_id, plan_id, amount_omr, amount_baisa, status, adopted, created_at)
     SELECT id, $1, 'small', 9, 0, 'paid', true, '2024-01-01' FROM c RETURNING id`,
    [name, `cus_${name}`, `sub_${name}`, planId],
  );
  const ids = { invoice: `in_${name}`, intent: `pi_${name}`, charge: `ch_${name}` };
  stripe.payments.set(ids.invoice, {
    metadata: {},
    parent: { subscription_details: { subscription: `sub_${name}`, metadata: {} } },
    payments: [{ payment: { type: "payment_intent", payment_intent: ids.intent } }],
  });
  stripe.payments.set(ids.intent, { metadata: {}, latest_charge: ids.charge });
  stripe.payments.set(ids.charge, { metadata: {} });
  const origin = { sovereign: FQDN, order_id: String(order?.id), tenant_id: name, plan_id: "small" };
  return { ...ids, name, origin };
}
type Renewed = Awaited<ReturnType<typeof renew>>;

const metadataOf = (id: string) => stripe.payments.get(id)?.metadata;
const allOf = ({ invoice, intent, charge }: Renewed) => [invoice, intent, charge].map(metadataOf);
const change = (id: string, members: object) =>
  stripe.payments.set(id, { metadata: {}, ...stripe.payments.get(id), ...members });

/** Sends the invoice's event with the metadata that Stripe has at this time. Returns the answer and the requests to Stripe. */
async function send(
  type: string,
  { invoice, name }: Renewed,
  { id = `evt_${name}_${type}`, to = billing } = {},
) {
  const status = { "invoice.paid": "paid", "invoice.voided": "void" }[type] ?? "open";
  const before = stripe.asked.length;
  const answer = await to.ask(
    "/billing/webhook",
    stripe.event(
      type,
      {
        ...{ id: invoice, object: "invoice", total: 9_000, currency: "omr", status, customer: `cus_${name}` },
        ...{
          parent: { subscription_details: { subscription: `sub_${name}` } },
          metadata: metadataOf(invoice),
        },
      },
      { id },
    ),
  );
  return { status: answer.status, asked: stripe.asked.slice(before) };
}
const writes = ({ asked }: Awaited<ReturnType<typeof send>>) =>
  asked.filter(({ method }) => method === "POST").map(({ path }) => path);
const failures = () => log.filter(({ msg }) => msg.includes("stay without metadata"));

describe("an invoice of a subscription that the earlier service opened", () => {
  it.each(["invoice.finalized", "invoice.paid", "invoice.payment_failed", "invoice.marked_uncollectible"])(
    "names its origin on itself, its payment intent and its charge with %s, and nothing else is changed",
    async (type) => {
      const one = await renew();
      const first = await send(type, one);
      expect(first.status).toBe(200);
      expect(allOf(one)).toEqual([one.origin, one.origin, one.origin]);
      expect(writes(first)).toEqual([
        `/v1/invoices/${one.invoice}`,
        `/v1/payment_intents/${one.intent}`,
        `/v1/charges/${one.charge}`,
      ]);
      for (const { method, fields } of first.asked)
        if (method === "POST")
          expect(Object.keys(fields).every((field) => field.startsWith("metadata["))).toBe(true);
      expect(writes(await send(type, one, { id: `evt_later_${one.name}` }))).toEqual([]);
    },
  );

  it("is the same revenue whether its events name the order or not", async () => {
    const month = new Date().toISOString().slice(0, 7);
    const invoiced = async () => {
      const token = await signToken("root", "superadmin");
      return (await billing.ask(`/billing/admin/revenue?month=${month}`, { token })).json.invoiced_baisa;
    };
    const before = await invoiced();
    const one = await renew();
    await send("invoice.finalized", one);
    await send("invoice.paid", one);
    expect(await invoiced()).toBe(before + 9_000);
    await send("invoice.paid", one, { id: `evt_again_${one.name}` });
    expect(await invoiced()).toBe(before + 9_000);
    expect(
      await rowsOf("SELECT tenant_id, order_id FROM invoices WHERE stripe_invoice_id = $1", [one.invoice]),
    ).toEqual([{ tenant_id: one.name, order_id: null }]);
  });

  it("keeps the values that are there, and gets no value that is not known", async () => {
    const one = await renew({ planId: null });
    change(one.charge, { metadata: { order_id: "their-own", note: "x" } });
    await send("invoice.paid", one);
    const known = { sovereign: FQDN, tenant_id: one.name };
    expect(allOf(one)).toEqual([known, known, { order_id: "their-own", note: "x", ...known }]);
  });

  it("names the charge of a payment without a payment intent, and is named without a payment", async () => {
    const old = await renew();
    change(old.invoice, { payments: [{ payment: { type: "charge", charge: old.charge } }] });
    await send("invoice.paid", old);
    expect(allOf(old)).toEqual([old.origin, {}, old.origin]);
    const free = await renew();
    change(free.invoice, { payments: [{ payment: { type: "payment_record", payment_record: "pr_1" } }] });
    await send("invoice.paid", free);
    expect(allOf(free)).toEqual([free.origin, {}, {}]);
    const open = await renew();
    change(open.intent, { latest_charge: null });
    await send("invoice.finalized", open);
    expect(allOf(open)).toEqual([open.origin, open.origin, {}]);
  });

  it("causes at most eleven requests, however many payments it has", async () => {
    const one = await renew();
    const payments = [];
    for (let index = 0; index < 20; index += 1) {
      change(`${one.intent}_${index}`, { latest_charge: `${one.charge}_${index}` });
      change(`${one.charge}_${index}`, {});
      payments.push({ payment: { type: "payment_intent", payment_intent: `${one.intent}_${index}` } });
    }
    change(one.invoice, { payments });
    expect((await send("invoice.paid", one)).asked).toHaveLength(11);
    expect(failures()).toEqual([]);
  });

  it.each([
    [
      "names another Sovereign",
      "foreign",
      ({ invoice }: Renewed) => void change(invoice, { metadata: { sovereign: "x" } }),
    ],
    [
      "is of a subscription that names another Sovereign",
      "foreign",
      ({ invoice }: Renewed) =>
        void change(invoice, { parent: { subscription_details: { metadata: { sovereign: "x" } } } }),
    ],
    ["is not in the account", "missing", ({ invoice }: Renewed) => void stripe.payments.delete(invoice)],
    [
      "is refused",
      "refused this request",
      () => {
        stripe.fault = "refuse";
      },
    ],
    [
      "meets a Stripe that does not answer",
      "does not answer",
      () => {
        stripe.fault = "away";
      },
    ],
  ])(
    "stays without when it %s, which the log says once, and its event is recorded",
    async (_what, reason, prepare) => {
      const one = await renew();
      prepare(one);
      log.length = 0;
      const sent = await send("invoice.paid", one);
      expect([sent.status, writes(sent)]).toEqual([200, []]);
      expect(failures()).toMatchObject([
        { stripeInvoiceId: one.invoice, reason: expect.stringContaining(reason) },
      ]);
      expect(await rowsOf("SELECT status FROM invoices WHERE stripe_invoice_id = $1", [one.invoice])).toEqual(
        [{ status: "paid" }],
      );
    },
  );

  it("is named when the same event is sent again after a failure", async () => {
    const one = await renew();
    stripe.fault = "away";
    await send("invoice.paid", one);
    stripe.fault = "none";
    await send("invoice.paid", one);
    expect(allOf(one)).toEqual([one.origin, one.origin, one.origin]);
  });

  it("holds its event for a limited time when Stripe is slow", async () => {
    const one = await renew();
    stripe.delayMs = 2_500;
    const began = performance.now();
    const sent = await send("invoice.paid", one);
    expect(sent.status).toBe(200);
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(sent.asked.length).toBeLessThanOrEqual(4);
  });

  it("is left alone when its subscription is not known, or the service has no secret key", async () => {
    const one = await renew();
    const other = await start({
      database: billing.database,
      env: { STRIPE_API_BASE: stripe.origin },
    });
    const saved = await other.ask("/billing/admin/settings", {
      method: "PUT",
      token: await signToken("root", "superadmin"),
      body: { stripe_webhook_secret: stripe.webhookSecret },
    });
    expect(saved.status).toBe(200);
    const sent = await send("invoice.finalized", one, { to: other });
    expect([sent.status, sent.asked]).toEqual([200, []]);
    await rowsOf("DELETE FROM subscriptions WHERE stripe_subscription_id = $1", [`sub_${one.name}`]);
    expect((await send("invoice.paid", one)).asked).toEqual([]);
    expect(allOf(one)).toEqual([{}, {}, {}]);
  });
});
