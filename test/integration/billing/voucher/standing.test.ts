import { beforeEach, describe, expect, it } from "vitest";
import {
  billing,
  issueVoucher,
  placeOrder,
  signToken,
  useBilling,
} from "../../../support/builder/billing.ts";

let run = 0;
let code = "";

useBilling();

beforeEach(() => {
  run += 1;
  code = `STANDING-${run}`;
});

async function rowsOf(sql: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
  return (await billing.database.pool.query(sql, values)).rows;
}

/** A row as the earlier service may have left it. */
async function adopt(adoptedCode: string, row: Record<string, unknown> = {}): Promise<void> {
  const columns = { code: adoptedCode, credit_omr: 5, adopted: true, ...row };
  await rowsOf(
    `INSERT INTO promo_codes (${Object.keys(columns).join(", ")}) VALUES (${Object.keys(columns)
      .map((_, index) => `$${index + 1}`)
      .join(", ")})`,
    Object.values(columns),
  );
}

const redeem = (name: string, promo: string, body: Record<string, unknown> = {}, headers = {}) =>
  placeOrder(billing, `${name}-${run}`, { plan_id: "free", promo_code: promo, ...body }, headers);
const preview = (promo: string) => billing.ask("/billing/vouchers/redeem-preview", { body: { code: promo } });
const revoke = async (promo: string) =>
  billing.ask(`/billing/vouchers/revoke/${encodeURIComponent(promo)}`, {
    method: "DELETE",
    token: await signToken("admin", "sovereign-admin"),
  });
const counterOf = async (promo: string) =>
  (await rowsOf("SELECT times_redeemed FROM promo_codes WHERE code = $1", [promo]))[0]?.times_redeemed;

const LARGEST_COUNT = 2_147_483_647;

describe("an adopted voucher", () => {
  it.each([
    ["no credit", { credit_omr: 0 }],
    ["a credit below zero", { credit_omr: -5 }],
    ["a null credit", { credit_omr: null }],
    ["a null in active", { active: null }],
    ["the largest possible counter", { times_redeemed: LARGEST_COUNT }],
    ["a cap that its counter has reached", { max_redemptions: 3, times_redeemed: 3 }],
    ["a cap that its counter has passed", { max_redemptions: 3, times_redeemed: 4 }],
  ])("treats an adopted voucher with %s as ended in the preview and at checkout", async (_what, row) => {
    await adopt(code, row);
    expect((await preview(code)).status).toBe(410);
    const answer = await redeem("comes", code);
    expect([answer.status, answer.json.code]).toEqual([410, "voucher_ended"]);
  });

  it("counts an adopted voucher without a counter from 0", async () => {
    await adopt(code, { times_redeemed: null });
    expect((await preview(code)).status).toBe(200);
    expect([(await redeem("a", code)).status, (await redeem("b", code)).status]).toEqual([200, 200]);
    expect(await counterOf(code)).toBe(2);
  });

  it("redeems an adopted voucher up to the largest counter", async () => {
    await adopt(code, { times_redeemed: LARGEST_COUNT - 1 });
    expect([(await redeem("last", code)).status, (await redeem("late", code)).status]).toEqual([200, 410]);
    expect(await counterOf(code)).toBe(LARGEST_COUNT);
  });

  it("uses the same one of two equal codes in the preview and at checkout", async () => {
    const created_at = "2025-01-01";
    const earlier = code.replace("STANDING", "Standing");
    await adopt(code.toLowerCase(), { created_at, credit_omr: 6 });
    await adopt(earlier, { created_at, credit_omr: 7 });
    expect((await preview(code)).json).toMatchObject({ code: earlier, credit_omr: 7 });
    expect((await redeem("twin", code)).json.credit_balance).toBe(7);
  });

  it("refuses a customer who has redeemed an equal code, also when that was revoked", async () => {
    await adopt(code, { credit_omr: 8 });
    await adopt(code.toLowerCase(), { credit_omr: 7 });
    expect((await redeem("greedy", code)).json.credit_balance).toBe(8);
    expect((await revoke(code)).status).toBe(200);
    const again = await redeem("greedy", code);
    expect([again.status, again.json.code]).toEqual([409, "already_redeemed"]);
    expect((await redeem("modest", code)).json.credit_balance).toBe(7);
  });
});

