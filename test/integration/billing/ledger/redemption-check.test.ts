import { describe, expect, it } from "vitest";
import { issueVoucher, placeOrder, reconcile } from "../../../support/builder/billing.ts";
import {
  billing,
  kinds,
  query,
  revoke,
  unguarded,
  useAuditTrail,
} from "../../../support/suite/audit-trail.ts";

useAuditTrail();

const hourFromNow = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString();
const byHand = (terms: string) => query(`UPDATE promo_codes SET ${terms} WHERE code = 'ONE'`);

async function redeem(user = "salma"): Promise<void> {
  const { status, text } = await placeOrder(billing, user, { plan_id: "free", promo_code: "ONE" });
  expect(status, text).toBe(200);
}

/** As if the checkouts had been an hour after the changes of the vouchers. */
const anHourLater = () =>
  unguarded("UPDATE promo_redemptions SET created_at = created_at + interval '1 hour'");

/** Changes a voucher by hand, redeems it, and changes it back. */
async function redeemWith(changed: string, restored: string): Promise<void> {
  await byHand(changed);
  await redeem();
  await byHand(restored);
}

describe("a redemption against the terms that the audit shows at its time", () => {
  it.each<[what: string, prepare: () => Promise<unknown>]>([
    [
      "of a credit that the voucher had only earlier",
      async () => {
        await issueVoucher(billing, "ONE", { credit_omr: 900 });
        await issueVoucher(billing, "ONE");
        await redeemWith("credit_omr = 900", "credit_omr = 25");
      },
    ],
    [
      "beyond the cap",
      async () => {
        await issueVoucher(billing, "ONE", { max_redemptions: 1 });
        await redeem("noor");
        await redeemWith("max_redemptions = 0", "max_redemptions = 1");
      },
    ],
    [
      "beyond a cap that was lowered",
      async () => {
        await issueVoucher(billing, "ONE", { max_redemptions: 9 });
        await redeem("noor");
        await issueVoucher(billing, "ONE", { max_redemptions: 1 });
        await redeemWith("max_redemptions = 9", "max_redemptions = 1");
      },
    ],
    [
      "before the start",
      async () => {
        const start = hourFromNow(2);
        await issueVoucher(billing, "ONE", { starts_at: start });
        await redeemWith("starts_at = NULL", `starts_at = '${start}'`);
      },
    ],
    [
      "after the end",
      async () => {
        const end = hourFromNow(0.5);
        await issueVoucher(billing, "ONE", { expires_at: end });
        await redeemWith("expires_at = NULL", `expires_at = '${end}'`);
      },
    ],
    [
      "while the voucher was paused",
      async () => {
        await issueVoucher(billing, "ONE");
        await issueVoucher(billing, "ONE", { active: false });
        await redeemWith("active = true", "active = false");
      },
    ],
    [
      "after the revocation",
      async () => {
        await issueVoucher(billing, "ONE");
        await revoke("ONE");
        const { rows } = await query("SELECT deleted_at::text FROM promo_codes WHERE code = 'ONE'");
        await redeemWith(
          "active = true, deleted_at = NULL",
          `active = false, deleted_at = '${rows[0].deleted_at}'`,
        );
      },
    ],
  ])("finds one %s, although voucher and audit agree again", async (_what, prepare) => {
    await prepare();
    await anHourLater();
    const found = await reconcile(billing);
    expect(found.map(({ kind, row }) => [kind, row.code])).toEqual([
      ["redemption-differs-from-audit", "ONE"],
    ]);
    const { rows } = await query(
      "SELECT customer_id::text AS id FROM promo_redemptions ORDER BY created_at DESC",
    );
    expect(found[0]?.row.customer_id).toBe(rows[0].id);
  });

  it("accepts each redemption that the terms of its time allowed, whatever came before and after", async () => {
    await issueVoucher(billing, "ONE", { max_redemptions: 2, expires_at: hourFromNow(3) });
    await redeem("salma");
    await redeem("noor");
    await issueVoucher(billing, "ONE", { max_redemptions: 1, credit_omr: 7, expires_at: hourFromNow(4) });
    await issueVoucher(billing, "ONE", { max_redemptions: 3, credit_omr: 8, starts_at: hourFromNow(-1) });
    await redeem("badr");
    expect(await kinds()).toEqual([]);
    await revoke("ONE");
    expect(await kinds()).toEqual([]);
  });

  it("counts the redemptions of an adopted voucher from the counter with which it was adopted", async () => {
    await query(
      `INSERT INTO promo_codes (code, credit_omr, max_redemptions, times_redeemed, adopted, adopted_excess) VALUES ('ONE', 5, 6, 4, true, 4);
       INSERT INTO voucher_audit (code, action, actor, after)
       SELECT code, 'adopt', 'catalyst:migrate', billing_voucher_record(p) || '{"times_redeemed": 4}' FROM promo_codes p`,
    );
    await redeem("salma");
    await redeem("noor");
    const ofAudit = async () => (await kinds()).filter((kind) => kind.includes("audit"));
    expect(await ofAudit()).toEqual([]);
    await byHand("max_redemptions = 7");
    await redeem("badr");
    await byHand("max_redemptions = 6");
    expect(await ofAudit()).toEqual(["redemption-differs-from-audit"]);
  });
});
