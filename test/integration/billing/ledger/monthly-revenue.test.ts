import { describe, expect, it } from "vitest";
import { FQDN, signToken } from "../../../support/builder/billing.ts";
import {
  becomeCustomer,
  billing,
  buy,
  openSession,
  pay,
  rowsOf,
  run,
  stripe,
  tell,
  useCardPayments,
  user,
} from "../../../support/builder/card-payment.ts";

useCardPayments();

const MONTH = new Date().toISOString().slice(0, 7);
const NOTHING = {
  ordered_baisa: 0,
  invoiced_baisa: 0,
  kept_as_credit_baisa: 0,
  charged_by_card_baisa: 0,
  drawn_from_credit_baisa: 0,
  granted_by_voucher_baisa: 0,
  refunded_baisa: 0,
};
type Amounts = typeof NOTHING;

async function ask(month: string, headers: Record<string, string> = {}) {
  const token = await signToken("root", "superadmin");
  return billing.ask(`/billing/admin/revenue?month=${month}`, { token, headers });
}

async function amounts(month = MONTH): Promise<Amounts> {
  const { month: _month, sovereign: _sovereign, currency: _currency, ...rest } = (await ask(month)).json;
  return rest;
}

/** The amounts of this month that `work` adds. Unchanged members are absent. */
async function added(work: () => Promise<unknown>): Promise<Partial<Amounts>> {
  const before = await amounts();
  await work();
  const after = await amounts();
  const {
    ordered_baisa,
    invoiced_baisa,
    kept_as_credit_baisa,
    charged_by_card_baisa,
    drawn_from_credit_baisa,
  } = after;
  expect(ordered_baisa + invoiced_baisa + kept_as_credit_baisa).toBe(
    charged_by_card_baisa + drawn_from_credit_baisa,
  );
  const changes = Object.entries(after).map(([name, value]) => [name, value - before[name as keyof Amounts]]);
  return Object.fromEntries(changes.filter(([, change]) => change !== 0));
}

const send = (type: string, object: object, more: { id?: string; created?: number } = {}) =>
  billing.ask("/billing/webhook", stripe.event(type, object, more));

