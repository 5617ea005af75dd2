import { describe, expect, it } from "vitest";
import { issueVoucher, placeOrder } from "../../../support/builder/billing.ts";
import { admin, billing, preview, revoke, useOneBilling } from "../../../support/suite/one-billing.ts";

useOneBilling({ reconciled: true });

const DAY_MS = 86_400_000;
const inDays = (days: number) => new Date(Date.now() + days * DAY_MS).toISOString();

interface Case {
  terms: Record<string, unknown>;
  /** The action on the voucher after its issue. */
  afterwards?: "redeem" | "revoke";
  preview: number;
  checkout: [number, string | undefined];
  page: string;
}

const ENDED = { preview: 410, checkout: [410, "voucher_ended"], page: "ended" } as const;
const CASES: Record<string, Case> = {
  live: { terms: {}, preview: 200, checkout: [200, undefined], page: "offer" },
  scheduled: {
    terms: { starts_at: inDays(1), expires_at: inDays(2) },
    preview: 410,
    checkout: [410, "voucher_not_started"],
    page: "scheduled",
  },
  paused: { terms: { active: false, starts_at: inDays(1) }, ...ENDED, checkout: [410, "voucher_ended"] },
  used_up: {
    terms: { max_redemptions: 1 },
    afterwards: "redeem",
    ...ENDED,
    checkout: [410, "voucher_ended"],
  },
  expired: {
    terms: { starts_at: inDays(-2), expires_at: inDays(-1) },
    ...ENDED,
    checkout: [410, "voucher_ended"],
  },
  revoked: {
    terms: {},
    afterwards: "revoke",
    preview: 404,
    checkout: [404, "voucher_not_found"],
    page: "not-valid",
  },
};

const list = async (query: string): Promise<{ code: string; standing: string }[]> =>
  (await billing.ask(`/billing/vouchers/list?${query}`, { token: admin })).json;

describe("a voucher's standing", () => {
  it.each(Object.entries(CASES))(
    "is %s in preview, checkout, page, list and for administrators alike",
    async (standing, { terms, afterwards, preview: status, checkout, page }) => {
      const code = `STANDS-${standing.toUpperCase()}`;
      await issueVoucher(billing, code, terms);
      if (afterwards === "redeem") await placeOrder(billing, "first", { plan_id: "free", promo_code: code });
      if (afterwards === "revoke") await revoke(code);

      expect((await preview(code)).status).toBe(status);
      const order = await placeOrder(billing, `buyer-${standing}`, { plan_id: "free", promo_code: code });
      expect([order.status, order.json.code]).toEqual(checkout);
      const shown = await billing.ask(`/redeem?code=${code}`);
      expect(shown.status).toBe(status);
      expect(shown.text).toContain(`<main data-state="${page}">`);
      const read = await billing.ask(`/billing/vouchers/read/${code}`, { token: admin });
      expect(read.json.standing).toBe(standing);
      for (const other of Object.keys(CASES)) {
        const codes = (await list(`standing=${other}`)).map((voucher) => voucher.code);
        expect([other, codes.includes(code)]).toEqual([other, other === standing]);
      }
      const all = (await list("")).find((voucher) => voucher.code === code);
      expect(all?.standing).toBe(standing === "revoked" ? undefined : standing);
    },
  );

  it("keeps the five members of the preview, also before the voucher begins", async () => {
    await issueVoucher(billing, "FIVE-MEMBERS", { starts_at: inDays(1) });
    expect((await preview("FIVE-MEMBERS")).json).toEqual({
      code: "FIVE-MEMBERS",
      credit_omr: 25,
      description: "offer",
      active: true,
      accepting_redemptions: false,
    });
  });

  it("explains on the page when a voucher begins, and how long it lasts", async () => {
    const starts_at = "2098-03-01T08:30:00.000Z";
    await issueVoucher(billing, "BEGINS", { starts_at });
    const begins = await billing.ask("/redeem?code=BEGINS&lang=en");
    expect(begins.text).toContain(`<time datetime="${starts_at}">March 1, 2098 at 8:30 AM UTC`);
    expect(begins.text).not.toMatch(/ended/i);
    await issueVoucher(billing, "LASTS", { expires_at: "2099-12-31T19:59:00.000Z" });
    const lasts = await billing.ask("/redeem?code=LASTS&lang=en");
    expect(lasts.text).toContain(
      'Valid until <time datetime="2099-12-31T19:59:00.000Z">December 31, 2099 at 7:59 PM UTC',
    );
  });

  it("accepts a repeated checkout after the voucher has begun, although the first one was refused", async () => {
    await issueVoucher(billing, "SOON", { starts_at: inDays(1) });
    const headers = { "Idempotency-Key": "early-bird" };
    const body = { plan_id: "free", promo_code: "SOON" };
    expect((await placeOrder(billing, "early", body, headers)).json.code).toBe("voucher_not_started");
    await issueVoucher(billing, "SOON", { starts_at: inDays(-1) });
    expect((await placeOrder(billing, "early", body, headers)).status).toBe(200);
  });

  it("refuses an unknown standing as a filter", async () => {
    const answer = await billing.ask("/billing/vouchers/list?standing=dead", { token: admin });
    expect([answer.status, answer.json.errors]).toEqual([
      400,
      [
        {
          field: "standing",
          rule: "must be one of scheduled, live, paused, used_up, expired, revoked",
        },
      ],
    ]);
  });
});
