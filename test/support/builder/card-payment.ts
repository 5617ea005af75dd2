import { afterAll, beforeAll, beforeEach, expect } from "vitest";
import type { Env } from "../../../src/platform/env.ts";
import type { Logger } from "../../../src/platform/log.ts";
import { type StripeServer, startStripeServer } from "../server/stripe-server.ts";
import {
  type Answer,
  issueVoucher,
  placeOrder,
  reconcile,
  signToken,
  startBilling,
  type TestBilling,
} from "./billing.ts";

const CATALOG = {
  plans: [
    { id: "large", price_baisa: 60_000 },
    { id: "almost", price_baisa: 26_000 },
    { id: "odd", price_baisa: 1_234 },
    { id: "tiny", price_baisa: 200 },
    // As much as the smallest card payment.
    { id: "minimum", price_baisa: 300 },
    { id: "medium", price_baisa: 5_000 },
    { id: "small", price_baisa: 9_000 },
  ],
  addons: [{ id: "backup", price_baisa: 1_500 }],
  apps: [],
};

export let stripe: StripeServer;
export let billing: TestBilling;
export let run = 0;
export let code = "";
export let user = "";

/**
 * Starts one service with its own Stripe for each test file, and creates a voucher and a customer for each test. Checks
 * the ledger at the end.
 */
export function useCardPayments(options: { logger?: Logger; env?: Env } = {}): void {
  beforeAll(async () => {
    stripe = await startStripeServer();
    billing = await startBilling({
      ...options,
      files: { CATALOG_FILE: CATALOG },
      env: {
        ...stripe.env,
        ...options.env,
      },
    });
  });

  afterAll(async () => {
    try {
      expect(await reconcile(billing)).toEqual([]);
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
    stripe.goneCustomers.clear();
    stripe.refusedEmails.clear();
    stripe.minimumAmount = 1;
    await issueVoucher(billing, code, { credit_omr: 25, max_redemptions: 1 });
  });
}

export async function rowsOf(sql: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
  return (await billing.database.pool.query(sql, values)).rows;
}

/** The rows that an order of this test's customer may have written. */
export async function books() {
  const [row] = await rowsOf(
    `SELECT (SELECT times_redeemed FROM promo_codes WHERE code = $2) AS counter,
            (SELECT count(*)::int FROM promo_redemptions WHERE code = $2) AS redemptions,
            (SELECT balance_baisa::int FROM customers WHERE user_id = $1) AS balance,
            (SELECT jsonb_agg(o.status ORDER BY o.created_at) FROM orders o JOIN customers c ON c.id = o.customer_id WHERE c.user_id = $1) AS orders,
            (SELECT count(*)::int FROM subscriptions s JOIN customers c ON c.id = s.customer_id WHERE c.user_id = $1) AS subscriptions,
            (SELECT count(*)::int FROM outbox WHERE payload ->> 'user_id' = $1) AS events`,
    [user, code],
  );
  return row;
}

export const PENDING = {
  counter: 1,
  redemptions: 1,
  balance: 0,
  orders: ["pending"],
  subscriptions: 0,
  events: 0,
};
export const PAID = { ...PENDING, orders: ["paid"], subscriptions: 1, events: 1 };
export const CANCELED = { ...PENDING, counter: 0, redemptions: 0, orders: ["canceled"] };
export const EXPIRED = { ...PENDING, balance: 25_000, orders: ["expired"] };

export const buy = (body: Record<string, unknown> = {}, headers: Record<string, string> = {}) =>
  placeOrder(billing, user, { plan_id: "large", promo_code: code, ...body }, headers);

export async function openSession(body: Record<string, unknown> = {}) {
  const answer = await buy(body);
  expect(answer.status).toBe(200);
  return stripe.sessionOf(answer.json.order_id);
}

export async function tell(
  type: string,
  sessionId: string,
  more: Parameters<StripeServer["event"]>[2] = {},
): Promise<Answer> {
  return billing.ask("/billing/webhook", stripe.event(type, stripe.describe(sessionId), more));
}

export async function pay(
  sessionId: string,
  more: Parameters<StripeServer["event"]>[2] = {},
): Promise<Answer> {
  stripe.setSession(sessionId, { status: "complete", payment_status: "paid" });
  return tell("checkout.session.completed", sessionId, more);
}

/** Replaces the test's customer by another one. */
export function becomeCustomer(name: string): void {
  user = name;
}

/** The orders that this test's customer can read. */
export const ownOrders = async () =>
  (await billing.ask("/billing/orders", { token: await signToken(user) })).json;
export const cancelOrder = async (orderId: unknown, name = user): Promise<Answer> =>
  billing.ask(`/billing/orders/${orderId}/cancel`, { method: "POST", token: await signToken(name) });
/** The status of a session at Stripe. */
export const statusAt = (sessionId: string) => stripe.describe(sessionId).status;
/** The subscriptions that were canceled at Stripe, oldest first. */
export const canceledAtStripe = () =>
  stripe.asked.flatMap(({ method, path }) =>
    method === "DELETE" ? [path.replace("/v1/subscriptions/", "")] : [],
  );
/** Undoes an order as its process or a sweeper does. Returns whether there was something to undo. */
export const undoOrder = async (orderId: unknown) =>
  (await rowsOf("SELECT billing_undo_order($1) AS undone", [orderId]))[0]?.undone;

/** The order of a process that died before it had a session. */
export async function orphan(body: Record<string, unknown> = {}, headers: Record<string, string> = {}) {
  stripe.fault = "in-use";
  expect((await buy(body, headers)).status).toBe(409);
  stripe.fault = "none";
  const [order] = await rowsOf(
    "SELECT o.id FROM orders o JOIN customers c ON c.id = o.customer_id WHERE c.user_id = $1 ORDER BY o.created_at DESC LIMIT 1",
    [user],
  );
  return order?.id;
}
export const sweep = () => billing.service.sweep();
/** Makes the customer's sessions old enough for the sweeper. */
export const ageSessions = () =>
  rowsOf(
    "UPDATE orders o SET session_look_at = now() - interval '5 minutes' FROM customers c WHERE c.id = o.customer_id AND c.user_id = $1",
    [user],
  );
