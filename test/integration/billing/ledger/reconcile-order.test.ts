import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  FQDN,
  issueVoucher,
  placeOrder,
  reconcile,
  signToken,
  startBilling,
  type TestBilling,
} from "../../../support/builder/billing.ts";
import { type StripeServer, startStripeServer } from "../../../support/server/stripe-server.ts";

const PLANS = [
  { id: "large", price_baisa: 60_000 },
  { id: "odd", price_baisa: 1_234 },
  { id: "small", price_baisa: 9_000 },
];

let stripe: StripeServer;
let billing: TestBilling;

const TABLES = [
  "customers",
  "promo_codes",
  "orders",
  "promo_redemptions",
  "credit_ledger",
  "subscriptions",
  "outbox",
];

/** One order for each way in which an order can end. Each has its own customer, with or without a voucher of 25 OMR. */
beforeAll(async () => {
  stripe = await startStripeServer();
  billing = await startBilling({
    files: { CATALOG_FILE: { plans: PLANS, addons: [], apps: [] } },
    env: stripe.env,
  });
  await issueVoucher(billing, "GIFT");
  const voucher = { promo_code: "GIFT", plan_id: "large" };
  expect((await placeOrder(billing, "by-credit", { promo_code: "GIFT", plan_id: "small" })).status).toBe(200);
  await settle("by-card", { plan_id: "odd" }, "paid");
  await settle("by-both", voucher, "paid");
  await settle("expired", voucher, "expired");
  await settle("credited", voucher, "expired", "paid");
  await placeOrder(billing, "pending", voucher);
  const { json } = await placeOrder(billing, "canceled", voucher);
  const path = `/billing/orders/${json.order_id}/cancel`;
  expect((await billing.ask(path, { method: "POST", token: await signToken("canceled") })).status).toBe(200);
  stripe.fault = "refuse";
  expect((await placeOrder(billing, "failed", voucher)).status).toBe(502);
  await query("CREATE SCHEMA kept");
  for (const table of TABLES) await query(`CREATE TABLE kept.${table} AS TABLE ${table}`);
});

/** Repairs the rows that the test before changed, without the triggers that protect them. */
beforeEach(async () => {
  const restore = TABLES.map(
    (table) => `DELETE FROM ${table}; INSERT INTO ${table} OVERRIDING SYSTEM VALUE TABLE kept.${table};`,
  );
  await query(`BEGIN; SET LOCAL session_replication_role = replica; ${restore.join("")} COMMIT`);
});

afterAll(async () => {
  await billing.close();
  await stripe.close();
});

async function settle(user: string, body: object, ...ends: ("paid" | "expired")[]): Promise<void> {
  const { json } = await placeOrder(billing, user, { ...body });
  const { id } = stripe.sessionOf(json.order_id);
  for (const end of ends) {
    const object = { ...stripe.describe(id), payment_status: end === "paid" ? "paid" : "unpaid" };
    const type = `checkout.session.${end === "paid" ? "completed" : "expired"}`;
    expect((await billing.ask("/billing/webhook", stripe.event(type, object))).status).toBe(200);
  }
}

const query = (sql: string) => billing.database.pool.query(sql);
const orderOf = (user: string) =>
  `(SELECT o.id FROM orders o JOIN customers c ON c.id = o.customer_id WHERE c.user_id = '${user}')`;
/** An entry of the order, and the same change of the balance, as if a program had booked it. */
const book = (user: string, kind: string, baisa: number, code = "NULL") =>
  `INSERT INTO credit_ledger (customer_id, amount_omr, amount_baisa, kind, reason, promo_code, order_id)
     SELECT customer_id, trunc(${baisa} / 1000.0)::int, ${baisa}, '${kind}', '', ${code}, id::text FROM orders WHERE id = ${orderOf(user)};
   UPDATE customers SET balance_baisa = balance_baisa + ${baisa} WHERE user_id = '${user}';`;
/** Removes the entries, and their sum from the balance. */
const unbook = (user: string, kind: string) =>
  `UPDATE customers c SET balance_baisa = balance_baisa - l.total FROM (
     SELECT sum(amount_baisa) AS total FROM credit_ledger WHERE kind = '${kind}' AND order_id = ${orderOf(user)}::text) l
    WHERE c.user_id = '${user}';
   DELETE FROM credit_ledger WHERE kind = '${kind}' AND order_id = ${orderOf(user)}::text;`;

