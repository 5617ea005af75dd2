import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { reconcileLedger } from "../../../src/billing/ledger/reconcile-ledger.ts";
import {
  type Answer,
  issueVoucher,
  placeOrder,
  signToken,
  startBilling,
  type TestBilling,
} from "../../support/billing.ts";
import { type StripeServer, startStripeServer } from "../../support/stripe-server.ts";

const CATALOG = {
  plans: [
    { id: "large", price_baisa: 60_000 },
    { id: "odd", price_baisa: 1_234 },
    { id: "small", price_baisa: 9_000 },
  ],
  addons: [{ id: "backup", price_baisa: 1_500 }],
  apps: [],
};
const SECRET_KEY = "sk_test_0123456789abcdef";

let stripe: StripeServer;
let billing: TestBilling;
let run = 0;
let code = "";
let user = "";

beforeAll(async () => {
  stripe = await startStripeServer();
  billing = await startBilling({
    files: { CATALOG_FILE: CATALOG },
    env: {
      STRIPE_API_BASE: stripe.origin,
      STRIPE_SECRET_KEY: SECRET_KEY,
      STRIPE_WEBHOOK_SECRET: stripe.webhookSecret,
    },
  });
});

afterAll(async () => {
  try {
    const client = await billing.database.pool.connect();
    expect(await reconcileLedger(client).finally(() => client.release())).toEqual([]);
  } finally {
    await billing.close();
    await stripe.close();
  }
});

beforeEach(async () => {
  run += 1;
  code = `CARD-${run}`;
  user = `payer-${run}`;
  stripe.fault = "none";
  stripe.delayMs = 0;
  await issueVoucher(billing, code, { credit_omr: 25, max_redemptions: 1 });
});

async function rowsOf(sql: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
  return (await billing.database.pool.query(sql, values)).rows;
}

/** Everything that an order of this test's customer could have left behind. */
async function books() {
  const [row] = await rowsOf(
    `SELECT (SELECT times_redeemed FROM promo_codes WHERE code = $2) AS counter,
            (SELECT count(*)::int FROM promo_redemptions WHERE code = $2) AS edges,
            (SELECT balance_baisa::int FROM customers WHERE user_id = $1) AS balance,
            (SELECT jsonb_agg(o.status ORDER BY o.created_at) FROM orders o JOIN customers c ON c.id = o.customer_id WHERE c.user_id = $1) AS orders,
            (SELECT count(*)::int FROM subscriptions s JOIN customers c ON c.id = s.customer_id WHERE c.user_id = $1) AS subscriptions,
            (SELECT count(*)::int FROM outbox WHERE payload ->> 'user_id' = $1) AS events`,
    [user, code],
  );
  return row;
}

const PENDING = { counter: 1, edges: 1, balance: 0, orders: ["pending"], subscriptions: 0, events: 0 };
const PAID = { ...PENDING, orders: ["paid"], subscriptions: 1, events: 1 };
const EXPIRED = { ...PENDING, balance: 25_000, orders: ["expired"] };

const buy = (body: Record<string, unknown> = {}, headers: Record<string, string> = {}) =>
  placeOrder(billing, user, { plan_id: "large", promo_code: code, ...body }, headers);

async function openSession(body: Record<string, unknown> = {}) {
  const answer = await buy(body);
  expect(answer.status).toBe(200);
  return stripe.sessionOf(answer.json.order_id);
}

async function tell(
  type: string,
  sessionId: string,
  more: Parameters<StripeServer["event"]>[2] = {},
): Promise<Answer> {
  return billing.ask("/billing/webhook", stripe.event(type, stripe.describe(sessionId), more));
}

async function pay(sessionId: string, more: Parameters<StripeServer["event"]>[2] = {}): Promise<Answer> {
  stripe.setSession(sessionId, { status: "complete", payment_status: "paid" });
  return tell("checkout.session.completed", sessionId, more);
}