describe("the revenue of a month", () => {
  it("counts an order that credit covers as drawn from credit, and charges no card", async () => {
    expect(await added(() => buy({ plan_id: "small" }))).toEqual({
      ordered_baisa: 9_000,
      drawn_from_credit_baisa: 9_000,
      granted_by_voucher_baisa: 25_000,
    });
  });

  it("splits an order between card and credit when it is paid, not before", async () => {
    let id = "";
    expect(await added(async () => ({ id } = await openSession()))).toEqual({
      granted_by_voucher_baisa: 25_000,
    });
    expect(await added(() => pay(id))).toEqual({
      ordered_baisa: 60_000,
      charged_by_card_baisa: 35_000,
      drawn_from_credit_baisa: 25_000,
    });
  });

  it("shows what a card paid above the price as kept as credit", async () => {
    const { id } = await openSession({ plan_id: "odd", promo_code: "" });
    expect(await added(() => pay(id))).toEqual({
      ordered_baisa: 1_234,
      charged_by_card_baisa: 1_240,
      kept_as_credit_baisa: 6,
    });
  });

  it("shows a payment for an order that had ended as kept as credit", async () => {
    const { id } = await openSession({ promo_code: "" });
    await tell("checkout.session.expired", id);
    expect(await added(() => pay(id))).toEqual({
      charged_by_card_baisa: 60_000,
      kept_as_credit_baisa: 60_000,
    });
  });

  it("counts nothing of an order that Stripe refuses", async () => {
    stripe.fault = "refuse";
    const refused = await added(async () => expect((await buy()).status).toBeGreaterThanOrEqual(400));
    expect(refused).toEqual({});
  });

  it("counts the refunds of a charge once, in any order and any number of events", async () => {
    const { id } = await openSession();
    await pay(id);
    const charge = (refunded: number) => ({
      ...{ id: `ch_${run}`, object: "charge", currency: "omr", amount_refunded: refunded, customer: null },
      metadata: { order_id: stripe.describe(id).client_reference_id },
    });
    const twice = async () => {
      await Promise.all([send("charge.refunded", charge(10_000)), send("charge.refunded", charge(10_000))]);
      await send("charge.refunded", charge(35_000));
      await send("charge.refunded", charge(10_000));
    };
    expect(await added(twice)).toEqual({ refunded_baisa: 35_000 });
    const refund = {
      id: `re_${run}`,
      object: "refund",
      charge: `ch_${run}`,
      amount: 25_000,
      currency: "omr",
    };
    expect(await added(() => send("refund.updated", { ...refund, status: "succeeded" }))).toEqual({});
    const failed = async () => {
      await send("refund.failed", { ...refund, status: "failed" });
      await send("charge.refund.updated", { ...refund, status: "failed" });
    };
    expect(await added(failed)).toEqual({ refunded_baisa: -25_000 });
    expect(await added(() => send("charge.refunded", charge(12_000)))).toEqual({ refunded_baisa: 2_000 });
  });

  it.each<[string, ("charge 1" | "charge 3" | "charge 4" | "failed 2")[], number]>([
    ["was refunded again after a refund failed", ["charge 1", "failed 2", "charge 4"], 10_000],
    ["is reported after its refund failed", ["failed 2", "charge 1"], 0],
    ["is reported again after its refund failed", ["charge 1", "failed 2", "charge 1"], 0],
    [
      "was refunded more before a refund failed, and is reported late",
      ["charge 1", "failed 2", "charge 3"],
      5_000,
    ],
  ])("adds up the refunds of a charge that %s", async (_what, events, expected) => {
    const { id, client_reference_id: order_id } = await openSession();
    await pay(id);
    const amounts = { "charge 1": 10_000, "charge 3": 15_000, "charge 4": 10_000, "failed 2": 10_000 };
    // In order of time: the first refund, another one, the failure of the first, and a refund after that.
    const times = { "charge 1": 100, "charge 3": 200, "failed 2": 300, "charge 4": 400 };
    // Not before the month that is counted.
    const since = Math.max(Date.now() - 1_000_000, Date.parse(`${MONTH}-01T00:00:00Z`)) / 1000;
    const charge = `ch_again_${run}`;
    const sent = async () => {
      for (const event of events) {
        const object = event.startsWith("charge")
          ? { id: charge, currency: "omr", amount_refunded: amounts[event], metadata: { order_id } }
          : { id: `re_${run}`, charge, currency: "omr", amount: amounts[event], status: "failed" };
        const created = Math.floor(since) + times[event];
        await send(event.startsWith("charge") ? "charge.refunded" : "refund.failed", object, { created });
      }
    };
    expect(await added(sent)).toEqual(expected === 0 ? {} : { refunded_baisa: expected });
  });

  it("counts no dispute, and the same charge's refund once", async () => {
    const { id, client_reference_id: order_id } = await openSession();
    await pay(id);
    const charge = `ch_disputed_${run}`;
    const dispute = { id: `du_${run}`, object: "dispute", charge, amount: 35_000, currency: "omr" };
    const disputed = async () => {
      for (const type of ["created", "funds_withdrawn", "funds_reinstated", "closed"])
        expect((await send(`charge.dispute.${type}`, dispute)).status).toBe(200);
    };
    expect(await added(disputed)).toEqual({});
    const refunded = { id: charge, currency: "omr", amount_refunded: 10_000, metadata: { order_id } };
    expect(await added(() => send("charge.refunded", refunded))).toEqual({ refunded_baisa: 10_000 });
  });

  it("does not count refunds in another currency", async () => {
    const { id } = await openSession();
    await pay(id);
    const { customer } = stripe.describe(id);
    const charge = { id: `ch_usd_${run}`, currency: "usd", amount_refunded: 5_000, customer };
    const refund = {
      id: `re_usd_${run}`,
      charge: charge.id,
      currency: "usd",
      amount: 5_000,
      status: "failed",
    };
    expect(await added(() => send("charge.refunded", charge))).toEqual({});
    expect(await added(() => send("refund.failed", refund))).toEqual({});
  });

  it("does not count refunds of others who use the same Stripe account", async () => {
    const other = { id: "ch_other", currency: "usd", amount_refunded: 5_000, customer: "cus_other" };
    expect(await added(() => send("charge.refunded", other))).toEqual({});
    const refund = { id: "re_other", charge: "ch_other", amount: 1, currency: "usd", status: "failed" };
    expect(await added(() => send("refund.failed", refund))).toEqual({});
  });

  it("counts the invoices of subscriptions that Stripe runs, and the invoice of an order not again", async () => {
    const { id } = await openSession({ promo_code: "" });
    await pay(id);
    const { customer, client_reference_id } = stripe.describe(id);
    const invoice = (name: string, more: object) => ({
      ...{ id: `in_${name}_${run}`, object: "invoice", total: 60_000, currency: "omr", status: "paid" },
      ...{ customer, status_transitions: { paid_at: Math.floor(Date.now() / 1000) }, metadata: {} },
      ...more,
    });
    const named = invoice("order", { metadata: { order_id: client_reference_id } });
    expect(await added(() => send("invoice.paid", named))).toEqual({});
    expect(await added(() => send("invoice.paid", invoice("renewal", {})))).toEqual({
      invoiced_baisa: 60_000,
      charged_by_card_baisa: 60_000,
    });
    const lastYear = { status_transitions: { paid_at: Date.UTC(2025, 2, 31, 23, 59, 59) / 1000 } };
    const foreign = { currency: "usd" };
    const open = { status: "open", status_transitions: { paid_at: null } };
    for (const [name, more] of Object.entries({ lastYear, foreign, open }))
      expect(await added(() => send("invoice.paid", invoice(name, more))), name).toEqual({});
    expect(await amounts("2025-03")).toEqual({
      ...NOTHING,
      invoiced_baisa: 60_000,
      charged_by_card_baisa: 60_000,
    });
    expect(await amounts("2025-04")).toEqual(NOTHING);
  });

  it("counts the rows of the earlier service in the month of each row", async () => {
    becomeCustomer(`early-${run}`);
    await rowsOf(
      `WITH c AS (INSERT INTO customers (user_id, tenant_id, email) VALUES ($1, 'old', 'old@example.om') RETURNING id)
       INSERT INTO credit_ledger (customer_id, amount_omr, reason, order_id, created_at, adopted)
       SELECT c.id, amount, 'adopted', 'any text', at::timestamptz, true
         FROM c, (VALUES (100, '2024-02-01T00:00:00Z'), (-9, '2024-02-29T23:59:59Z'), (-9, '2024-03-01T00:00:00Z')) AS e (amount, at)`,
      [user],
    );
    await rowsOf("UPDATE customers SET balance_baisa = 82000 WHERE user_id = $1", [user]);
    expect(await amounts("2024-02")).toEqual({
      ...NOTHING,
      ordered_baisa: 9_000,
      drawn_from_credit_baisa: 9_000,
      granted_by_voucher_baisa: 100_000,
    });
  });

  it("names the Sovereign, its currency and the month, as JSON and as CSV", async () => {
    expect((await ask("1999-12")).json).toEqual({
      month: "1999-12",
      sovereign: FQDN,
      currency: "OMR",
      ...NOTHING,
    });
    const csv = await ask("1999-12", { accept: "text/csv" });
    expect(csv.headers.get("content-type")).toContain("text/csv");
    expect(csv.text).toContain(`${["month", "sovereign", "currency", ...Object.keys(NOTHING)].join()}\r\n`);
    expect(csv.text).toContain(`1999-12,${FQDN},OMR,0,0,0,0,0,0,0\r\n`);
    expect((await ask("1999-12", { accept: "text/csv, application/json" })).json).toMatchObject(NOTHING);
  });

  it.each(["2026", "2026-13", "2026-00", "0000-01", "2026-11-01", "", " 2026-11", "12026-11"])(
    "refuses %j as a month",
    async (month) => {
      const answer = await ask(encodeURIComponent(month));
      expect([answer.status, answer.json.code]).toEqual([400, "request_invalid"]);
    },
  );

  it("allows only superadmins to read the revenue", async () => {
    const path = `/billing/admin/revenue?month=${MONTH}`;
    const token = await signToken("salma", "sovereign-admin");
    expect((await billing.ask(path, { token })).status).toBe(403);
  });
});
