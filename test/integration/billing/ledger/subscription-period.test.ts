import { describe, expect, it } from "vitest";
import { placeOrder, signToken } from "../../../support/builder/billing.ts";
import { billing, code, rowsOf, useCardPayments, user } from "../../../support/builder/card-payment.ts";

useCardPayments();

describe("a subscription whose period has passed", () => {
  const status = async () =>
    (await billing.ask(`/billing/subscription/${user}-shop`, { token: await signToken(user) })).json.status;
  const active = async () =>
    (await billing.ask("/billing/admin/revenue", { token: await signToken("root", "superadmin") })).json
      .active_subscriptions;
  const change = (set: string) =>
    rowsOf(
      `UPDATE subscriptions s SET ${set} FROM customers c WHERE c.id = s.customer_id AND c.user_id = $1`,
      [user],
    );
  const OURS = "stripe_subscription_id = NULL, stripe_event_at = NULL";
  const theirs = (event: string) =>
    `stripe_subscription_id = 'sub_${event.length}', stripe_event_at = ${event}`;

  it.each<[string, string, string, string]>([
    ["its month runs", OURS, "now() + interval '1 minute'", "active"],
    ["its month has passed", OURS, "now()", "expired"],
    [
      "Stripe runs it and may still report its renewal",
      theirs("now()"),
      "now() - interval '71 hours'",
      "active",
    ],
    ["Stripe has not renewed it", theirs("now() "), "now() - interval '73 hours'", "expired"],
    ["Stripe runs it and never sent its period", theirs("NULL"), "now() - interval '1 year'", "active"],
    ["its period is not known", OURS, "NULL", "active"],
  ])("returns the status of a subscription by its period when %s", async (_when, owner, end, expected) => {
    const before = await active();
    const placed = await placeOrder(billing, user, { plan_id: "small", promo_code: code });
    expect(placed.status).toBe(200);
    await change(`${owner}, current_period_end = ${end}`);
    expect(await status()).toBe(expected);
    expect((await active()) - before).toBe(expected === "active" ? 1 : 0);
  });

  it("leaves out an ended subscription while the tenant has another that still runs", async () => {
    await placeOrder(billing, user, { plan_id: "small", promo_code: code });
    await placeOrder(billing, user, { plan_id: "small" });
    await change(
      "current_period_end = CASE WHEN s.id = (SELECT max(id::text)::uuid FROM subscriptions) THEN now() ELSE s.current_period_end END",
    );
    expect(await status()).toBe("active");
  });
});
