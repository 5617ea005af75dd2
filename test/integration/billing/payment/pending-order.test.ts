import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { signToken, startBilling } from "../../../support/builder/billing.ts";
import {
  becomeCustomer,
  billing,
  books,
  EXPIRED,
  openSession,
  PAID,
  PENDING,
  pay,
  rowsOf,
  run,
  stripe,
  useCardPayments,
  user,
} from "../../../support/builder/card-payment.ts";
import { readPage } from "../../../support/builder/documentation-page.ts";

const lines: Record<string, unknown>[] = [];
useCardPayments({ logger: pino({ level: "warn" }, { write: (line) => lines.push(JSON.parse(line)) }) });

const ownOrders = async () => billing.ask("/billing/orders", { token: await signToken(user) });
/** The order's session ended that long ago, and the sweeper is due. */
const outlive = (id: string, by: string) =>
  rowsOf(
    "UPDATE orders SET session_expires_at = now() - $2::interval, session_look_at = NULL WHERE stripe_session_id = $1",
    [id, by],
  );
const paid = (id: string) => stripe.setSession(id, { status: "complete", payment_status: "paid" });

describe("an order that stays pending", () => {
  it("is due for the sweeper an hour after the order, when its session ends", async () => {
    const { id } = await openSession();
    const [order] = await rowsOf(
      "SELECT extract(epoch FROM session_expires_at - created_at)::int AS s FROM orders WHERE stripe_session_id = $1",
      [id],
    );
    expect(Number(order?.s) / 60).toBeCloseTo(60, 0);
  });

  it.each([
    ["2 minutes", 1],
    ["2 hours", 30],
    ["6 days", 60],
  ])(
    "is looked at again at growing intervals while its payment is undecided: after %s",
    async (age, pause) => {
      const { id } = await openSession();
      stripe.setSession(id, { status: "complete" });
      await outlive(id, age);
      await billing.service.sweep();
      const [order] = await rowsOf(
        "SELECT extract(epoch FROM session_look_at - now()) / 60 AS minutes FROM orders WHERE stripe_session_id = $1",
        [id],
      );
      expect(Number(order?.minutes)).toBeGreaterThan(pause - 0.5);
      expect(Number(order?.minutes)).toBeLessThanOrEqual(pause + 0.1);
      expect(await books()).toEqual(PENDING);
    },
  );

  it("is logged each time that Stripe does not have its session", async () => {
    const { id } = await openSession();
    stripe.sessions.delete(id);
    lines.length = 0;
    for (const age of ["2 hours", "6 days"]) {
      await outlive(id, age);
      await billing.service.sweep();
    }
    const fields = { sessionId: id, isExpiredNow: false };
    expect(lines).toEqual([expect.objectContaining(fields), expect.objectContaining(fields)]);
  });

  it("is paid when CURRENCY is set back and Stripe's event is sent again", async () => {
    const { id } = await openSession();
    paid(id);
    const event = stripe.event("checkout.session.completed", stripe.describe(id), { id: `evt_back_${run}` });
    const changed = await startBilling({
      database: billing.database,
      env: {
        CURRENCY: "USD",
        ...stripe.env,
      },
    });
    try {
      expect((await changed.ask("/billing/webhook", event)).status).toBe(200);
    } finally {
      await changed.close();
    }
    expect(await books()).toEqual(PENDING);
    expect((await billing.ask("/billing/webhook", event)).status).toBe(200);
    expect(await books()).toEqual(PAID);
  });

  it("gives its credit back by the query of the runbook, after a payment that cannot be accepted", async () => {
    const { id, client_reference_id: orderId = "" } = await openSession();
    stripe.setSession(id, {
      status: "complete",
      payment_status: "paid",
      "line_items[0][price_data][currency]": "usd",
    });
    lines.length = 0;
    await outlive(id, "10 minutes");
    await billing.service.sweep();
    expect([lines, await books()]).toEqual([
      [expect.objectContaining({ level: 50, sessionId: id })],
      PENDING,
    ]);
    const [, query = ""] = /`(SELECT billing_expire_order\([^`]+)`/.exec(readPage("docs/runbook.md")) ?? [];
    await rowsOf(query.replace("<order id>", orderId).replace("<session id>", id));
    expect(await books()).toEqual(EXPIRED);
  });
});

describe("a payment that becomes credit", () => {
  it.each<[string, () => Promise<unknown>]>([
    ["the sweeper finds it", () => billing.service.sweep()],
    ["its customer is back", ownOrders],
    [
      "Stripe's event says so",
      async () => {
        const [order] = await rowsOf(
          "SELECT o.stripe_session_id AS id FROM orders o JOIN customers c ON c.id = o.customer_id WHERE c.user_id = $1",
          [user],
        );
        await pay(String(order?.id));
      },
    ],
  ])("logs a payment that becomes credit when %s", async (_how, find) => {
    const tenant = `credited-${run}`;
    const { id } = await openSession({ tenant_id: tenant });
    const slow = user;
    becomeCustomer(`owner-${run}`);
    await pay((await openSession({ tenant_id: tenant, promo_code: "" })).id);
    becomeCustomer(slow);
    paid(id);
    await outlive(id, "10 minutes");
    lines.length = 0;
    await find();
    expect((await books())?.orders).toEqual(["credited"]);
    expect(lines.map(({ msg }) => msg)).toEqual([
      "a payment arrived for an order that could not be placed any more: the amount was added to the customer's credit",
    ]);
  });
});
