import { describe, expect, it } from "vitest";
import { CATALOG, issueVoucher, placeOrder, useBillings } from "../../../support/builder/billing.ts";
import {
  billing,
  books,
  buy,
  code,
  openSession,
  PENDING,
  pay,
  rowsOf,
  run,
  statusAt,
  stripe,
  tell,
  useCardPayments,
  user,
} from "../../../support/builder/card-payment.ts";
import { eventually } from "../../../support/wait.ts";

useCardPayments();
const start = useBillings();

/** Voucher codes of this test. */
const named = (name: string) => `${name}-${run}`;
const changeVoucher = (body: Record<string, unknown>) =>
  issueVoucher(billing, named("OTHER"), { credit_omr: 25, max_redemptions: 1, ...body });

/** Reasons for which the order in place of an unpaid one is refused, all of which are known before its session is closed. */
const REFUSALS: [string, number, string, Record<string, unknown>, () => Promise<unknown>][] = [
  ["its plan is unknown", 422, "plan_unknown", { plan_id: "none" }, async () => {}],
  ["its add-on is unknown", 422, "addon_unknown", { addons: ["none"] }, async () => {}],
  ["its app is unknown", 422, "app_unknown", { apps: ["none"] }, async () => {}],
  ["its voucher is unknown", 404, "voucher_not_found", { promo_code: "NO-SUCH" }, async () => {}],
  [
    "its voucher is used up",
    410,
    "voucher_ended",
    { promo_code: "OTHER" },
    async () => {
      await changeVoucher({});
      await placeOrder(billing, named("faster"), { plan_id: "small", promo_code: named("OTHER") });
    },
  ],
  [
    "its voucher's cap is lower by now than the places that are taken without it",
    410,
    "voucher_ended",
    { addons: ["backup"] },
    async () => {
      await issueVoucher(billing, code, { credit_omr: 25, max_redemptions: 2 });
      await placeOrder(billing, named("faster"), { plan_id: "small", promo_code: code });
      await issueVoucher(billing, code, { credit_omr: 25, max_redemptions: 1 });
    },
  ],
  [
    "its voucher is paused",
    410,
    "voucher_ended",
    { promo_code: "OTHER" },
    () => changeVoucher({ active: false }),
  ],
  [
    "its voucher has not begun",
    410,
    "voucher_not_started",
    { promo_code: "OTHER" },
    () => changeVoucher({ starts_at: "2999-01-01T00:00:00Z" }),
  ],
  [
    "its customer has redeemed the voucher before",
    409,
    "already_redeemed",
    { promo_code: "OTHER" },
    async () => {
      await changeVoucher({});
      const elsewhere = { plan_id: "small", promo_code: named("OTHER"), tenant_id: named("else") };
      expect((await buy(elsewhere)).json.paid_by_credit).toBe(true);
    },
  ],
  [
    "it costs less than the smallest card payment, and the credit was the first order's",
    422,
    "card_amount_too_small",
    { plan_id: "tiny", promo_code: "" },
    async () => {},
  ],
];

describe("an unpaid order whose replacement is refused", () => {
  it.each(REFUSALS)(
    "keeps its page, its voucher and its credit when %s",
    async (_why, status, problem, body, prepare) => {
      const { id } = await openSession();
      await prepare();
      const before = await books();
      const promo = body.promo_code === "OTHER" ? { promo_code: named("OTHER") } : {};
      const refused = await buy({ ...body, ...promo });
      expect([refused.status, refused.json.code]).toEqual([status, problem]);
      expect([statusAt(id), await books()]).toEqual(["open", before]);
      await pay(id);
      expect((await books())?.orders).toContain("paid");
    },
  );

  it("names the missing credit as it would be without the first order", async () => {
    await openSession();
    const { json } = await buy({ plan_id: "tiny", promo_code: "" });
    expect(json.detail).toBe(
      "the order costs less than the smallest card payment, and credit of 0.2 OMR is missing: redeem a voucher, or order more",
    );
  });

  it("is replaced by a tiny order with the same voucher", async () => {
    const { id } = await openSession();
    const next = await buy({ plan_id: "tiny" });
    expect([next.json.paid_by_credit, statusAt(id)]).toEqual([true, "expired"]);
  });

  it("keeps its page when the catalog is down", async () => {
    const { id } = await openSession();
    const other = await start({
      database: billing.database,
      env: { ...stripe.env, CATALOG_FILE: "", CATALOG_URL: "http://127.0.0.1:1" },
    });
    const refused = await placeOrder(other, user, { plan_id: "small", tenant_id: `${user}-shop` });
    expect([refused.status, refused.json.code]).toEqual([503, "catalog_unavailable"]);
    expect([statusAt(id), await books()]).toEqual(["open", PENDING]);
  });

  it("keeps its page when card payments were switched off, and credit does not cover the other order", async () => {
    const { id } = await openSession();
    const other = await start({ database: billing.database, files: { CATALOG_FILE: CATALOG } });
    const refused = await placeOrder(other, user, { plan_id: "small", tenant_id: `${user}-shop` });
    expect([refused.status, refused.json.code]).toEqual([503, "payment_unavailable"]);
    expect([statusAt(id), await books()]).toEqual(["open", PENDING]);
  });

  it("keeps its page when the other order is for a tenant of another customer", async () => {
    const tenant = named("owned");
    await issueVoucher(billing, named("RICH"), { credit_omr: 60 });
    await placeOrder(billing, named("owner"), {
      plan_id: "large",
      promo_code: named("RICH"),
      tenant_id: tenant,
    });
    const { id } = await openSession();
    const refused = await buy({ plan_id: "small", tenant_id: tenant });
    expect([refused.status, refused.json.code]).toEqual([403, "tenant_not_yours"]);
    expect([statusAt(id), await books()]).toEqual(["open", PENDING]);
  });
});

describe("an unpaid order whose replacement fails after its session was closed", () => {
  it("is canceled with its credit released when another customer is faster to the voucher's last place", async () => {
    const { id, client_reference_id: orderId } = await openSession();
    stripe.delayMs = 1_500;
    const next = buy({ addons: ["backup"] });
    await eventually(async () =>
      expect(await rowsOf("SELECT FROM orders WHERE id = $1 AND cancel_requested", [orderId])).toHaveLength(
        1,
      ),
    );
    // Stripe's event about the expired session releases the order before the process has Stripe's answer.
    stripe.setSession(id, { status: "expired" });
    await tell("checkout.session.expired", id);
    const faster = await placeOrder(billing, named("faster"), { plan_id: "small", promo_code: code });
    expect(faster.json.paid_by_credit).toBe(true);
    const late = await next;
    expect([late.status, late.json.code]).toEqual([410, "voucher_ended"]);
    expect(await books()).toMatchObject({ counter: 1, redemptions: 1, balance: 0, orders: ["canceled"] });
  });

  it("is canceled with its credit released when Stripe refuses the new session", async () => {
    const { id } = await openSession();
    stripe.fault = "refuse-new";
    const refused = await buy({ addons: ["backup"] });
    expect([refused.status, refused.json.code, statusAt(id)]).toEqual([502, "payment_refused", "expired"]);
    expect(await books()).toMatchObject({
      counter: 0,
      redemptions: 0,
      balance: 0,
      orders: ["canceled", "failed"],
    });
    stripe.fault = "none";
    expect((await buy()).status).toBe(200);
  });
});