describe("an order that credit does not cover", () => {
  it("asks the card for the rest alone, add-ons included, and reserves the credit", async () => {
    const before = stripe.asked.length;
    const answer = await buy({ addons: ["backup"] });
    const session = stripe.sessionOf(answer.json.order_id);
    expect([answer.status, answer.json]).toEqual([
      200,
      {
        order_id: expect.any(String),
        session_url: `https://checkout.example/c/${session.id}`,
        credit_balance: 0,
        credit_balance_baisa: 0,
      },
    ]);
    expect(stripe.asked.slice(before)).toEqual([
      {
        path: "/v1/checkout/sessions",
        idempotencyKey: answer.json.order_id,
        authorization: `Bearer ${SECRET_KEY}`,
        fields: expect.objectContaining({
          mode: "payment",
          client_reference_id: answer.json.order_id,
          customer_email: `${user}@example.om`,
          allow_promotion_codes: "false",
          "line_items[0][quantity]": "1",
          "line_items[0][price_data][unit_amount]": "36500",
          "line_items[0][price_data][currency]": "omr",
        }),
      },
    ]);
    expect(await books()).toEqual(PENDING);
  });

  it("is placed once its payment is announced, however often and at once", async () => {
    const { id } = await openSession();
    stripe.setSession(id, { status: "complete", payment_status: "paid" });
    const event = stripe.event("checkout.session.completed", stripe.describe(id));
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => billing.ask("/billing/webhook", event)),
    );
    // The same news by another event.
    answers.push(await tell("checkout.session.async_payment_succeeded", id));
    expect(answers.map(({ status }) => status)).toEqual(Array(11).fill(200));
    expect(await books()).toEqual(PAID);
    const [order] = await rowsOf(
      "SELECT o.amount_baisa::int AS amount, o.credit_spent_baisa::int AS credit, o.card_baisa::int AS card, c.stripe_customer_id FROM orders o JOIN customers c ON c.id = o.customer_id WHERE c.user_id = $1",
      [user],
    );
    expect(order).toEqual({
      amount: 60_000,
      credit: 25_000,
      card: 35_000,
      stripe_customer_id: stripe.describe(id).customer,
    });
  });

  it("waits for a method that pays later", async () => {
    const { id } = await openSession();
    stripe.setSession(id, { status: "complete", payment_status: "unpaid" });
    await tell("checkout.session.completed", id);
    expect(await books()).toEqual(PENDING);
    stripe.setSession(id, { payment_status: "paid" });
    await tell("checkout.session.async_payment_succeeded", id);
    expect(await books()).toEqual(PAID);
  });

  it.each(["checkout.session.expired", "checkout.session.async_payment_failed"])(
    "gives the credit back on %s, and keeps the voucher redeemed",
    async (type) => {
      const { id } = await openSession();
      stripe.setSession(id, { status: "expired" });
      await tell(type, id);
      await tell(type, id);
      expect(await books()).toEqual(EXPIRED);
      // The credit is the customer's to spend, the voucher is used.
      expect((await buy()).status).toBe(409);
      expect((await buy({ plan_id: "small", promo_code: "" })).json.credit_balance_baisa).toBe(16_000);
    },
  );

  it("turns a payment for an order that was given up into credit, once", async () => {
    const { id } = await openSession();
    await tell("checkout.session.expired", id);
    await pay(id);
    await tell("checkout.session.async_payment_succeeded", id);
    expect(await books()).toEqual({ ...EXPIRED, balance: 60_000, orders: ["credited"] });
  });

  it("turns a payment of too little into credit, and places nothing", async () => {
    const { id } = await openSession();
    stripe.setSession(id, { "line_items[0][price_data][unit_amount]": "100" });
    await pay(id);
    expect(await books()).toEqual({ ...PENDING, balance: 25_100, orders: ["credited"] });
  });

  it("does not take another session's payment for its own", async () => {
    const { id } = await openSession();
    const foreign = { ...stripe.describe(id), id: "cs_test_foreign", payment_status: "paid" };
    await billing.ask("/billing/webhook", stripe.event("checkout.session.completed", foreign));
    expect(await books()).toEqual(PENDING);
  });

  it("rounds up to what the card can be asked for, and what that pays too much is credit", async () => {
    const { id } = await openSession({ plan_id: "odd", promo_code: "" });
    expect(stripe.sessions.get(id)?.["line_items[0][price_data][unit_amount]"]).toBe("1240");
    await pay(id);
    expect(await books()).toMatchObject({ balance: 6, orders: ["paid"] });
  });
});

