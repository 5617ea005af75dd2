import { describe, expect, it } from "vitest";
import { issueVoucher } from "../../../support/builder/billing.ts";
import {
  ageSessions,
  billing,
  books,
  buy,
  CANCELED,
  cancelOrder,
  code,
  openSession,
  ownOrders,
  PAID,
  PENDING,
  pay,
  rowsOf,
  run,
  statusAt,
  stripe,
  sweep,
  tell,
  useCardPayments,
  user,
} from "../../../support/builder/card-payment.ts";

useCardPayments();

describe("an unpaid order, ordered again", () => {
  it("returns the open session to the same order, also when its voucher has ended meanwhile", async () => {
    const first = await buy({ addons: ["backup"] });
    await issueVoucher(billing, code, { max_redemptions: 1, active: false });
    const again = await buy({ addons: ["backup"], promo_code: ` ${code.toLowerCase()} ` });
    expect([again.status, again.json]).toEqual([200, first.json]);
    expect(await books()).toEqual(PENDING);
    const keyed = await buy({ addons: ["backup"] }, { "Idempotency-Key": `same-${run}` });
    expect(keyed.json).toEqual(first.json);
    expect((await buy({ addons: ["backup"] }, { "Idempotency-Key": `same-${run}` })).text).toBe(keyed.text);
  });

  it("is replaced by another order, which has its voucher and its credit", async () => {
    const { id } = await openSession();
    const next = await buy({ addons: ["backup"] });
    expect([next.status, statusAt(id)]).toEqual([200, "expired"]);
    const session = stripe.sessionOf(next.json.order_id);
    expect(session["line_items[0][price_data][unit_amount]"]).toBe("36500");
    expect(await books()).toEqual({ ...PENDING, orders: ["canceled", "pending"] });
    await pay(session.id);
    // Stripe accepts no payment on the page that the customer left, and a late event changes nothing.
    await tell("checkout.session.expired", id);
    expect(await books()).toEqual({ ...PAID, orders: ["canceled", "paid"] });
  });

  it("is named when it reserves the credit that is missing, and releases the credit when it is canceled", async () => {
    expect((await buy({ plan_id: "small" })).json.credit_balance_baisa).toBe(16_000);
    const held = (await buy({ promo_code: "", tenant_id: `${user}-two` })).json.order_id;
    const tiny = { plan_id: "tiny", promo_code: "", tenant_id: `${user}-three` };
    const refused = await buy(tiny);
    expect([refused.status, refused.json.code, refused.json.detail]).toEqual([
      ...[422, "card_amount_too_small"],
      `the order costs less than the smallest card payment, and credit of 0.2 OMR is missing: redeem a voucher, or order more. Your unpaid order ${held} reserves credit: cancel it (POST /billing/orders/${held}/cancel) to release that credit`,
    ]);
    expect((await cancelOrder(held)).json.status).toBe("canceled");
    expect((await buy(tiny)).json).toMatchObject({ paid_by_credit: true, credit_balance_baisa: 15_800 });
  });

  it("causes an error of its own when there are more unpaid orders than one order replaces", async () => {
    await rowsOf(
      `WITH c AS (INSERT INTO customers (user_id, tenant_id, email) VALUES ($1, $2, '') RETURNING id)
       INSERT INTO orders (customer_id, tenant_id, plan_id, amount_omr, amount_baisa, credit_spent_baisa, card_baisa)
       SELECT c.id, $2, 'small', 9, 9000, 0, 9000 FROM c, generate_series(1, 21)`,
      [user, `${user}-shop`],
    );
    const refused = await buy();
    expect([refused.status, refused.json.code, refused.json.detail]).toEqual([
      ...[409, "orders_unpaid"],
      "20 unpaid orders were canceled for this one, and another one is still open: cancel it (POST /billing/orders/{orderId}/cancel), or order again",
    ]);
    expect((await buy()).status).toBe(200);
  });

  it("releases its credit for another order that credit covers", async () => {
    const { id } = await openSession();
    const next = await buy({ plan_id: "small" });
    expect([next.json.paid_by_credit, next.json.credit_balance_baisa, statusAt(id)]).toEqual([
      true,
      16_000,
      "expired",
    ]);
    expect(await books()).toEqual({ ...PAID, balance: 16_000, orders: ["canceled", "paid"] });
  });

  it("gives its voucher to an order for another tenant, and stays when the other order has no voucher", async () => {
    const { id } = await openSession();
    expect((await buy({ tenant_id: `typo-${run}` })).status).toBe(200);
    expect(statusAt(id)).toBe("expired");
    const second = await buy({ tenant_id: `second-${run}`, promo_code: "" });
    expect([second.status, (await books())?.orders]).toEqual([200, ["canceled", "pending", "pending"]]);
  });

  it("keeps its page when the other order is refused", async () => {
    const { id } = await openSession();
    expect((await buy({ promo_code: "NO-SUCH" })).status).toBe(404);
    expect((await buy({ plan_id: "unknown" })).status).toBe(422);
    expect([statusAt(id), await books()]).toEqual(["open", PENDING]);
  });

  it("stays one order when two tabs order at the same time, and one subscription when both pay", async () => {
    stripe.delayMs = 20;
    const tabs = await Promise.all([buy(), buy({ addons: ["backup"] }), buy()]);
    stripe.delayMs = 0;
    for (const { json } of tabs) {
      if (json.session_url === undefined) continue;
      const { id } = stripe.sessionOf(json.order_id);
      if (statusAt(id) === "open") await pay(id);
    }
    expect(await books()).toMatchObject({
      counter: 1,
      redemptions: 1,
      balance: 0,
      subscriptions: 1,
      events: 1,
    });
  });

  it.each([
    ["was paid just before", { status: "complete", payment_status: "paid" }, "order_paid", PAID],
    ["waits for the payment", { status: "complete" }, "order_processing", PENDING],
  ])("is not replaced when its session %s", async (_what, change, problem, expected) => {
    const { id } = await openSession();
    stripe.setSession(id, change);
    const next = await buy({ plan_id: "small" });
    expect([next.status, next.json.code]).toEqual([409, problem]);
    expect(await books()).toEqual(expected);
  });

  it.each([
    ["was paid just before", { status: "complete", payment_status: "paid" }, "order_paid", PAID],
    ["waits for the payment", { status: "complete" }, "order_processing", PENDING],
  ])(
    "returns no ended page to the same order when its session %s",
    async (_what, change, problem, expected) => {
      const { id } = await openSession();
      stripe.setSession(id, change);
      const again = await buy();
      expect([again.status, again.json.code]).toEqual([409, problem]);
      expect(await books()).toEqual(expected);
    },
  );

  it.each([
    ["was expired early", {}, (id: string) => stripe.setSession(id, { status: "expired" })],
    ["is gone", {}, (id: string) => void stripe.sessions.delete(id)],
    [
      "was expired early, under a new key",
      { "Idempotency-Key": "new" },
      (id: string) => stripe.setSession(id, { status: "expired" }),
    ],
  ])("opens a new session at once for the same order when its session %s", async (_what, key, end) => {
    const { id } = await openSession();
    end(id);
    const headers = Object.fromEntries(Object.entries(key).map(([name, value]) => [name, `${value}-${run}`]));
    const again = await buy({}, headers);
    expect(again.status).toBe(200);
    const session = stripe.sessionOf(again.json.order_id);
    expect([statusAt(session.id), session["line_items[0][price_data][unit_amount]"]]).toEqual([
      "open",
      "35000",
    ]);
    expect(await books()).toEqual({ ...PENDING, orders: ["canceled", "pending"] });
    expect((await buy({}, headers)).json).toEqual(again.json);
  });

  it("is ordered again without its voucher after Stripe's event about the end of its session", async () => {
    const { id } = await openSession();
    stripe.setSession(id, { status: "expired" });
    await tell("checkout.session.expired", id);
    const again = await buy();
    expect([again.status, again.json.code]).toEqual([409, "already_redeemed"]);
    expect(again.json.detail).toContain("its credit is on your account: leave promo_code out");
    const without = await buy({ promo_code: "" });
    expect([without.status, without.json.credit_balance_baisa]).toEqual([200, 0]);
    const session = stripe.sessionOf(without.json.order_id);
    expect(session["line_items[0][price_data][unit_amount]"]).toBe("35000");
    expect(await books()).toEqual({ ...PENDING, orders: ["expired", "pending"] });
  });

  it("opens one new session when two tabs send the same order after its session has expired", async () => {
    const { id } = await openSession();
    stripe.setSession(id, { status: "expired" });
    stripe.delayMs = 20;
    const [one, other] = await Promise.all([buy(), buy()]);
    expect([one.status, other.json]).toEqual([200, one.json]);
    expect(await books()).toEqual({ ...PENDING, orders: ["canceled", "pending"] });
  });

  it.each([
    ["has expired early", { status: "expired" }, 409, "order_expired"],
    ["was paid", { status: "complete", payment_status: "paid" }, 200, undefined],
  ])("answers a repeated key whose session %s", async (_what, change, status, code) => {
    const headers = { "Idempotency-Key": `repeated-${run}` };
    const first = await buy({}, headers);
    const [order] = await ownOrders();
    stripe.setSession(stripe.sessionOf(order.id).id, change);
    const again = await buy({}, headers);
    expect([again.status, again.json.code ?? again.json.session_url]).toEqual([
      status,
      code ?? first.json.session_url,
    ]);
  });

  it("returns its page to the same order while Stripe does not answer", async () => {
    const first = await buy();
    stripe.fault = "away";
    expect((await buy()).json).toEqual(first.json);
  });

  it("is replaced when Stripe has no such session, and its late payment becomes credit", async () => {
    const { id } = await openSession();
    const kept = stripe.describe(id);
    stripe.sessions.delete(id);
    expect((await buy({ plan_id: "small" })).json.paid_by_credit).toBe(true);
    await billing.ask(
      "/billing/webhook",
      stripe.event("checkout.session.completed", { ...kept, payment_status: "paid" }),
    );
    expect(await books()).toEqual({ ...PAID, balance: 51_000, orders: ["credited", "paid"] });
  });

  it("is kept while Stripe does not answer, and is then released by the sweeper", async () => {
    await openSession();
    stripe.fault = "away";
    const next = await buy({ plan_id: "small" });
    expect([next.status, next.json.code, next.json.detail]).toEqual([
      ...[503, "payment_unavailable"],
      "the payment processor does not answer: try again in a moment",
    ]);
    expect(await books()).toEqual(PENDING);
    stripe.fault = "none";
    await ageSessions();
    await sweep();
    expect(await books()).toEqual(CANCELED);
  });

  it("replaces an open session of the earlier service, once", async () => {
    const session = `cs_old_${run}`;
    stripe.sessions.set(session, { status: "open", payment_status: "unpaid" });
    await rowsOf(
      `WITH c AS (INSERT INTO customers (user_id, tenant_id, email) VALUES ($1, '', '') RETURNING id)
       INSERT INTO orders (customer_id, tenant_id, plan_id, amount_omr, status, stripe_session_id, adopted, created_at)
       SELECT c.id, $2, 'small', 9, 'pending', s.id, true, now() - s.age FROM c, (VALUES ($3, interval '1 hour'), ('cs_forgotten', '3 days')) AS s (id, age)`,
      [user, `${user}-shop`, session],
    );
    const before = stripe.asked.length;
    expect((await buy()).status).toBe(200);
    expect(stripe.asked.slice(before).map(({ path }) => path)).toEqual([
      `/v1/checkout/sessions/${session}/expire`,
      "/v1/checkout/sessions",
    ]);
    expect(await rowsOf("SELECT status FROM orders WHERE stripe_session_id = $1", [session])).toEqual([
      { status: "canceled" },
    ]);
  });
});

describe("a repeated Idempotency-Key", () => {
  it.each([
    ["has expired", async (id: string) => void (await tell("checkout.session.expired", id))],
    ["has expired without an event", async (id: string) => stripe.setSession(id, { status: "expired" })],
    ["was canceled", async (id: string) => void (await cancelOrder(stripe.describe(id).client_reference_id))],
  ])("answers 409 when the session of its order %s", async (_what, end) => {
    const key = { "Idempotency-Key": `over-${run}` };
    const { json } = await buy({}, key);
    const { id } = stripe.sessionOf(json.order_id);
    await rowsOf("UPDATE orders SET session_expires_at = now() WHERE id = $1", [json.order_id]);
    await end(id);
    const again = await buy({}, key);
    expect([again.status, again.json.code]).toEqual([409, "order_expired"]);
    expect((await books())?.orders).toHaveLength(1);
  });

  it("repeats its answer after the payment", async () => {
    const key = { "Idempotency-Key": `paid-${run}` };
    const before = await buy({}, key);
    await pay(stripe.sessionOf(before.json.order_id).id);
    expect((await buy({}, key)).text).toBe(before.text);
    expect(await books()).toEqual(PAID);
  });
});
