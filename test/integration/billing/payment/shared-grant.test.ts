import { beforeEach, describe, expect, it } from "vitest";
import { issueVoucher, reconcile } from "../../../support/builder/billing.ts";
import {
  billing,
  books,
  buy,
  cancelOrder,
  orphan,
  rowsOf,
  run,
  statusAt,
  stripe,
  tell,
  undoOrder,
  useCardPayments,
  user,
} from "../../../support/builder/card-payment.ts";
import { eventually } from "../../../support/wait.ts";

useCardPayments();

let one = "";

beforeEach(async () => {
  one = `ONE-${run}`;
  await issueVoucher(billing, one, { credit_omr: 1, max_redemptions: 1 });
});

/** An order of 1.234 with a voucher of 1: the card pays the minimum of 300 baisa, and 66 baisa of the voucher stay free. */
const first = () => buy({ plan_id: "odd", promo_code: one });
const restSpender = () => buy({ plan_id: "small", promo_code: "", tenant_id: `rest-${user}` });
const balance = async () => (await books())?.balance;
/** Whether the voucher is redeemed, by counter and redemptions. */
const redeemed = async (code = one) =>
  rowsOf(
    `SELECT times_redeemed AS counter, (SELECT count(*)::int FROM promo_redemptions e WHERE e.code = p.code) AS redemptions
       FROM promo_codes p WHERE code = $1`,
    [code],
  );
const KEPT = [{ counter: 1, redemptions: 1 }];
const FREE = [{ counter: 0, redemptions: 0 }];
const adoptDebt = (baisa: number) =>
  rowsOf(
    `WITH c AS (INSERT INTO customers (user_id, tenant_id, email, balance_baisa, balance_floor_baisa) VALUES ($1, '', '', $2, $2) RETURNING id)
     INSERT INTO credit_ledger (customer_id, amount_omr, amount_baisa, reason, adopted) SELECT id, $2 / 1000, $2, 'spend', true FROM c`,
    [user, baisa],
  );
/** With the 66 baisa of the voucher, this credit covers the plan "tiny". */
const addGift = () =>
  rowsOf(
    `WITH c AS (UPDATE customers SET balance_baisa = balance_baisa + 134 WHERE user_id = $1 RETURNING id)
     INSERT INTO credit_ledger (customer_id, amount_omr, amount_baisa, reason, adopted) SELECT id, 0, 134, 'gift', true FROM c`,
    [user],
  );

