import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Answer, ask, signToken } from "../../../support/builder/billing.ts";
import { createBillingProcesses } from "../../../support/process/billing-process.ts";
import { createTestDatabase, type TestDatabase } from "../../../support/server/postgres.ts";
import { type StripeServer, startStripeServer } from "../../../support/server/stripe-server.ts";
import { eventually } from "../../../support/wait.ts";

let stripe: StripeServer;
let database: TestDatabase;
let processes: ReturnType<typeof createBillingProcesses>;

beforeAll(async () => {
  stripe = await startStripeServer();
});
afterAll(() => stripe.close());

beforeEach(async () => {
  database = await createTestDatabase();
  processes = createBillingProcesses(database.url);
  stripe.delayMs = 0;
});
afterEach(async () => {
  await processes.close();
  await database.drop();
});

const start = (env: Record<string, string> = {}) =>
  processes.start({
    ...stripe.env,
    ...env,
  });

async function buy(origin: string): Promise<Answer> {
  return ask(origin, "/billing/checkout", {
    token: await signToken("salma"),
    headers: { "Idempotency-Key": "only-once" },
    body: { plan_id: "large", tenant_id: "salma-shop", promo_code: "CARD" },
  });
}

async function issue(origin: string): Promise<void> {
  const token = await signToken("admin", "sovereign-admin");
  await ask(origin, "/billing/vouchers/issue", {
    token,
    body: { code: "CARD", credit_omr: 25, max_redemptions: 1 },
  });
}

const books = async () =>
  (
    await database.pool.query(
      `SELECT (SELECT times_redeemed FROM promo_codes) AS counter, (SELECT count(*)::int FROM promo_redemptions) AS redemptions,
              (SELECT balance_baisa::int FROM customers) AS balance,
              (SELECT jsonb_agg(status ORDER BY created_at) FROM orders) AS orders`,
    )
  ).rows[0];

/** Kills the process while Stripe creates the session: the order and the session exist, and the customer got no answer. */
async function killWhileStripeWorks(): Promise<void> {
  const first = await start();
  await issue(first.origin);
  stripe.delayMs = 1_500;
  const before = stripe.asked.length;
  const lost = buy(first.origin).catch(() => undefined);
  await eventually(() => expect(stripe.asked.length).toBeGreaterThan(before));
  await first.end("SIGKILL");
  await lost;
  expect(await books()).toEqual({ counter: 1, redemptions: 1, balance: 0, orders: ["pending"] });
  stripe.delayMs = 0;
}

describe("catalyst billing, killed while the payment processor works", () => {
  it("continues with the same order and session when the customer repeats the request, whatever has changed", async () => {
    await killWhileStripeWorks();
    await database.pool.query(
      "UPDATE customers SET email = 'new@example.om', stripe_customer_id = 'cus_new'",
    );
    const second = await start({
      SUCCESS_URL: "https://moved.example/ok",
      CANCEL_URL: "https://moved.example/no",
      STRIPE_SECRET_KEY: "sk_test_rolled",
    });
    const answer = await buy(second.origin);
    expect(answer.status).toBe(200);
    expect(await books()).toEqual({ counter: 1, redemptions: 1, balance: 0, orders: ["pending"] });
    const session = stripe.sessionOf(answer.json.order_id);
    expect(answer.json.session_url).toBe(`https://checkout.example/c/${session.id}`);
    stripe.setSession(session.id, { status: "complete", payment_status: "paid" });
    await ask(
      second.origin,
      "/billing/webhook",
      stripe.event("checkout.session.completed", stripe.describe(session.id)),
    );
    expect(await books()).toEqual({ counter: 1, redemptions: 1, balance: 0, orders: ["paid"] });
  });

  it("undoes the order when the customer does not repeat the request", async () => {
    await killWhileStripeWorks();
    await database.pool.query("UPDATE orders SET created_at = now() - interval '3 minutes'");
    const second = await start();
    await eventually(async () => expect((await books()).orders[0]).toBe("failed"));
    expect(await books()).toEqual({ counter: 0, redemptions: 0, balance: 0, orders: ["failed"] });
    // The code can be redeemed again, also by this customer.
    expect((await buy(second.origin)).status).toBe(200);
  });
});