describe("reconcileLedger, of orders", () => {
  it("finds no difference for any final state of an order", async () => {
    const { rows } = await query("SELECT array_agg(DISTINCT status ORDER BY status) AS ends FROM orders");
    expect(rows).toEqual([{ ends: ["canceled", "credited", "expired", "failed", "paid", "pending"] }]);
    expect(await reconcile(billing)).toEqual([]);
  });

  it.each<[what: string, break_: () => string, user: string, kinds: string[]]>([
    // Card payments and their entries in the ledger.
    [
      "a surplus that was left out",
      () => unbook("by-card", "surplus"),
      "by-card",
      ["payment-differs-from-ledger"],
    ],
    [
      "a surplus booked twice",
      () => book("by-card", "surplus", 6),
      "by-card",
      ["payment-differs-from-ledger"],
    ],
    [
      "a surplus of an order without a card",
      () => book("by-credit", "surplus", 6),
      "by-credit",
      ["payment-differs-from-ledger"],
    ],
    [
      "a surplus of an unpaid order",
      () => book("expired", "surplus", 35_000),
      "expired",
      ["payment-differs-from-ledger"],
    ],
    [
      "money that never became credit",
      () => unbook("credited", "surplus"),
      "credited",
      ["payment-differs-from-ledger"],
    ],
    [
      "an order paid for too little",
      () => `UPDATE orders SET card_baisa = 10 WHERE id = ${orderOf("by-both")}`,
      "by-both",
      ["payment-differs-from-ledger"],
    ],
    // Paid orders, with their subscriptions and events.
    [
      "a paid order without a subscription",
      () => `DELETE FROM subscriptions WHERE order_id = ${orderOf("by-card")}`,
      "by-card",
      ["order-without-subscription"],
    ],
    [
      "a subscription twice",
      () =>
        `INSERT INTO subscriptions (customer_id, tenant_id, plan_id, order_id, price_baisa) SELECT customer_id, tenant_id, plan_id, order_id, price_baisa FROM subscriptions WHERE order_id = ${orderOf("by-credit")}`,
      "by-credit",
      ["order-without-subscription"],
    ],
    [
      "a subscription of another price",
      () => `UPDATE subscriptions SET price_baisa = 1 WHERE order_id = ${orderOf("by-card")}`,
      "by-card",
      ["subscription-without-order"],
    ],
    [
      "a subscription of another tenant",
      () => `UPDATE subscriptions SET tenant_id = 'x' WHERE order_id = ${orderOf("by-card")}`,
      "by-card",
      ["subscription-without-order"],
    ],
    [
      "a subscription of an order that is not paid",
      () =>
        `INSERT INTO subscriptions (customer_id, tenant_id, plan_id, order_id, price_baisa) SELECT customer_id, tenant_id, plan_id, id, amount_baisa FROM orders WHERE id = ${orderOf("pending")}`,
      "pending",
      ["subscription-without-order"],
    ],
    [
      "a paid order without an event",
      () => `DELETE FROM outbox WHERE event_id = ${orderOf("by-both")}`,
      "by-both",
      ["order-without-event"],
    ],
    [
      "a paid order with two events",
      () =>
        `INSERT INTO outbox (event_id, sink, type, tenant_id, payload) SELECT event_id, sink, type, tenant_id, payload FROM outbox WHERE event_id = ${orderOf("by-both")}`,
      "by-both",
      ["order-without-event"],
    ],
    [
      "an event of an order that is not paid",
      () =>
        `INSERT INTO outbox (event_id, sink, type, tenant_id, payload) SELECT id, 'organization', 'order.placed', tenant_id, '{}' FROM orders WHERE id = ${orderOf("pending")}`,
      "pending",
      ["event-without-order"],
    ],
    // Orders that ended without a payment, and their credit.
    [
      "credit that never came back",
      () => unbook("expired", "release"),
      "expired",
      ["spend-differs-from-order"],
    ],
    [
      "credit that came back twice",
      () => book("expired", "release", 25_000),
      "expired",
      ["spend-differs-from-order"],
    ],
    [
      "credit that an order without use holds on to",
      () =>
        `UPDATE orders SET credit_spent_baisa = 25000 WHERE id = ${orderOf("expired")};${unbook("expired", "release")}`,
      "expired",
      ["credit-not-released"],
    ],
    [
      "an order of credit that was declared expired",
      () => `UPDATE orders SET status = 'expired' WHERE id = ${orderOf("pending")}`,
      "pending",
      ["credit-not-released"],
    ],
    [
      "a failed order's grant that stayed",
      () => unbook("failed", "undo"),
      "failed",
      ["grant-differs-from-order", "grant-without-redemption", "order-without-redemption"],
    ],
    [
      "a canceled order's grant that stayed",
      () => unbook("canceled", "undo"),
      "canceled",
      ["grant-differs-from-order", "grant-without-redemption", "order-without-redemption"],
    ],
    [
      "a canceled order's credit that stayed reserved",
      () => `UPDATE orders SET credit_spent_baisa = 25000 WHERE id = ${orderOf("canceled")}`,
      "canceled",
      ["credit-not-released", "spend-differs-from-order"],
    ],
    [
      "a failed order's grant that came twice",
      () => book("failed", "grant", 25_000, "'GIFT'"),
      "failed",
      ["grant-differs-from-order"],
    ],
    [
      "a grant that went while its voucher stays redeemed",
      () => book("expired", "undo", -25_000, "'GIFT'"),
      "expired",
      ["grant-differs-from-order"],
    ],
    // Entries without an order.
    [
      "an entry of no order",
      () =>
        `UPDATE credit_ledger SET order_id = 'x' WHERE kind = 'surplus' AND order_id = ${orderOf("credited")}::text`,
      "credited",
      ["ledger-without-order", "payment-differs-from-ledger"],
    ],
    [
      "an entry of another customer's order",
      () =>
        `WITH other AS (UPDATE credit_ledger SET order_id = ${orderOf("by-credit")}::text WHERE kind = 'surplus' AND order_id = ${orderOf("credited")}::text) SELECT`,
      "credited",
      ["ledger-without-order", "payment-differs-from-ledger"],
    ],
  ])("finds %s, and prints the rows", async (_what, statement, user, kinds) => {
    const { rows } = await query(`SELECT ${orderOf(user)} AS id`);
    // Without the triggers, as only the administrator of the database can.
    await query(`BEGIN; SET LOCAL session_replication_role = replica; ${statement()}; COMMIT`);
    const found = await reconcile(billing);
    expect([...new Set(found.map(({ kind }) => kind))].sort()).toEqual(kinds);
    expect(JSON.stringify(found)).toContain(rows[0].id);
    expect(found.every(({ adopted }) => !adopted)).toBe(true);
  });

  it("does not report events that were delivered and deleted long ago", async () => {
    await query(
      "DELETE FROM outbox; UPDATE subscriptions SET created_at = now() - interval '8 days', current_period_start = NULL",
    );
    expect(await reconcile(billing)).toEqual([]);
  });

  it("finds no difference in the data of the earlier service", async () => {
    await query(`
      INSERT INTO orders (customer_id, tenant_id, plan_id, amount_omr, amount_baisa, status, stripe_session_id, adopted)
      SELECT id, 'old', 'small', 9, 0, status, 'cs_' || status, true FROM customers CROSS JOIN unnest(ARRAY['paid', 'completed', 'pending', 'failed']) AS status
       WHERE user_id = 'by-card';
      INSERT INTO subscriptions (customer_id, tenant_id, plan_id) SELECT id, 'old', 'small' FROM customers WHERE user_id = 'by-card';
      INSERT INTO credit_ledger (customer_id, amount_omr, reason, order_id, adopted) SELECT id, 0, 'promo', 'gone', true FROM customers WHERE user_id = 'by-card'`);
    const session = { id: "cs_pending", payment_status: "paid", amount_total: 9_000, currency: "omr" };
    await billing.ask("/billing/webhook", stripe.event("checkout.session.completed", session));
    const { rows } = await query(
      "SELECT o.status, x.payload ->> 'sovereign' AS sovereign FROM orders o JOIN outbox x ON x.event_id = o.id WHERE o.stripe_session_id = 'cs_pending'",
    );
    expect(rows).toEqual([{ status: "paid", sovereign: FQDN }]);
    expect(await reconcile(billing)).toEqual([]);
  });
});