describe("a voucher's dates", () => {
  it.each([
    ["2026-03-01T00:00:00.000000Z", "live"],
    ["2026-02-28T23:59:59.999999Z", "scheduled"],
    ["2026-03-31T23:59:59.999999Z", "live"],
    ["2026-04-01T00:00:00.000000Z", "expired"],
  ])("include starts_at and exclude expires_at: at %s, the voucher is %s", async (at, standing) => {
    await issueVoucher(billing, code, {
      starts_at: "2026-03-01T00:00:00Z",
      expires_at: "2026-04-01T00:00:00Z",
    });
    expect(
      await rowsOf("SELECT billing_voucher_standing(p, $2) AS standing FROM promo_codes p WHERE code = $1", [
        code,
        at,
      ]),
    ).toEqual([{ standing }]);
  });
});

describe("a customer's credit", () => {
  const LARGEST = 9_007_199_254_740_991n;
  const balanceOf = async (name: string) =>
    (await rowsOf("SELECT balance_baisa AS baisa FROM customers WHERE user_id = $1", [`${name}-${run}`]))[0]
      ?.baisa;
  const adoptBalance = (name: string, baisa: bigint) =>
    rowsOf(
      "INSERT INTO customers (user_id, tenant_id, email, balance_baisa, balance_floor_baisa) VALUES ($1, '', '', $2, least($2::bigint, 0))",
      [`${name}-${run}`, String(baisa)],
    );

  it("limits a customer's credit to the largest exact amount", async () => {
    await adoptBalance("whale", LARGEST - 25_000n);
    await issueVoucher(billing, code);
    await issueVoucher(billing, `${code}-B`, { credit_omr: 1 });
    expect((await redeem("whale", code)).status).toBe(200);
    expect(await balanceOf("whale")).toBe(String(LARGEST));
    const beyond = await redeem("whale", `${code}-B`);
    expect([beyond.status, beyond.json.code]).toEqual([422, "balance_too_large"]);
    expect([await balanceOf("whale"), await counterOf(`${code}-B`)]).toEqual([String(LARGEST), 0]);
  });

  it("pays a debt from a voucher first, and lets an order spend only the remainder", async () => {
    await adoptBalance("debtor", -20_000n);
    await issueVoucher(billing, code);
    await issueVoucher(billing, `${code}-B`, { credit_omr: 29 });
    const refused = await redeem("debtor", code, { plan_id: "small" });
    expect([refused.status, refused.json.code]).toEqual([503, "payment_unavailable"]);
    expect([await balanceOf("debtor"), await counterOf(code)]).toEqual(["-20000", 0]);
    expect((await redeem("debtor", `${code}-B`, { plan_id: "small" })).json.credit_balance).toBe(0);
  });

  it("never restores a part of a debt that was paid", async () => {
    await adoptBalance("debtor", -100_000n);
    await issueVoucher(billing, code);
    expect((await redeem("debtor", code)).json.credit_balance).toBe(-75);
    await expect(
      rowsOf("UPDATE customers SET balance_baisa = balance_baisa - 1 WHERE user_id = $1", [`debtor-${run}`]),
    ).rejects.toMatchObject({ constraint: "customers_balance_check" });
  });
});

describe("a refusal of the voucher under an Idempotency-Key", () => {
  const key = () => ({ "Idempotency-Key": `key-${run}` });

  it("repeats the refusal after the voucher is active again", async () => {
    await issueVoucher(billing, code, { active: false });
    const refused = await redeem("keeps", code, {}, key());
    expect([refused.status, refused.json.code]).toEqual([410, "voucher_ended"]);
    await issueVoucher(billing, code);
    expect((await redeem("keeps", code, {}, key())).text).toBe(refused.text);
    expect((await redeem("keeps", code)).status).toBe(200);
  });

  it("repeats the refusal after the earlier redemption is removed", async () => {
    await issueVoucher(billing, code);
    await redeem("keeps", code);
    const refused = await redeem("keeps", code, {}, key());
    expect([refused.status, refused.json.code]).toEqual([409, "already_redeemed"]);
    await rowsOf("DELETE FROM promo_redemptions WHERE code = $1", [code]);
    expect((await redeem("keeps", code, {}, key())).text).toBe(refused.text);
  });
});
