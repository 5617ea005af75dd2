import { describe, expect, it } from "vitest";
import { signToken } from "../../../support/builder/billing.ts";
import {
  billing,
  books,
  openSession,
  PENDING,
  pay,
  rowsOf,
  run,
  stripe,
  useCardPayments,
  user,
} from "../../../support/builder/card-payment.ts";

useCardPayments();

describe("the payment processor's events", () => {
  it.each([
    ["no signature", () => ({ "stripe-signature": "" })],
    [
      "another secret",
      (id: string) => stripe.event("checkout.session.completed", { id }, { secret: "whsec_other" }).headers,
    ],
    [
      "an old signature",
      (id: string) => stripe.event("x", { id }, { at: Math.floor(Date.now() / 1000) - 400 }).headers,
    ],
  ])("refuses an event with %s", async (_what, headers) => {
    const { id } = await openSession();
    stripe.setSession(id, { status: "complete", payment_status: "paid" });
    const { raw } = stripe.event("checkout.session.completed", stripe.describe(id));
    const answer = await billing.ask("/billing/webhook", { raw, headers: headers(id) });
    expect([answer.status, answer.json.code]).toEqual([400, "signature_invalid"]);
    expect(await books()).toEqual(PENDING);
  });

  it("keeps an order's invoice, whose status never goes back from paid", async () => {
    const { id } = await openSession();
    await pay(id);
    const invoice = (status: string) => ({
      id: `in_${run}`,
      object: "invoice",
      total: 35_000,
      currency: "omr",
      status,
      period_start: 1_800_000_000,
      period_end: 1_800_000_000,
      invoice_pdf: "https://invoices.example/1.pdf",
      customer: null,
      metadata: { order_id: stripe.describe(id).client_reference_id },
    });
    const token = await signToken(user);
    const invoicesAfter = async (...news: [type: string, status: string][]) => {
      for (const [type, status] of news)
        await billing.ask("/billing/webhook", stripe.event(`invoice.${type}`, invoice(status)));
      return (await billing.ask(`/billing/invoices/${user}-shop`, { token })).json;
    };
    const shown = (status: string) => [
      expect.objectContaining({
        stripe_invoice_id: `in_${run}`,
        amount_baisa: 35_000,
        amount_omr: 35,
        status,
      }),
    ];
    expect(await invoicesAfter(["payment_failed", "open"], ["finalized", "open"])).toEqual(shown("open"));
    expect(await invoicesAfter(["marked_uncollectible", "uncollectible"], ["finalized", "open"])).toEqual(
      shown("uncollectible"),
    );
    // This service and Stripe use the same word.
    expect(await invoicesAfter(["voided", "void"], ["marked_uncollectible", "uncollectible"])).toEqual(
      shown("void"),
    );
    expect(await invoicesAfter(["paid", "paid"], ["voided", "void"], ["finalized", "open"])).toEqual(
      shown("paid"),
    );
  });

  it("follows the processor's subscription when events arrive in any order", async () => {
    const { id } = await openSession();
    await pay(id);
    await rowsOf(
      "UPDATE subscriptions s SET stripe_subscription_id = $2 FROM customers c WHERE c.id = s.customer_id AND c.user_id = $1",
      [user, `sub_${run}`],
    );
    const change = (status: string, created: number) =>
      billing.ask(
        "/billing/webhook",
        stripe.event(
          "customer.subscription.updated",
          { id: `sub_${run}`, status, items: { data: [] } },
          { created },
        ),
      );
    await change("past_due", 2_000);
    await change("active", 1_000);
    const token = await signToken(user);
    const path = `/billing/subscription/${user}-shop`;
    expect((await billing.ask(path, { token })).json.status).toBe("past_due");
    await billing.ask(
      "/billing/webhook",
      stripe.event(
        "customer.subscription.deleted",
        { id: `sub_${run}`, status: "canceled" },
        { created: 3_000 },
      ),
    );
    await change("active", 4_000);
    expect((await billing.ask(path, { token })).json.status).toBe("canceled");
  });

  it("settles an open payment of the earlier service when the event identifies it", async () => {
    const adopt = async (session: string, tenant: string | null) =>
      rowsOf(
        `WITH c AS (INSERT INTO customers (user_id, tenant_id, email) VALUES ($1, 'old', 'old@example.om') RETURNING id)
         INSERT INTO orders (customer_id, tenant_id, plan_id, amount_omr, amount_baisa, status, stripe_session_id, adopted)
         SELECT id, $2, 'small', 9, 0, 'pending', $1, true FROM c`,
        [session, tenant],
      );
    await adopt(`cs_old_paid_${run}`, `old-${run}`);
    await adopt(`cs_old_lost_${run}`, null);
    await adopt(`cs_old_gone_${run}`, `old-gone-${run}`);
    const session = (id: string) => ({ id, payment_status: "paid", amount_total: 9_000, currency: "omr" });
    for (const [type, id] of [
      ["checkout.session.completed", `cs_old_paid_${run}`],
      ["checkout.session.completed", `cs_old_lost_${run}`],
      ["checkout.session.expired", `cs_old_gone_${run}`],
    ] as const) {
      expect((await billing.ask("/billing/webhook", stripe.event(type, session(id)))).status).toBe(200);
    }
    expect(
      await rowsOf(
        `SELECT o.stripe_session_id AS session, o.status, s.price_baisa::int AS price, (x.payload ->> 'amount_baisa')::int AS amount
           FROM orders o LEFT JOIN subscriptions s ON s.order_id = o.id LEFT JOIN outbox x ON x.event_id = o.id
          WHERE o.stripe_session_id LIKE 'cs_old_%' ORDER BY 1`,
      ),
    ).toEqual([
      { session: `cs_old_gone_${run}`, status: "expired", price: null, amount: null },
      { session: `cs_old_lost_${run}`, status: "paid", price: 9_000, amount: null },
      { session: `cs_old_paid_${run}`, status: "paid", price: 9_000, amount: 9_000 },
    ]);
  });

  it("ignores events of unknown orders and customers", async () => {
    for (const [type, object] of [
      [
        "checkout.session.completed",
        { id: "cs_x", payment_status: "paid", amount_total: 5, client_reference_id: "not-a-uuid" },
      ],
      [
        "checkout.session.expired",
        { id: "cs_y", client_reference_id: "6b1f8a52-0000-4000-8000-000000000000" },
      ],
      ["invoice.paid", { id: "in_x", total: 1, currency: "omr", status: "paid", customer: "cus_x" }],
      ["customer.subscription.deleted", { id: "sub_x", status: "canceled" }],
      ["something.new", {}],
    ] as const) {
      expect((await billing.ask("/billing/webhook", stripe.event(type, object))).status).toBe(200);
    }
  });
});

describe("the portal", () => {
  it("opens the portal for the tenant's customer after a card has paid", async () => {
    const { id } = await openSession();
    const token = await signToken(user);
    const open = (holder: string) =>
      billing.ask(`/billing/portal/${user}-shop`, { method: "POST", token: holder });
    // The tenant has no owner before it is paid for. Credit pays for another order here.
    expect((await open(token)).json.code).toBe("tenant_not_found");
    await rowsOf(
      "INSERT INTO tenants (tenant_id, customer_id) SELECT $2, id FROM customers WHERE user_id = $1",
      [user, `${user}-shop`],
    );
    const early = await open(token);
    expect([early.status, early.json.code]).toEqual([404, "payment_account_missing"]);
    await pay(id);
    expect((await open(token)).json).toEqual({
      url: `https://billing.example/${stripe.describe(id).customer}`,
    });
    expect((await open(await signToken("stranger"))).json.code).toBe("tenant_not_found");
  });
});
