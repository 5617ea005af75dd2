import { describe, expect, it } from "vitest";
import { issueVoucher, signToken } from "../../../support/builder/billing.ts";
import {
  billing,
  books,
  buy,
  code,
  EXPIRED,
  openSession,
  ownOrders,
  PAID,
  run,
  stripe,
  useCardPayments,
  user,
} from "../../../support/builder/card-payment.ts";

useCardPayments();

describe("a customer's own orders", () => {
  it("lists orders in pages, each unpaid one with its payment page, and without orders of others", async () => {
    await issueVoucher(billing, `MORE-${run}`, { credit_omr: 9 });
    await buy({ plan_id: "small", promo_code: `MORE-${run}`, tenant_id: `one-${run}` });
    const { json } = await buy({ tenant_id: `two-${run}` });
    expect(await ownOrders()).toEqual([
      expect.objectContaining({
        id: json.order_id,
        status: "pending",
        amount_baisa: 60_000,
        amount_omr: 60,
        credit_spent_baisa: 25_000,
        card_baisa: 35_000,
        session_url: json.session_url,
        promo_code: code,
      }),
      expect.objectContaining({ status: "paid", card_baisa: null, session_url: null }),
    ]);
    const token = await signToken(user);
    const page = await billing.ask("/billing/orders?limit=1", { token });
    const [, next] = /<(\?[^>]+)>/.exec(page.headers.get("link") ?? "") ?? [];
    const last = await billing.ask(`/billing/orders${next}`, { token });
    expect([page.json.length, last.json[0].status, last.headers.get("link")]).toEqual([1, "paid", null]);
    expect((await billing.ask("/billing/orders", { token: await signToken(`none-${run}`) })).json).toEqual(
      [],
    );
  });

  it.each([
    ["paid", { status: "complete", payment_status: "paid" }, PAID],
    ["left", { status: "expired" }, EXPIRED],
  ])(
    "settles the orders when the customer comes back and the page was %s",
    async (_what, change, expected) => {
      const { id } = await openSession();
      stripe.setSession(id, change);
      const before = stripe.asked.length;
      expect((await ownOrders())[0].status).toBe(expected.orders[0]);
      expect(await books()).toEqual(expected);
      await ownOrders();
      expect(stripe.asked.length - before).toBe(1);
    },
  );

  it.each(["balance", "subscription"])(
    "settles the orders for a client that reads only the %s",
    async (what) => {
      const { id } = await openSession();
      stripe.setSession(id, { status: "complete", payment_status: "paid" });
      const path = what === "balance" ? "/billing/balance" : `/billing/subscription/${user}-shop`;
      expect((await billing.ask(path, { token: await signToken(user) })).status).toBe(200);
      expect(await books()).toEqual(PAID);
    },
  );

  it("sends at most one request to Stripe in two seconds, and lists the orders while Stripe refuses", async () => {
    await openSession();
    stripe.fault = "unauthorized";
    const before = stripe.asked.length;
    const lists = await Promise.all([ownOrders(), ownOrders(), ownOrders()]);
    expect(lists.map(([order]) => order.status)).toEqual(["pending", "pending", "pending"]);
    expect(stripe.asked.length - before).toBe(1);
  });

  it("returns the customer to a URL with the order's id", async () => {
    const session = await openSession();
    expect([session.success_url, session.cancel_url]).toEqual([
      `https://omantel.omani.works/?checkout=paid&order_id=${session.client_reference_id}`,
      `https://omantel.omani.works/?checkout=cancelled&order_id=${session.client_reference_id}`,
    ]);
  });
});