describe("a voucher's credit that two orders share", () => {
  it.each([
    ["is canceled", (id: unknown) => cancelOrder(id)],
    [
      "is canceled at Stripe after its request was stored",
      async (id: unknown) => {
        await rowsOf("UPDATE orders SET cancel_requested = true WHERE id = $1", [id]);
        await tell("checkout.session.expired", stripe.sessionOf(String(id)).id);
      },
    ],
    [
      "is replaced",
      () => buy({ plan_id: "large", promo_code: "" }).then(({ json }) => cancelOrder(json.order_id)),
    ],
  ])("stays the customer's when the first order %s", async (_what, end) => {
    const { json } = await first();
    await restSpender();
    expect(await balance()).toBe(0);
    await end(json.order_id);
    expect([await balance(), await redeemed()]).toEqual([934, KEPT]);
    const again = await first();
    expect([again.status, again.json.code]).toEqual([409, "already_redeemed"]);
    expect(await reconcile(billing)).toEqual([]);
  });

  it("stays the customer's when the first order is undone after a crash", async () => {
    const id = await orphan({ plan_id: "odd", promo_code: one });
    await restSpender();
    expect(await undoOrder(id)).toBe(true);
    expect([await balance(), await redeemed()]).toEqual([934, KEPT]);
  });

  it("stays the customer's when Stripe refuses the first order after the rest was spent", async () => {
    stripe.delayMs = 1_500;
    const refused = buy({ plan_id: "odd", promo_code: one });
    await eventually(async () => expect(await balance()).toBe(66));
    stripe.fault = "refuse";
    // Credit covers this order, so it needs no session.
    await addGift();
    expect((await buy({ plan_id: "tiny", promo_code: "", tenant_id: `rest-${user}` })).status).toBe(200);
    expect((await refused).status).toBe(502);
    expect([await balance(), await redeemed()]).toEqual([934, KEPT]);
  });

  it("is undone when the order that spent the rest has ended", async () => {
    const { json } = await first();
    const rest = await restSpender();
    await cancelOrder(rest.json.order_id);
    await cancelOrder(json.order_id);
    expect([await balance(), await redeemed()]).toEqual([0, FREE]);
    expect((await first()).status).toBe(200);
  });

  it("is undone when other credit covers what the customer spent", async () => {
    const { json } = await first();
    await restSpender();
    const two = `TWO-${run}`;
    await issueVoucher(billing, two, { credit_omr: 2 });
    await buy({ plan_id: "odd", promo_code: two, tenant_id: `third-${user}` });
    await cancelOrder(json.order_id);
    expect([await balance(), await redeemed()]).toEqual([700, FREE]);
  });

  it("does not end the first order for another one with the same voucher", async () => {
    const { json } = await first();
    await restSpender();
    const next = await buy({ plan_id: "large", promo_code: one });
    expect([next.status, next.json.code]).toEqual([409, "already_redeemed"]);
    expect(statusAt(stripe.sessionOf(json.order_id).id)).toBe("open");
    const without = await buy({ plan_id: "large", promo_code: "" });
    expect([without.status, without.json.credit_balance_baisa]).toEqual([200, 0]);
    expect(statusAt(stripe.sessionOf(json.order_id).id)).toBe("expired");
  });

  it("is free again for an order that replaces both orders", async () => {
    const { json } = await first();
    const rest = await restSpender();
    const next = await buy({ plan_id: "large", promo_code: one, tenant_id: `rest-${user}` });
    expect(next.status).toBe(200);
    const ended = [json.order_id, rest.json.order_id].map((id) => statusAt(stripe.sessionOf(id).id));
    expect([ended, await balance(), await redeemed()]).toEqual([["expired", "expired"], 0, KEPT]);
    await cancelOrder(next.json.order_id);
    expect([await balance(), await redeemed()]).toEqual([0, FREE]);
    expect(await reconcile(billing)).toEqual([]);
  });

  it("ends neither of two orders when a third one has spent the credit", async () => {
    const { json } = await first();
    await addGift();
    const paid = await buy({ plan_id: "tiny", promo_code: "", tenant_id: `third-${user}` });
    expect(paid.json.paid_by_credit).toBe(true);
    const rest = await restSpender();
    const next = await buy({ plan_id: "large", promo_code: one, tenant_id: `rest-${user}` });
    expect([next.status, next.json.code]).toEqual([409, "already_redeemed"]);
    const pages = [json.order_id, rest.json.order_id].map((id) => statusAt(stripe.sessionOf(id).id));
    expect([pages, await redeemed()]).toEqual([["open", "open"], KEPT]);
  });

  it("stays when an order that reserved none of it is canceled", async () => {
    await adoptDebt(-930);
    const kept = await buy({ plan_id: "minimum", promo_code: one });
    expect(kept.json.credit_balance_baisa).toBe(70);
    await restSpender();
    await cancelOrder(kept.json.order_id);
    expect([await balance(), await redeemed()]).toEqual([0, KEPT]);
    expect(await reconcile(billing)).toEqual([]);
  });

  it("stays when an earlier debt was paid off before", async () => {
    await adoptDebt(-5_000);
    const ten = `TEN-${run}`;
    await issueVoucher(billing, ten, { credit_omr: 10 });
    const paying = await buy({ plan_id: "medium", promo_code: ten, tenant_id: `paid-${user}` });
    expect([paying.json.paid_by_credit, await balance()]).toEqual([true, 0]);
    const { json } = await first();
    await restSpender();
    await cancelOrder(json.order_id);
    expect([await balance(), await redeemed()]).toEqual([934, KEPT]);
    expect((await first()).json.code).toBe("already_redeemed");
    expect(await reconcile(billing)).toEqual([]);
  });

  it("stays when another voucher paid the earlier debt off after it was granted", async () => {
    await adoptDebt(-800);
    const two = `TWO-${run}`;
    await issueVoucher(billing, two, { credit_omr: 1 });
    const kept = await buy({ plan_id: "minimum", promo_code: one });
    const rest = await restSpender();
    expect([kept.json.credit_balance_baisa, rest.json.credit_balance_baisa]).toEqual([200, 0]);
    // Without the first voucher, the second pays the debt off, and leaves nothing for the order before.
    await buy({ plan_id: "tiny", promo_code: two, tenant_id: `b-${user}` });
    await cancelOrder(kept.json.order_id);
    expect([await balance(), await redeemed()]).toEqual([800, KEPT]);
    expect(await reconcile(billing)).toEqual([]);
  });

  it.each([
    ["the first order first", [0, 1]],
    ["the second order first", [1, 0]],
  ])("is undone as a whole, and an earlier debt is restored: %s", async (_what, sequence) => {
    await adoptDebt(-500);
    const two = `TWO-${run}`;
    await issueVoucher(billing, two, { credit_omr: 1 });
    const orders = [await first(), await buy({ plan_id: "odd", promo_code: two, tenant_id: `b-${user}` })];
    for (const index of sequence) await cancelOrder(orders[index]?.json.order_id);
    expect([await balance(), await redeemed(), await redeemed(two)]).toEqual([-500, FREE, FREE]);
  });

  it.each([
    ["the rest is spent first", ["spend", "cancel"], [934, KEPT]],
    ["the cancel comes first", ["cancel", "spend"], [0, FREE]],
  ])(
    "agrees with the books when both requests wait for the customer's lock and %s",
    async (_what, sequence, expected) => {
      const { json } = await first();
      const { id } = stripe.sessionOf(json.order_id);
      const holder = await billing.database.pool.connect();
      await holder.query("BEGIN");
      await holder.query("SELECT FROM customers WHERE user_id = $1 FOR UPDATE", [user]);
      const answers: Promise<{ status: number }>[] = [];
      for (const request of sequence) {
        answers.push(request === "spend" ? restSpender() : cancelOrder(json.order_id));
        // The waiting transactions get the lock in the order in which they asked for it.
        await eventually(async () =>
          expect((await rowsOf("SELECT FROM pg_locks WHERE NOT granted")).length).toBe(answers.length),
        );
      }
      await holder.query("COMMIT");
      holder.release();
      expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200]);
      expect([await balance(), await redeemed(), statusAt(id)]).toEqual([...expected, "expired"]);
      expect(await reconcile(billing)).toEqual([]);
    },
  );
});
