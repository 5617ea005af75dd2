import { describe, expect, it } from "vitest";
import {
  issueVoucher,
  placeOrder,
  signToken,
  startBilling,
  useBillings,
} from "../../../support/builder/billing.ts";
import {
  billing,
  books,
  buy,
  cancelOrder,
  code,
  openSession,
  pay,
  rowsOf,
  run,
  stripe,
  useCardPayments,
  user,
} from "../../../support/builder/card-payment.ts";
import { SECRET_KEY } from "../../../support/server/stripe-server.ts";

useCardPayments();
const start = useBillings();

const accountOf = async () =>
  (await rowsOf("SELECT stripe_customer_id AS id FROM customers WHERE user_id = $1", [user]))[0]?.id;
const created = (since: number) =>
  stripe.asked.slice(since).map(({ idempotencyKey, fields }) => ({
    key: idempotencyKey,
    customer: fields.customer,
    email: fields.customer_email,
  }));

/** A customer whose Stripe account was stored with a payment, and then deleted at Stripe. */
async function loseAccount(): Promise<string> {
  await pay((await openSession()).id);
  const account = String(await accountOf());
  stripe.goneCustomers.add(account);
  return account;
}

describe("a refusal by Stripe that this service caused", () => {
  it("removes the id of a customer who is gone, and opens the session under a new key", async () => {
    const account = await loseAccount();
    const before = stripe.asked.length;
    const answer = await buy({ promo_code: "", plan_id: "small" });
    expect(answer.status).toBe(200);
    const { order_id: id } = answer.json;
    expect(created(before)).toEqual([
      { key: id, customer: account, email: undefined },
      { key: `${id}:2`, customer: undefined, email: `${user}@example.om` },
    ]);
    expect(await accountOf()).toBeNull();
    const { id: session } = stripe.sessionOf(id);
    await pay(session);
    expect([await accountOf(), (await books())?.orders]).toEqual([
      stripe.describe(session).customer,
      ["paid", "paid"],
    ]);
  });

  it("offers no portal to a customer who was deleted at Stripe", async () => {
    await loseAccount();
    const token = await signToken(user);
    for (let time = 0; time < 2; time += 1) {
      const answer = await billing.ask(`/billing/portal/${user}-shop`, { method: "POST", token });
      expect([answer.status, answer.json.code]).toEqual([404, "payment_account_missing"]);
    }
    expect(await accountOf()).toBeNull();
  });

  it("leaves out an address that Stripe refuses, and a text that is no address", async () => {
    stripe.refusedEmails.add(`${user}@example.om`);
    const before = stripe.asked.length;
    const { order_id: id } = (await buy()).json;
    expect(created(before)).toEqual([
      { key: id, customer: undefined, email: `${user}@example.om` },
      { key: `${id}:2`, customer: undefined, email: undefined },
    ]);
    await rowsOf("UPDATE customers SET email = ' not an address ' WHERE user_id = $1", [user]);
    const again = stripe.asked.length;
    const token = await signToken(user, "member", { email: "not an address" });
    const body = { plan_id: "small", tenant_id: `other-${run}` };
    const next = await billing.ask("/billing/checkout", { token, body });
    expect(created(again)).toEqual([{ key: next.json.order_id, customer: undefined, email: undefined }]);
  });

  it("repairs an account and an address one after the other", async () => {
    await loseAccount();
    stripe.refusedEmails.add(`${user}@example.om`);
    const answer = await buy({ promo_code: "", plan_id: "small" });
    const [session] = [stripe.sessionOf(answer.json.order_id)];
    expect([answer.status, session.customer, session.customer_email]).toEqual([200, undefined, undefined]);
  });

  it("spends less credit where the card would pay less than Stripe's minimum", async () => {
    await issueVoucher(billing, `LESS-${run}`, { credit_omr: 1 });
    stripe.minimumAmount = 300;
    const answer = await buy({ plan_id: "odd", promo_code: `LESS-${run}` });
    expect([answer.status, answer.json.credit_balance_baisa]).toEqual([200, 66]);
    const { id, ...session } = stripe.sessionOf(answer.json.order_id);
    expect(session["line_items[0][price_data][unit_amount]"]).toBe("300");
    await pay(id);
    expect(await books()).toMatchObject({ balance: 66, orders: ["paid"], subscriptions: 1 });
  });

  it("keeps the voucher redeemed when the rest of its credit was spent and the order is canceled", async () => {
    stripe.minimumAmount = 300;
    await issueVoucher(billing, `REST-${run}`, { credit_omr: 1, max_redemptions: 1 });
    const first = await buy({ plan_id: "odd", promo_code: `REST-${run}` });
    expect(first.json.credit_balance_baisa).toBe(66);
    const second = await buy({ plan_id: "small", promo_code: "", tenant_id: `second-${run}` });
    expect(second.json.credit_balance_baisa).toBe(0);
    await pay(stripe.sessionOf(second.json.order_id).id);
    expect((await cancelOrder(first.json.order_id)).status).toBe(200);
    // 934 baisa from the canceled order, and 6 that the card paid above the other one.
    expect(await books()).toMatchObject({ balance: 940, orders: ["canceled", "paid"] });
    expect(await rowsOf("SELECT times_redeemed FROM promo_codes WHERE code = $1", [`REST-${run}`])).toEqual([
      { times_redeemed: 1 },
    ]);
    const again = await buy({ plan_id: "odd", promo_code: `REST-${run}` });
    expect([again.status, again.json.code]).toEqual([409, "already_redeemed"]);
  });

  it("undoes the redemption when the rest of its credit was not spent", async () => {
    stripe.minimumAmount = 300;
    await issueVoucher(billing, `WHOLE-${run}`, { credit_omr: 1, max_redemptions: 1 });
    const { order_id } = (await buy({ plan_id: "odd", promo_code: `WHOLE-${run}` })).json;
    expect((await cancelOrder(order_id)).status).toBe(200);
    expect(await books()).toMatchObject({ balance: 0, orders: ["canceled"] });
    expect((await buy({ plan_id: "odd", promo_code: `WHOLE-${run}` })).status).toBe(200);
  });

  it("spends less credit until Stripe accepts, when its minimum is higher than the table's", async () => {
    // An account that is paid out in another currency has that currency's minimum.
    stripe.minimumAmount = 2_000;
    const key = { "Idempotency-Key": `raised-${run}` };
    const answer = await buy({ plan_id: "almost" }, key);
    expect([answer.status, answer.json.credit_balance_baisa]).toEqual([200, 3_000]);
    const { id, ...session } = stripe.sessionOf(answer.json.order_id);
    expect(session["line_items[0][price_data][unit_amount]"]).toBe("4000");
    expect((await buy({ plan_id: "almost" }, key)).text).toBe(answer.text);
    await pay(id);
    expect(await books()).toEqual({
      ...{ counter: 1, redemptions: 1, balance: 3_000, subscriptions: 1, events: 1 },
      orders: ["failed", "paid"],
    });
  });

  it("spends no credit and no voucher when Stripe is too slow for another try", async () => {
    stripe.minimumAmount = 26_000;
    const asked = stripe.asked.length;
    // On this clock, Stripe takes 10 seconds for each request.
    const now = () => new Date(Date.now() + (stripe.asked.length - asked) * 10_000);
    const slow = await start({
      ...{ database: billing.database, env: stripe.env, now },
      files: { CATALOG_FILE: { plans: [{ id: "almost", price_baisa: 26_000 }], addons: [], apps: [] } },
    });
    const refused = await placeOrder(slow, user, { plan_id: "almost", promo_code: code });
    expect([refused.status, refused.json.code]).toEqual([503, "payment_unavailable"]);
    expect(stripe.asked.length - asked).toBe(3);
    expect(await books()).toEqual({
      ...{ counter: 0, redemptions: 0, balance: 0, subscriptions: 0, events: 0 },
      orders: ["failed", "failed", "failed"],
    });
    expect((await buy({ plan_id: "almost" })).status).toBe(200);
  });

  it("lets the card pay the whole order at most, and then names the credit that is missing", async () => {
    await issueVoucher(billing, `BIT-${run}`, { credit_omr: 1 });
    stripe.minimumAmount = 1_240;
    const whole = await buy({ plan_id: "odd", promo_code: `BIT-${run}` });
    expect([whole.status, whole.json.credit_balance_baisa]).toEqual([200, 1_000]);
    expect((await cancelOrder(whole.json.order_id)).status).toBe(200);
    stripe.minimumAmount = 1_250;
    const refused = await buy({ plan_id: "odd", promo_code: `BIT-${run}` });
    expect([refused.status, refused.json.code, refused.json.detail]).toEqual([
      422,
      "card_amount_too_small",
      "the order costs less than the smallest card payment, and credit of 0.234 OMR is missing: redeem a voucher, or order more",
    ]);
    expect(await books()).toMatchObject({ balance: 0, subscriptions: 0, events: 0 });
  });

  it("names the missing credit of an order below the minimum, and consumes nothing", async () => {
    const answer = await buy({ plan_id: "tiny", promo_code: "" });
    expect([answer.status, answer.json.code, answer.json.detail]).toEqual([
      422,
      "card_amount_too_small",
      "the order costs less than the smallest card payment, and credit of 0.2 OMR is missing: redeem a voucher, or order more",
    ]);
    stripe.minimumAmount = 20_000;
    const refused = await buy({ plan_id: "small", promo_code: "" });
    expect([refused.status, refused.json.code, refused.json.detail]).toEqual([
      422,
      "card_amount_too_small",
      "the order costs less than the smallest card payment, and credit of 9 OMR is missing: redeem a voucher, or order more",
    ]);
    expect((await books())?.orders).toEqual(["failed"]);
  });
});

describe("a key in another key's place", () => {
  it.each([
    ["stripe_secret_key", "pk_live_1234567890", "must be a secret key, which begins with sk_ or rk_"],
    ["stripe_secret_key", "whsec_1234567890", "must be a secret key, which begins with sk_ or rk_"],
    ["stripe_webhook_secret", SECRET_KEY, "must be a webhook secret, which begins with whsec_"],
    ["stripe_public_key", SECRET_KEY, "must be a publishable key, which begins with pk_"],
  ])("refuses a key in another key's place: %s %s", async (name, value, rule) => {
    const settings = await startBilling({ database: billing.database });
    try {
      const token = await signToken("root", "superadmin");
      const answer = await settings.ask("/billing/admin/settings", {
        method: "PUT",
        token,
        body: { [name]: value },
      });
      expect([answer.status, answer.json.errors]).toEqual([400, [{ field: `/${name}`, rule }]]);
      expect(answer.text).not.toContain(value);
    } finally {
      await settings.close();
    }
  });
});
