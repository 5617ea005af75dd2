import { beforeEach, describe, expect, it } from "vitest";
import { type Answer, FQDN, issueVoucher, placeOrder, signToken } from "../../../support/builder/billing.ts";
import {
  balance,
  billing,
  counter,
  redemptions,
  repeat,
  scalar,
  useOneBilling,
} from "../../../support/suite/one-billing.ts";

useOneBilling({ reconciled: true });

const statuses = (answers: Answer[]) => answers.map(({ status }) => status).sort();

let run = 0;
let code = "";
beforeEach(() => {
  run += 1;
  code = `CODE-${run}`;
});

describe("checkout", () => {
  it("writes redemption, counter, grant, order, spend, subscription and event in one transaction", async () => {
    await issueVoucher(billing, code);
    const answer = await placeOrder(billing, "salma", {
      addons: ["backup"],
      apps: ["wordpress"],
      promo_code: ` ${code.toLowerCase()} `,
    });
    expect(answer.json).toEqual({
      order_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      paid_by_credit: true,
      credit_balance: 14.5,
      credit_balance_baisa: 14_500,
    });
    const orderId = answer.json.order_id;
    const { rows } = await billing.database.pool.query(
      `SELECT p.times_redeemed, e.amount_baisa::int AS edge_baisa, e.order_id, e.issued_by, o.amount_omr, o.amount_baisa::int AS order_baisa,
              o.status, o.apps, o.addons, s.plan_id, s.price_baisa::int AS price,
              (SELECT jsonb_agg(jsonb_build_array(kind, amount_baisa, amount_omr) ORDER BY kind) FROM credit_ledger WHERE order_id = o.id::text) AS ledger
         FROM promo_codes p JOIN promo_redemptions e USING (code) JOIN orders o ON o.id = e.order_id JOIN subscriptions s ON s.order_id = o.id
        WHERE p.code = $1`,
      [code],
    );
    expect(rows).toEqual([
      {
        times_redeemed: 1,
        edge_baisa: 25_000,
        order_id: orderId,
        issued_by: "shared-secret:admin",
        amount_omr: 10,
        order_baisa: 10_500,
        status: "paid",
        apps: ["wordpress"],
        addons: ["backup"],
        plan_id: "small",
        price: 10_500,
        ledger: [
          ["grant", 25_000, 25],
          ["spend", -10_500, -10],
        ],
      },
    ]);
    const event = await scalar("SELECT payload FROM outbox WHERE event_id = $1", [orderId]);
    expect(event).toMatchObject({
      id: orderId,
      tenant_id: "salma-shop",
      promo_code: code,
      user_id: "salma",
      email: "salma@example.om",
      sovereign: FQDN,
      amount_baisa: 10_500,
    });
  });

  it("allows 10 of 64 customers to redeem a code with a limit of 10", async () => {
    await issueVoucher(billing, code, { max_redemptions: 10 });
    const answers = await repeat(64, (index) => placeOrder(billing, `cap-${index}`, { promo_code: code }));
    expect(statuses(answers)).toEqual([...Array(10).fill(200), ...Array(54).fill(410)]);
    expect([await counter(code), await redemptions(code)]).toEqual([10, 10]);
    // The refused customers left no rows.
    expect(await scalar("SELECT count(*)::int FROM customers WHERE user_id LIKE 'cap-%'")).toBe(10);
    expect(await scalar("SELECT count(*)::int FROM tenants WHERE tenant_id LIKE 'cap-%'")).toBe(10);
  });

  it("allows one of fifty requests of a customer to redeem a code", async () => {
    await issueVoucher(billing, code);
    const answers = await repeat(50, () => placeOrder(billing, "eager", { promo_code: code }));
    expect(statuses(answers)).toEqual([200, ...Array(49).fill(409)]);
    expect([await counter(code), await redemptions(code), await balance("eager")]).toEqual([1, 1, 16_000]);
  });

  it("spends a balance once when two orders arrive at the same time", async () => {
    await issueVoucher(billing, code, { credit_omr: 69 });
    expect((await placeOrder(billing, "twofold", { promo_code: code })).status).toBe(200);
    const answers = await repeat(2, () => placeOrder(billing, "twofold", { plan_id: "large" }));
    expect(statuses(answers)).toEqual([200, 503]);
    expect(await balance("twofold")).toBe(0);
  });

  it("creates one customer for two first checkouts at the same time", async () => {
    const answers = await repeat(8, () => placeOrder(billing, "newcomer", { plan_id: "free" }));
    expect(statuses(answers)).toEqual(Array(8).fill(200));
    expect(await scalar("SELECT count(*)::int FROM customers WHERE user_id = 'newcomer'")).toBe(1);
  });

  it("causes no deadlock when two customers redeem two codes in opposite order", async () => {
    const other = `${code}-B`;
    await issueVoucher(billing, code);
    await issueVoucher(billing, other);
    const answers = await repeat(40, (index) =>
      placeOrder(billing, `cross-${index % 4}`, { promo_code: (index >> 2) % 2 === 0 ? code : other }),
    );
    expect(statuses(answers)).toEqual([...Array(8).fill(200), ...Array(32).fill(409)]);
  });

  it.each([
    ["an unknown plan", 422, "plan_unknown", { plan_id: "nope" }],
    ["an unknown app", 422, "app_unknown", { apps: ["nope"] }],
    ["an unknown add-on", 422, "addon_unknown", { addons: ["nope"] }],
    ["an order that credit does not cover", 503, "payment_unavailable", { plan_id: "large" }],
    ["a foreign tenant", 403, "tenant_not_yours", { tenant_id: "taken" }],
  ])("consumes nothing for a checkout with %s", async (_what, status, problem, body) => {
    await placeOrder(billing, "owner", { plan_id: "free", tenant_id: "taken" });
    await issueVoucher(billing, code, { max_redemptions: 1 });
    const answer = await placeOrder(billing, `fails-${run}`, { promo_code: code, ...body });
    expect([answer.status, answer.json.code, answer.json.error]).toEqual([
      status,
      problem,
      answer.json.detail,
    ]);
    expect(answer.headers.get("content-type")).toContain("application/problem+json");
    expect([await counter(code), await redemptions(code)]).toEqual([0, 0]);
    expect(await scalar("SELECT count(*)::int FROM customers WHERE user_id = $1", [`fails-${run}`])).toBe(0);
  });

  it.each([
    ["never existed", 404, undefined],
    ["was revoked", 404, "revoke"],
    ["is inactive", 410, { active: false }],
    ["is capped", 410, { max_redemptions: 1 }],
    ["has expired", 410, { expires_at: "2020-01-01T00:00:00Z" }],
    ["has not begun", 410, { starts_at: "2999-01-01T00:00:00Z" }],
  ])("refuses a voucher that %s", async (_what, status, terms) => {
    if (terms !== undefined)
      await issueVoucher(billing, code, terms === "revoke" ? {} : (terms as Record<string, unknown>));
    if (terms === "revoke") {
      await billing.ask(`/billing/vouchers/revoke/${code}`, {
        method: "DELETE",
        token: await signToken("a", "superadmin"),
      });
    }
    await placeOrder(billing, "first", { promo_code: code });
    expect((await placeOrder(billing, "second", { promo_code: code })).status).toBe(status);
  });

  it("keeps the granted credit when the credit of the code changes later", async () => {
    await issueVoucher(billing, code);
    await placeOrder(billing, "early", { promo_code: code });
    await issueVoucher(billing, code, { credit_omr: 40 });
    await placeOrder(billing, "late", { promo_code: code });
    const { rows } = await billing.database.pool.query(
      "SELECT amount_baisa::int AS granted FROM promo_redemptions WHERE code = $1 ORDER BY created_at",
      [code],
    );
    expect(rows).toEqual([{ granted: 25_000 }, { granted: 40_000 }]);
  });

  it("treats a blank promo_code and null lists as absent", async () => {
    const answer = await placeOrder(billing, "blank", {
      plan_id: "free",
      promo_code: "  ",
      apps: null,
      addons: null,
    });
    expect(answer.status).toBe(200);
  });
});
