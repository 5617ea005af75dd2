import { afterAll, beforeAll, expect, it } from "vitest";
import {
  issueVoucher,
  placeOrder,
  startBilling,
  type TestBilling,
} from "../../../support/builder/billing.ts";
import { type StripeServer, startStripeServer } from "../../../support/server/stripe-server.ts";

let stripe: StripeServer;
let instances: TestBilling[] = [];

beforeAll(async () => {
  stripe = await startStripeServer();
  const first = await startBilling({ env: stripe.env });
  instances = [first, await startBilling({ env: stripe.env, database: first.database })];
  await issueVoucher(first, "COUNTED");
});

afterAll(async () => {
  for (const instance of instances.toReversed()) await instance.close();
  await stripe.close();
});

/** The sum over all instances since the last call. */
let before = [0, 0];
async function placedSince(): Promise<{ redeemed: number; none: number }> {
  const counts = { redeemed: 0, none: 0 };
  for (const instance of instances) {
    const { text } = await instance.ask("/metrics");
    for (const [, voucher, count] of text.matchAll(
      /^catalyst_billing_checkouts_total\{voucher="(\w+)"\} (\d+)$/gm,
    ))
      counts[voucher as keyof typeof counts] += Number(count);
  }
  const [redeemed = 0, none = 0] = before;
  before = [counts.redeemed, counts.none];
  return { redeemed: counts.redeemed - redeemed, none: counts.none - none };
}

const order = (
  which: number,
  user: string,
  body: Record<string, unknown> = {},
  headers: Record<string, string> = {},
) => placeOrder(instances[which] as TestBilling, user, body, headers);
const tell = (which: number, type: string, id: string) =>
  (instances[which] as TestBilling).ask("/billing/webhook", stripe.event(type, stripe.describe(id)));

it("counts an order that credit pays once, also when the request is repeated", async () => {
  const key = { "Idempotency-Key": "one" };
  for (const which of [0, 0, 1]) {
    const answer = await order(which, "salma", { promo_code: "counted" }, key);
    expect(answer.status).toBe(200);
  }
  expect(await placedSince()).toEqual({ redeemed: 1, none: 0 });
  expect((await order(1, "salma", { plan_id: "free" })).status).toBe(200);
  expect((await order(1, "salma", { plan_id: "nope" })).status).toBe(422);
  expect(await placedSince()).toEqual({ redeemed: 0, none: 1 });
});

it("counts an order that a card pays when any event says that it is paid", async () => {
  const one = await order(0, "card-1", { plan_id: "large", promo_code: "counted" });
  const other = await order(0, "card-2", { plan_id: "large" });
  expect(await placedSince()).toEqual({ redeemed: 0, none: 0 });

  const { id } = stripe.sessionOf(one.json.order_id);
  stripe.setSession(id, { status: "complete", payment_status: "paid" });
  for (const which of [0, 1]) {
    await tell(which, "checkout.session.completed", id);
    await tell(which, "checkout.session.async_payment_succeeded", id);
  }
  expect(await placedSince()).toEqual({ redeemed: 1, none: 0 });

  const { id: swept } = stripe.sessionOf(other.json.order_id);
  stripe.setSession(swept, { status: "complete", payment_status: "paid" });
  await instances[0]?.database.pool.query(
    "UPDATE orders SET session_expires_at = now() - interval '1 hour' WHERE stripe_session_id = $1",
    [swept],
  );
  await Promise.all(instances.map(({ service }) => service.sweep()));
  expect(await placedSince()).toEqual({ redeemed: 0, none: 1 });
});

it("does not count a payment for an abandoned order", async () => {
  const answer = await order(0, "late", { plan_id: "large" });
  const { id } = stripe.sessionOf(answer.json.order_id);
  await tell(0, "checkout.session.expired", id);
  stripe.setSession(id, { status: "complete", payment_status: "paid" });
  await tell(1, "checkout.session.completed", id);
  expect(await placedSince()).toEqual({ redeemed: 0, none: 0 });
});
