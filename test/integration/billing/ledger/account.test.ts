import { createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import { FQDN, issueVoucher, placeOrder, signToken, useBillings } from "../../../support/builder/billing.ts";
import { admin, billing, superadmin, useOneBilling } from "../../../support/suite/one-billing.ts";

const start = useBillings();

useOneBilling();

describe("account and administration", () => {
  it("shows zeros to an unknown customer and decimals to a known one", async () => {
    expect((await billing.ask("/billing/balance", { token: await signToken("nobody") })).json).toEqual({
      credit_omr: 0,
      credit_baisa: 0,
      entries: [],
    });
    await issueVoucher(billing, "BALANCE");
    const { json } = await placeOrder(billing, "known", { promo_code: "BALANCE", addons: ["backup"] });
    expect((await billing.ask("/billing/balance", { token: await signToken("known") })).json).toEqual({
      credit_omr: 14.5,
      credit_baisa: 14_500,
      entries: expect.arrayContaining([
        {
          id: expect.any(String),
          amount_omr: -10.5,
          amount_baisa: -10_500,
          reason: expect.any(String),
          order_id: json.order_id,
          created_at: expect.any(String),
        },
        {
          id: expect.any(String),
          amount_omr: 25,
          amount_baisa: 25_000,
          reason: "voucher BALANCE",
          order_id: json.order_id,
          created_at: expect.any(String),
        },
      ]),
    });
  });

  it("shows a tenant's subscription and invoices only to its customer", async () => {
    await placeOrder(billing, "mine", { plan_id: "free", tenant_id: "my-shop" });
    const [mine, yours] = [await signToken("mine"), await signToken("yours")];
    expect((await billing.ask("/billing/subscription/my-shop", { token: mine })).json).toMatchObject({
      tenant_id: "my-shop",
      plan_id: "free",
      status: "active",
    });
    expect((await billing.ask("/billing/invoices/my-shop", { token: mine })).text).toBe("[]");
    expect((await billing.ask("/billing/portal/my-shop", { method: "POST", token: mine })).status).toBe(503);
    for (const [method, path] of [
      ["GET", "subscription"],
      ["GET", "invoices"],
      ["POST", "portal"],
    ] as const) {
      const foreign = await billing.ask(`/billing/${path}/my-shop`, { method, token: yours });
      const absent = await billing.ask(`/billing/${path}/no-shop`, { method, token: yours });
      expect([foreign.status, foreign.text]).toEqual([404, absent.text]);
    }
  });

  it("shows orders and revenue with the Sovereign's name", async () => {
    const one = await start({});
    await issueVoucher(one, "REV");
    await placeOrder(one, "a", { promo_code: "REV", tenant_id: "a-1" });
    await placeOrder(one, "a", { tenant_id: "a-2", addons: ["backup"] });
    await one.ask("/billing/vouchers/revoke/REV", { method: "DELETE", token: admin });
    const orders = (await one.ask("/billing/admin/orders", { token: superadmin })).json;
    expect(orders).toHaveLength(2);
    expect(orders[0]).toMatchObject({
      amount_omr: 10.5,
      amount_baisa: 10_500,
      sovereign: FQDN,
      promo_code: "",
      promo_deleted: false,
      apps: [],
      addons: ["backup"],
      stripe_session_id: "",
    });
    expect(orders[1]).toMatchObject({
      amount_omr: 9,
      promo_code: "REV",
      promo_deleted: true,
      sovereign: FQDN,
    });
    expect((await one.ask("/billing/admin/revenue", { token: superadmin })).json).toEqual({
      total_mrr: 19.5,
      total_mrr_baisa: 19_500,
      total_customers: 1,
      new_this_month: 1,
      active_subscriptions: 2,
      sovereign: FQDN,
    });
  });

  it("never returns payment keys, and keeps settings that a request leaves out or empty", async () => {
    const one = await start({});
    const put = (body: object) =>
      one.ask("/billing/admin/settings", { method: "PUT", token: superadmin, body });
    await put({
      stripe_secret_key: "sk_live_aaaabbbb1234",
      stripe_webhook_secret: "whsec_aaaabbbb5678",
      stripe_public_key: "pk_live_1",
    });
    const kept = await put({ stripe_secret_key: "", stripe_public_key: "pk_live_2" });
    expect(kept.json).toEqual({
      stripe_secret_key_configured: true,
      stripe_secret_key_last4: "1234",
      stripe_webhook_secret_configured: true,
      stripe_webhook_secret_last4: "5678",
      stripe_public_key: "pk_live_2",
      updated_at: expect.any(String),
    });
    expect(kept.text).not.toMatch(/sk_live_a|whsec_a/);
    const event = JSON.stringify({ id: "evt_9", type: "account.updated", data: { object: {} } });
    const at = Math.floor(Date.now() / 1000);
    const sign = (secret: string, t = at) => ({
      "stripe-signature": `t=${t},v1=${createHmac("sha256", secret).update(`${t}.${event}`).digest("hex")}`,
    });
    const deliver = (headers: Record<string, string>) => one.ask("/billing/webhook", { raw: event, headers });
    expect((await deliver(sign("whsec_aaaabbbb5678"))).status).toBe(200);
    expect((await deliver(sign("whsec_aaaabbbb5678"))).status).toBe(200);
    expect((await deliver(sign("whsec_other"))).status).toBe(400);
    expect((await deliver(sign("whsec_aaaabbbb5678", at - 900))).status).toBe(400);
    expect((await deliver({})).status).toBe(400);
    expect(
      (await one.database.pool.query("SELECT count(*)::int AS n FROM stripe_webhook_events")).rows,
    ).toEqual([{ n: 1 }]);
    expect((await billing.ask("/billing/webhook", { raw: event, headers: sign("x") })).status).toBe(503);
  });
});
