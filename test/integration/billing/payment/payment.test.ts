import { describe, expect, it } from "vitest";
import { placeOrder } from "../../../support/builder/billing.ts";
import {
  billing,
  books,
  buy,
  EXPIRED,
  openSession,
  PAID,
  PENDING,
  pay,
  rowsOf,
  run,
  stripe,
  tell,
  useCardPayments,
  user,
} from "../../../support/builder/card-payment.ts";
import { SECRET_KEY } from "../../../support/server/stripe-server.ts";

useCardPayments();

describe("an order that credit does not cover", () => {
  it("asks the card for the remainder, add-ons included, and reserves the credit", async () => {
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
        method: "POST",
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

  it("places an order once when its payment is announced several times at once", async () => {
    const { id } = await openSession();
    stripe.setSession(id, { status: "complete", payment_status: "paid" });
    const event = stripe.event("checkout.session.completed", stripe.describe(id));
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => billing.ask("/billing/webhook", event)),
    );
    // Another event about the same payment.
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

  it("keeps an order waiting for a payment method that pays later", async () => {
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
      // The customer can spend the credit, and the voucher stays redeemed.
      expect((await buy()).status).toBe(409);
      expect((await buy({ plan_id: "small", promo_code: "" })).json.credit_balance_baisa).toBe(16_000);
    },
  );

  it("turns a payment for an abandoned order into credit once", async () => {
    const { id } = await openSession();
    await tell("checkout.session.expired", id);
    await pay(id);
    await tell("checkout.session.async_payment_succeeded", id);
    expect(await books()).toEqual({ ...EXPIRED, balance: 60_000, orders: ["credited"] });
  });

  it("turns a payment that is too small into credit, and places no order", async () => {
    const { id } = await openSession();
    stripe.setSession(id, { "line_items[0][price_data][unit_amount]": "100" });
    await pay(id);
    expect(await books()).toEqual({ ...PENDING, balance: 25_100, orders: ["credited"] });
  });

  it("does not accept another session's payment", async () => {
    const { id } = await openSession();
    const foreign = { ...stripe.describe(id), id: "cs_test_foreign", payment_status: "paid" };
    await billing.ask("/billing/webhook", stripe.event("checkout.session.completed", foreign));
    expect(await books()).toEqual(PENDING);
  });

  it("rounds up to the smallest card amount, and turns the surplus into credit", async () => {
    const { id } = await openSession({ plan_id: "odd", promo_code: "" });
    expect(stripe.sessions.get(id)?.["line_items[0][price_data][unit_amount]"]).toBe("1240");
    await pay(id);
    expect(await books()).toMatchObject({ balance: 6, orders: ["paid"] });
  });
});

describe("a payment processor that refuses or does not answer", () => {
  it.each([
    ["refuse", 502, "payment_refused"],
    ["unauthorized", 503, "payment_unavailable"],
    ["away", 503, "payment_unavailable"],
    ["cut-after", 503, "payment_unavailable"],
    [{ status: 502, body: { error: "upstream connect error" } }, 503, "payment_unavailable"],
    [{ status: 503, body: { message: "no healthy upstream" } }, 503, "payment_unavailable"],
    [{ status: 403, body: { error: null } }, 503, "payment_unavailable"],
    [{ status: 200, body: {} }, 503, "payment_unavailable"],
    [{ status: 200, body: null }, 503, "payment_unavailable"],
    [{ status: 200, body: "ok" }, 503, "payment_unavailable"],
    [{ status: 200, body: { id: "cs_test_without_url" } }, 503, "payment_unavailable"],
  ] as const)("consumes nothing: %j", async (fault, status, problem) => {
    stripe.fault = fault;
    const answer = await buy({}, { "Idempotency-Key": `key-${run}` });
    expect([answer.status, answer.json?.code]).toEqual([status, problem]);
    expect(answer.text).not.toMatch(/sk_test/);
    if (status === 503) expect(answer.json.detail).toContain("nothing was charged and no voucher was used");
    expect(await books()).toEqual({
      counter: 0,
      redemptions: 0,
      balance: 0,
      orders: ["failed"],
      subscriptions: 0,
      events: 0,
    });
    // The same key is a new attempt once Stripe answers.
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

  it("leaves the tenant free for the next order", async () => {
    stripe.fault = "refuse";
    expect((await buy({ tenant_id: `free-again-${run}` })).status).toBe(502);
    stripe.fault = "none";
    const next = await placeOrder(billing, `next-${run}`, {
      plan_id: "large",
      tenant_id: `free-again-${run}`,
    });
    expect(next.status).toBe(200);
    await pay(stripe.sessionOf(next.json.order_id).id);
    // The tenant now belongs to the customer of a paid order.
    expect((await buy({ tenant_id: `free-again-${run}` })).json.code).toBe("tenant_not_yours");
  });

  it("does not undo an order while another request creates its session", async () => {
    stripe.fault = "in-use";
    const headers = { "Idempotency-Key": `key-${run}` };
    const answer = await buy({}, headers);
    expect([answer.status, answer.json.code]).toEqual([409, "idempotency_in_flight"]);
    expect(await books()).toEqual(PENDING);
    stripe.fault = "none";
    expect((await buy({}, headers)).status).toBe(200);
    expect(await books()).toEqual(PENDING);
  });

  it("returns the same session to 10 requests with one Idempotency-Key", async () => {
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
