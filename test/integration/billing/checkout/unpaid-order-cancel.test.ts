import { describe, expect, it } from "vitest";
import {
  ageSessions,
  books,
  buy,
  CANCELED,
  cancelOrder,
  openSession,
  PAID,
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
import { eventually } from "../../../support/wait.ts";

useCardPayments();

describe("an unpaid order that its customer cancels", () => {
  it("releases its voucher and its credit once, and gives the same answer again", async () => {
    const { id, client_reference_id: orderId } = await openSession();
    const answers = await Promise.all([cancelOrder(orderId), cancelOrder(orderId)]);
    answers.push(await cancelOrder(orderId));
    expect(answers.map(({ status, json }) => [status, json.status, json.session_url])).toEqual(
      Array(3).fill([200, "canceled", null]),
    );
    expect([statusAt(id), await books()]).toEqual(["expired", CANCELED]);
    expect((await buy()).status).toBe(200);
  });

  it("is canceled when Stripe's event arrives before the process has stored the end", async () => {
    const { id, client_reference_id: orderId } = await openSession();
    // A process that ends after Stripe expired the session leaves this row.
    await rowsOf("UPDATE orders SET cancel_requested = true WHERE id = $1", [orderId]);
    stripe.setSession(id, { status: "expired" });
    await tell("checkout.session.expired", id);
    expect(await books()).toEqual(CANCELED);
  });

  it("is canceled by the sweeper after a crash before the request to Stripe", async () => {
    const { id, client_reference_id: orderId } = await openSession();
    await rowsOf("UPDATE orders SET cancel_requested = true WHERE id = $1", [orderId]);
    await ageSessions();
    await sweep();
    expect([statusAt(id), await books()]).toEqual(["expired", CANCELED]);
  });

  it("is canceled while its session is created, and its page is not returned", async () => {
    stripe.delayMs = 1_500;
    const answer = buy();
    const orders = () =>
      rowsOf("SELECT o.id FROM orders o JOIN customers c ON c.id = o.customer_id WHERE c.user_id = $1", [
        user,
      ]);
    await eventually(async () => expect(await orders()).toHaveLength(1));
    const [order] = await orders();
    expect((await cancelOrder(order?.id)).json.status).toBe("canceled");
    expect((await answer).json.code).toBe("payment_unavailable");
    expect(await books()).toEqual(CANCELED);
    expect(statusAt(stripe.sessionOf(String(order?.id)).id)).toBe("expired");
  });

  it("must be unpaid and belong to the customer", async () => {
    const { id, client_reference_id: orderId } = await openSession();
    for (const [wrong, name] of [
      [orderId, `stranger-${run}`],
      ["6b1f8a52-0000-4000-8000-000000000000", user],
      ["no-id", user],
    ]) {
      const answer = await cancelOrder(wrong, name);
      expect([answer.status, answer.json.code]).toEqual([404, "order_not_found"]);
    }
    await pay(id);
    const late = await cancelOrder(orderId);
    expect([late.status, late.json.code]).toEqual([409, "order_paid"]);
    expect(await books()).toEqual(PAID);
  });

  it("is paid when the payment is faster than the cancel", async () => {
    const { id, client_reference_id: orderId } = await openSession();
    stripe.setSession(id, { status: "complete", payment_status: "paid" });
    const answers = await Promise.all([cancelOrder(orderId), pay(id)]);
    expect(answers.map(({ status }) => status)).toEqual([409, 200]);
    expect(await books()).toEqual(PAID);
  });
});
