import { describe, expect, it } from "vitest";
import {
  becomeCustomer,
  billing,
  books,
  buy,
  EXPIRED,
  openSession,
  PAID,
  PENDING,
  rowsOf,
  run,
  stripe,
  useCardPayments,
  user,
} from "../../../support/builder/card-payment.ts";

useCardPayments();

describe("the sweeper", () => {
  const sweep = () => billing.service.sweep();
  const age = (column: string, by = "10 minutes") =>
    rowsOf(
      `UPDATE orders o SET ${column} = now() - $2::interval FROM customers c WHERE c.id = o.customer_id AND c.user_id = $1`,
      [user, by],
    );
  /** Moves the end of the order's session and its last check that far into the past. */
  const outlive = async (by?: string) => {
    await age("session_expires_at", by);
    await age("session_look_at", by);
  };

  it("undoes an order whose process died before it had a session", async () => {
    stripe.fault = "in-use";
    await buy({}, { "Idempotency-Key": `key-${run}` });
    await sweep();
    expect(await books()).toEqual(PENDING);
    await age("created_at");
    await sweep();
    expect(await books()).toEqual({
      counter: 0,
      redemptions: 0,
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
  ])("decides about an order without its event when its session %s", async (_what, change, expected) => {
    const { id } = await openSession();
    stripe.setSession(id, change);
    await age("session_expires_at");
    await Promise.all([sweep(), sweep()]);
    expect(await books()).toEqual(expected);
  });

  it("abandons an order after a week when the processor has no such session", async () => {
    const { id } = await openSession();
    const kept = stripe.sessions.get(id) ?? {};
    stripe.sessions.delete(id);
    await outlive("6 days 23 hours");
    await sweep();
    // The keys may now belong to another account, and the order may have been paid.
    expect(await books()).toEqual(PENDING);
    stripe.sessions.set(id, { ...kept, status: "complete", payment_status: "paid" });
    await outlive("6 days 23 hours");
    await sweep();
    expect(await books()).toEqual(PAID);

    becomeCustomer(`forgotten-${run}`);
    stripe.sessions.delete((await openSession({ promo_code: "" })).id);
    await outlive("7 days 1 hour");
    await sweep();
    expect((await books())?.orders).toEqual(["expired"]);
  });

  it("keeps an order when the processor refuses the request", async () => {
    await openSession();
    stripe.fault = "refuse";
    await outlive("8 days");
    await expect(sweep()).rejects.toMatchObject({ code: "payment_refused" });
    expect(await books()).toEqual(PENDING);
  });

  it("continues with other orders, and tries unreadable and open sessions again later", async () => {
    // More orders than one sweep takes. All sessions are complete and unpaid, and are due before this test's own order.
    becomeCustomer(`unpaid-${run}`);
    const { id: unpaid } = await openSession({ plan_id: "small", promo_code: "" });
    stripe.setSession(unpaid, { status: "complete" });
    await outlive("3 days");
    await rowsOf(
      `INSERT INTO orders (customer_id, tenant_id, plan_id, amount_omr, amount_baisa, status, credit_spent_baisa, card_baisa, stripe_session_id, session_expires_at)
       SELECT customer_id, tenant_id, plan_id, amount_omr, amount_baisa, status, credit_spent_baisa, card_baisa, stripe_session_id, session_expires_at
         FROM orders, generate_series(1, 220) WHERE stripe_session_id = $1`,
      [unpaid],
    );
    becomeCustomer(`unreadable-${run}`);
    const { id: unreadable } = await openSession({ plan_id: "small", promo_code: "" });
    stripe.setSession(unreadable, { fault: "broken" });
    await outlive("2 days");
    becomeCustomer(`payer-${run}`);
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
    // Every session has been read, so none is due now.
    const after = stripe.asked.length;
    await sweep();
    expect(stripe.asked.length).toBe(after);
    await rowsOf("UPDATE orders SET status = 'expired' WHERE stripe_session_id = ANY ($1)", [
      [unpaid, unreadable],
    ]);
  });

  it("asks for each session from one replica only", async () => {
    const { id } = await openSession();
    await outlive();
    const before = stripe.asked.length;
    await Promise.all([sweep(), sweep(), sweep()]);
    expect(stripe.asked.slice(before).map(({ path }) => path)).toEqual([`/v1/checkout/sessions/${id}`]);
  });

  it("asks an unreachable processor a few times, not once per order", async () => {
    for (let index = 0; index < 6; index += 1) {
      becomeCustomer(`patient-${run}-${index}`);
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

  it("keeps orders waiting while the processor is unreachable", async () => {
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
