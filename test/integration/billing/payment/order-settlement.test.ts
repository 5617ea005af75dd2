import { describe, expect, it } from "vitest";
import { issueVoucher } from "../../../support/builder/billing.ts";
import {
  becomeCustomer,
  billing,
  books,
  buy,
  code,
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

useCardPayments();

const COMPLETED = "checkout.session.completed";
const RAN_OUT = "checkout.session.expired";

const hook = (type: string, object: object) => billing.ask("/billing/webhook", stripe.event(type, object));
const paid = (id: string, more: object = {}) => ({
  id,
  payment_status: "paid",
  amount_total: 35_000,
  currency: "omr",
  ...more,
});

/** An order whose process died before it stored the session, which exists at Stripe. */
async function orderWithoutSession(): Promise<string> {
  stripe.fault = "in-use";
  expect((await buy()).status).toBe(409);
  stripe.fault = "none";
  const [order] = await rowsOf(
    "SELECT o.id FROM orders o JOIN customers c ON c.id = o.customer_id WHERE c.user_id = $1",
    [user],
  );
  return order?.id as string;
}

describe("an order that waits for its payment", () => {
  it("pays an order whose session was not stored", async () => {
    const id = await orderWithoutSession();
    expect((await hook(COMPLETED, paid(`cs_late_${run}`, { client_reference_id: id }))).status).toBe(200);
    expect(await books()).toEqual(PAID);
    expect(await rowsOf("SELECT stripe_session_id FROM orders WHERE id = $1", [id])).toEqual([
      { stripe_session_id: `cs_late_${run}` },
    ]);
  });

  it("turns a payment for an undone order into credit", async () => {
    const id = await orderWithoutSession();
    await rowsOf("SELECT billing_undo_order($1)", [id]);
    await hook(COMPLETED, paid(`cs_late_${run}`, { client_reference_id: id }));
    await hook(
      "checkout.session.async_payment_succeeded",
      paid(`cs_late_${run}`, { client_reference_id: id }),
    );
    expect(await books()).toEqual({
      counter: 0,
      redemptions: 0,
      balance: 35_000,
      orders: ["credited"],
      subscriptions: 0,
      events: 0,
    });
    expect(await rowsOf("SELECT stripe_session_id FROM orders WHERE id = $1", [id])).toEqual([
      { stripe_session_id: `cs_late_${run}` },
    ]);
  });

  it("turns a whole payment for an abandoned order into credit", async () => {
    const { id } = await openSession({ promo_code: "" });
    await tell(RAN_OUT, id);
    await pay(id);
    expect(await books()).toMatchObject({
      balance: 60_000,
      orders: ["credited"],
      subscriptions: 0,
      events: 0,
    });
  });

  it("keeps a paid order paid after later events of its session", async () => {
    const { id } = await openSession();
    await pay(id);
    await tell(RAN_OUT, id);
    expect(await books()).toEqual(PAID);
  });

  it("keeps an order when another session expires, or one without an order", async () => {
    const { id } = await openSession();
    const { client_reference_id: orderId } = stripe.describe(id);
    await hook(RAN_OUT, { id: "cs_test_foreign", client_reference_id: orderId });
    await hook(RAN_OUT, { id });
    expect(await books()).toEqual(PENDING);
    await tell(RAN_OUT, id);
    expect(await books()).toEqual(EXPIRED);
  });

  it("keeps an order without a session when a session expires", async () => {
    const id = await orderWithoutSession();
    await hook(RAN_OUT, { id: `cs_early_${run}`, client_reference_id: id });
    expect(await books()).toEqual(PENDING);
  });

  it("writes to the ledger what was returned, and why", async () => {
    const { id } = await openSession();
    const { client_reference_id: orderId } = stripe.describe(id);
    await tell(RAN_OUT, id);
    await pay(id);
    expect(
      await rowsOf(
        "SELECT kind, amount_baisa::int AS baisa, reason, promo_code FROM credit_ledger WHERE order_id = $1 AND kind IN ('release', 'surplus') ORDER BY kind",
        [orderId],
      ),
    ).toEqual([
      { kind: "release", baisa: 25_000, reason: `order ${orderId} was not paid in time`, promo_code: null },
      {
        kind: "surplus",
        baisa: 35_000,
        reason: `payment for order ${orderId}, which was not placed`,
        promo_code: null,
      },
    ]);
  });
});

describe("the processor's name for a customer", () => {
  const nameOf = async (name: string) =>
    (await rowsOf("SELECT stripe_customer_id AS name FROM customers WHERE user_id = $1", [name]))[0]?.name;

  it("keeps the processor's customer id of the first payment", async () => {
    const { id: first } = await openSession();
    const { id: second } = await openSession({ promo_code: "" });
    await pay(first);
    await pay(second);
    expect(await nameOf(user)).toBe(stripe.describe(first).customer);
  });

  it("assigns a processor's customer id to one customer, and serves others who pay under it", async () => {
    const { id: first } = await openSession();
    await pay(first);
    const owner = user;
    const { customer } = stripe.describe(first);
    const next = `GUEST-${run}`;
    await issueVoucher(billing, next);
    becomeCustomer(`guest-${run}`);
    const { id: second } = await openSession({ promo_code: next });
    stripe.setSession(second, { customer: String(customer) });
    expect((await pay(second)).status).toBe(200);
    expect(await books()).toMatchObject({ orders: ["paid"], subscriptions: 1, events: 1 });
    expect([await nameOf(owner), await nameOf(user)]).toEqual([customer, null]);
  });
});

describe("an order that the earlier service left open", () => {
  async function adopt(name: string, amounts: [omr: number | null, baisa: number | null] = [9, 0]) {
    const session = `cs_${name}_${run}`;
    const [order] = await rowsOf(
      `WITH c AS (INSERT INTO customers (user_id, tenant_id, email) VALUES ($1, 'old', 'old@example.om') RETURNING id)
       INSERT INTO orders (customer_id, tenant_id, plan_id, amount_omr, amount_baisa, status, stripe_session_id, adopted)
       SELECT id, $1, 'small', $2, $3, 'pending', $1, true FROM c RETURNING id`,
      [session, ...amounts],
    );
    return { session, orderId: order?.id as string };
  }
  const became = (session: string) =>
    rowsOf(
      `SELECT o.status, s.price_baisa AS price, (SELECT count(*)::int FROM outbox WHERE event_id = o.id) AS events
         FROM orders o LEFT JOIN subscriptions s ON s.order_id = o.id WHERE o.stripe_session_id = $1`,
      [session],
    );
  const OPEN = [{ status: "pending", price: null, events: 0 }];
  const DONE = [{ status: "paid", price: "9000", events: 1 }];

  it("pays an earlier service's order once, also when the event is repeated", async () => {
    const { session } = await adopt("again");
    for (const type of [COMPLETED, "checkout.session.async_payment_succeeded", RAN_OUT]) {
      expect((await hook(type, paid(session, { amount_total: 9_000 }))).status).toBe(200);
    }
    expect(await became(session)).toEqual(DONE);
  });

  it.each([
    [COMPLETED, DONE],
    [RAN_OUT, [{ status: "expired", price: null, events: 0 }]],
  ])("settles only this order by %s, also when the event names it", async (type, expected) => {
    const [mine, other] = [await adopt("mine"), await adopt("other")];
    const event = paid(mine.session, { amount_total: 9_000, client_reference_id: mine.orderId });
    expect((await hook(type, event)).status).toBe(200);
    expect(await became(mine.session)).toEqual(expected);
    expect(await became(other.session)).toEqual(OPEN);
  });

  it("does not settle an order by another order's session", async () => {
    const { session, orderId } = await adopt("foreign");
    for (const type of [COMPLETED, RAN_OUT]) {
      const answer = await hook(type, paid(`cs_nobody_${run}`, { client_reference_id: orderId }));
      expect(answer.status).toBe(200);
    }
    expect(await became(session)).toEqual(OPEN);
  });

  it.each<[number | null, number | null, string]>([
    [9, null, "9000"],
    [null, 9_500, "9500"],
    [2_147_483_647, 0, "2147483647000"],
    [-5, 0, "0"],
    [-5, -5_000, "0"],
    [null, null, "0"],
  ])("settles an order over %j OMR and %j baisa with a subscription of %s", async (omr, baisa, price) => {
    const { session } = await adopt(`${omr}_${baisa}`, [omr, baisa]);
    expect((await hook(COMPLETED, paid(session))).status).toBe(200);
    expect(await became(session)).toEqual([{ status: "paid", price, events: 1 }]);
    const [event] = await rowsOf("SELECT payload FROM outbox WHERE tenant_id = $1", [session]);
    expect(event?.payload).toMatchObject({ amount_baisa: Number(price) });
  });
});

describe("an order that credit covers to the baisa", () => {
  it("asks for no card payment when credit covers the whole order", async () => {
    await issueVoucher(billing, code, { credit_omr: 60 });
    const before = stripe.asked.length;
    const answer = await buy();
    expect([answer.json.paid_by_credit, answer.json.credit_balance_baisa]).toEqual([true, 0]);
    expect(stripe.asked.length).toBe(before);
  });
});
