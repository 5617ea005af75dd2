import { describe, expect, it } from "vitest";
import {
  books,
  buy,
  EXPIRED,
  PENDING,
  rowsOf,
  run,
  stripe,
  useCardPayments,
  user,
} from "../../../support/builder/card-payment.ts";
import { eventually, until } from "../../../support/wait.ts";

useCardPayments();

const orderId = async () => {
  const [row] = await rowsOf(
    "SELECT o.id FROM orders o JOIN customers c ON c.id = o.customer_id WHERE c.user_id = $1",
    [user],
  );
  return row?.id as string | undefined;
};
const FAILED = { ...PENDING, counter: 0, redemptions: 0, orders: ["failed"] };

describe("an order that is abandoned while its session is created", () => {
  it.each(["none", "away"] as const)(
    "refuses the checkout and leaves the order undone (afterwards the processor is: %s)",
    async (later) => {
      stripe.delayMs = 1_500;
      const [asked, sessions] = [stripe.asked.length, stripe.sessions.size];
      const answer = buy();
      await until(
        async () => (await orderId()) !== undefined && stripe.asked.length > asked,
        "the order is stored and its session is asked for",
      );
      await rowsOf("SELECT billing_undo_order($1)", [await orderId()]);
      await eventually(() => expect(stripe.sessions.size).toBeGreaterThan(sessions));
      stripe.fault = later;
      expect((await answer).json.code).toBe("payment_unavailable");
      expect(await books()).toEqual(FAILED);
    },
  );

  it("places a new order when the request is repeated with the same key", async () => {
    const headers = { "Idempotency-Key": `given-up-${run}` };
    stripe.fault = "in-use";
    await buy({}, headers);
    await rowsOf("SELECT billing_undo_order($1)", [await orderId()]);
    stripe.fault = "none";
    const again = await buy({}, headers);
    expect(again.json.session_url).toMatch(/^http/);
    expect(await books()).toEqual({ ...PENDING, orders: ["failed", "pending"] });
  });

  it("returns no session for an expired order", async () => {
    const headers = { "Idempotency-Key": `expired-${run}` };
    stripe.fault = "in-use";
    await buy({}, headers);
    await rowsOf("UPDATE orders SET stripe_session_id = 'cs_other' WHERE id = $1", [await orderId()]);
    await rowsOf("SELECT billing_expire_order($1, 'cs_other')", [await orderId()]);
    stripe.fault = "none";
    expect((await buy({}, headers)).json.code).toBe("order_expired");
    expect(await books()).toEqual(EXPIRED);
  });
});