describe("a payment processor that says no, or nothing", () => {
  it.each([
    ["refuse", 502, "payment_refused"],
    ["unauthorized", 503, "payment_unavailable"],
    ["away", 503, "payment_unavailable"],
    ["cut-after", 503, "payment_unavailable"],
  ] as const)("consumes nothing: %s", async (fault, status, problem) => {
    stripe.fault = fault;
    const answer = await buy({}, { "Idempotency-Key": `key-${run}` });
    expect([answer.status, answer.json.code]).toEqual([status, problem]);
    expect(answer.text).not.toMatch(/sk_test/);
    expect(await books()).toEqual({
      counter: 0,
      edges: 0,
      balance: 0,
      orders: ["failed"],
      subscriptions: 0,
      events: 0,
    });
    // The same key again, once it works, is a try of its own.
    stripe.fault = "none";
    const again = await buy({}, { "Idempotency-Key": `key-${run}` });
    expect([again.status, again.json.session_url]).toEqual([
      200,
      expect.stringContaining("checkout.example"),
    ]);
    expect(await books()).toEqual({ ...PENDING, orders: ["failed", "pending"] });
    await pay(stripe.sessionOf(again.json.order_id).id);
    expect(await books()).toEqual({ ...PAID, orders: ["failed", "paid"] });
  });

  it("leaves the tenant to whoever orders for it next", async () => {
    stripe.fault = "refuse";
    expect((await buy({ tenant_id: `free-again-${run}` })).status).toBe(502);
    stripe.fault = "none";
    const next = await placeOrder(billing, `next-${run}`, {
      plan_id: "large",
      tenant_id: `free-again-${run}`,
    });
    expect(next.status).toBe(200);
    // Taken now, and by an order that is not undone.
    expect((await buy({ tenant_id: `free-again-${run}` })).json.code).toBe("tenant_not_yours");
  });

  it("leaves an order alone whose session another request is making", async () => {
    stripe.fault = "in-use";
    const headers = { "Idempotency-Key": `key-${run}` };
    const answer = await buy({}, headers);
    expect([answer.status, answer.json.code]).toEqual([409, "idempotency_in_flight"]);
    expect(await books()).toEqual(PENDING);
    stripe.fault = "none";
    expect((await buy({}, headers)).status).toBe(200);
    expect(await books()).toEqual(PENDING);
  });

  it("gives the same session to 10 requests with one Idempotency-Key", async () => {
    stripe.delayMs = 30;
    const headers = { "Idempotency-Key": `key-${run}` };
    const answers = await Promise.all(Array.from({ length: 10 }, () => buy({}, headers)));
    answers.push(await buy({}, headers));
    const placed = answers.filter(({ status }) => status === 200);
    expect(new Set(placed.map(({ text }) => text)).size).toBe(1);
    expect(new Set(answers.map(({ status }) => status)).difference(new Set([200, 409])).size).toBe(0);
    expect(await books()).toEqual(PENDING);
  });
});

describe("what hangs", () => {
  const sweep = () => billing.service.sweep();
  const age = (column: string, by = "10 minutes") =>
    rowsOf(
      `UPDATE orders o SET ${column} = now() - $2::interval FROM customers c WHERE c.id = o.customer_id AND c.user_id = $1`,
      [user, by],
    );
  /** As if the session had run out so long ago, and nobody had looked since. */
  const outlive = async (by?: string) => {
    await age("session_expires_at", by);
    await age("session_look_at", by);
  };

  it("is undone when its process died before it had a session", async () => {
    stripe.fault = "in-use";
    await buy({}, { "Idempotency-Key": `key-${run}` });
    await sweep();
    expect(await books()).toEqual(PENDING);
    await age("created_at");
    await sweep();
    expect(await books()).toEqual({
      counter: 0,
      edges: 0,
      balance: 0,
      orders: ["failed"],
      subscriptions: 0,
      events: 0,
    });
  });

  it.each([
    ["was paid", { status: "complete", payment_status: "paid" }, PAID],
    ["has expired", { status: "expired" }, EXPIRED],
    ["is open still", {}, PENDING],
    ["waits for its money", { status: "complete" }, PENDING],
  ])("is settled without its event when its session %s", async (_what, change, expected) => {
    const { id } = await openSession();
    stripe.setSession(id, change);
    await age("session_expires_at");
    await Promise.all([sweep(), sweep()]);
    expect(await books()).toEqual(expected);
  });

  it("is given up a week later when the processor knows nothing of its session", async () => {
    const { id } = await openSession();
    const kept = stripe.sessions.get(id) ?? {};
    stripe.sessions.delete(id);
    await outlive("6 days 23 hours");
    await sweep();
    // The keys may be those of another account meanwhile, and the money paid.
    expect(await books()).toEqual(PENDING);
    stripe.sessions.set(id, { ...kept, status: "complete", payment_status: "paid" });
    await outlive("6 days 23 hours");
    await sweep();
    expect(await books()).toEqual(PAID);

    user = `forgotten-${run}`;
    stripe.sessions.delete((await openSession({ promo_code: "" })).id);
    await outlive("7 days 1 hour");
    await sweep();
    expect((await books())?.orders).toEqual(["expired"]);
  });

  it("is not given up because the processor refuses the question", async () => {
    await openSession();
    stripe.fault = "refuse";
    await outlive("8 days");
    await expect(sweep()).rejects.toMatchObject({ code: "payment_refused" });
    expect(await books()).toEqual(PENDING);
  });

  it("waits for nobody else: sessions that never end or cannot be read come again later", async () => {
    // More than one sweep takes, all of them complete and unpaid, and due before this test's own.
    const { id: unpaid } = await openSession({ plan_id: "small", promo_code: "" });
    stripe.setSession(unpaid, { status: "complete" });
    await outlive("3 days");
    await rowsOf(
      `INSERT INTO orders (customer_id, tenant_id, plan_id, amount_omr, amount_baisa, status, credit_spent_baisa, card_baisa, stripe_session_id, session_expires_at)
       SELECT customer_id, tenant_id, plan_id, amount_omr, amount_baisa, status, credit_spent_baisa, card_baisa, stripe_session_id, session_expires_at
         FROM orders, generate_series(1, 220) WHERE stripe_session_id = $1`,
      [unpaid],
    );
    user = `unreadable-${run}`;
    const { id: unreadable } = await openSession({ plan_id: "small", promo_code: "" });
    stripe.setSession(unreadable, { fault: "broken" });
    await outlive("2 days");
    user = `payer-${run}`;
    const { id } = await openSession();
    stripe.setSession(id, { status: "complete", payment_status: "paid" });
    await rowsOf(
      "UPDATE orders SET session_expires_at = now() - interval '10 minutes' WHERE stripe_session_id = $1",
      [id],
    );
    const statusOf = async () =>
      (await rowsOf("SELECT status FROM orders WHERE stripe_session_id = $1", [id]))[0]?.status;
    const before = stripe.asked.length;
    await sweep();
    expect([await statusOf(), stripe.asked.length - before]).toEqual(["pending", 200]);
    await expect(sweep()).rejects.toMatchObject({ code: "payment_unavailable" });
    expect(await statusOf()).toBe("paid");
    // All have been looked at: nothing is due for now.
    const after = stripe.asked.length;
    await sweep();
    expect(stripe.asked.length).toBe(after);
    await rowsOf("UPDATE orders SET status = 'expired' WHERE stripe_session_id = ANY ($1)", [
      [unpaid, unreadable],
    ]);
  });

  it("is asked about by one of the replicas that sweep at once", async () => {
    const { id } = await openSession();
    await outlive();
    const before = stripe.asked.length;
    await Promise.all([sweep(), sweep(), sweep()]);
    expect(stripe.asked.slice(before).map(({ path }) => path)).toEqual([`/v1/checkout/sessions/${id}`]);
  });

  it("asks a processor that is away a few times, not once for each order", async () => {
    for (let index = 0; index < 6; index += 1) {
      user = `patient-${run}-${index}`;
      await openSession({ plan_id: "small", promo_code: "" });
      await outlive();
    }
    stripe.fault = "unauthorized";
    const before = stripe.asked.length;
    await expect(sweep()).rejects.toMatchObject({ code: "payment_unavailable" });
    expect(stripe.asked.length - before).toBe(3);
    stripe.fault = "none";
    await sweep();
    expect(stripe.asked.length - before).toBe(6);
  });

  it("waits while the processor is away", async () => {
    await openSession();
    await outlive();
    stripe.fault = "away";
    await expect(sweep()).rejects.toMatchObject({ code: "payment_unavailable" });
    expect(await books()).toEqual(PENDING);
    stripe.fault = "none";
    stripe.setSession(
      stripe.sessionOf(
        (await rowsOf("SELECT id FROM orders ORDER BY created_at DESC LIMIT 1"))[0]?.id as string,
      ).id,
      { status: "expired" },
    );
    await outlive();
    await sweep();
    expect(await books()).toEqual(EXPIRED);
  });
});

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
  ])("are refused with %s", async (_what, headers) => {
    const { id } = await openSession();
    stripe.setSession(id, { status: "complete", payment_status: "paid" });
    const { raw } = stripe.event("checkout.session.completed", stripe.describe(id));
    const answer = await billing.ask("/billing/webhook", { raw, headers: headers(id) });
    expect([answer.status, answer.json.code]).toEqual([400, "signature_invalid"]);
    expect(await books()).toEqual(PENDING);
  });

  it("keep an invoice of an order, whose status never goes back, and paid is the last word", async () => {
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
    const said = async (...news: [type: string, status: string][]) => {
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
    expect(await said(["payment_failed", "open"], ["finalized", "open"])).toEqual(shown("open"));
    expect(await said(["marked_uncollectible", "uncollectible"], ["finalized", "open"])).toEqual(
      shown("uncollectible"),
    );
    // The same word for ours and Stripe's.
    expect(await said(["voided", "void"], ["marked_uncollectible", "uncollectible"])).toEqual(shown("void"));
    expect(await said(["paid", "paid"], ["voided", "void"], ["finalized", "open"])).toEqual(shown("paid"));
  });

  it("follow a subscription that the processor runs, in whatever order they come", async () => {
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

  it("settle what the earlier service left open, as far as it says what it was", async () => {
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
        `SELECT o.stripe_session_id AS session, o.status, s.price_baisa::int AS price, (x.payload ->> 'amount_baisa')::int AS told
           FROM orders o LEFT JOIN subscriptions s ON s.order_id = o.id LEFT JOIN outbox x ON x.event_id = o.id
          WHERE o.stripe_session_id LIKE 'cs_old_%' ORDER BY 1`,
      ),
    ).toEqual([
      { session: `cs_old_gone_${run}`, status: "expired", price: null, told: null },
      { session: `cs_old_lost_${run}`, status: "paid", price: 9_000, told: null },
      { session: `cs_old_paid_${run}`, status: "paid", price: 9_000, told: 9_000 },
    ]);
  });

  it("are of no harm when they are nobody's here", async () => {
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
  it("opens for the tenant's own customer once a card has paid", async () => {
    const { id } = await openSession();
    const token = await signToken(user);
    const open = (holder: string) =>
      billing.ask(`/billing/portal/${user}-shop`, { method: "POST", token: holder });
    const early = await open(token);
    expect([early.status, early.json.code]).toEqual([404, "payment_account_missing"]);
    await pay(id);
    expect((await open(token)).json).toEqual({
      url: `https://billing.example/${stripe.describe(id).customer}`,
    });
    expect((await open(await signToken("stranger"))).json.code).toBe("tenant_not_found");
  });
});
