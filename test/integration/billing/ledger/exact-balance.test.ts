import { describe, expect, it } from "vitest";
import {
  issueVoucher,
  placeOrder,
  reconcile,
  signToken,
  useBillings,
} from "../../../support/builder/billing.ts";

const start = useBillings();

describe("the largest exact balance", () => {
  it("refuses a checkout above the largest balance, and changes neither voucher nor ledger", async () => {
    const billing = await start();
    await issueVoucher(billing, "LAST", { credit_omr: 1, max_redemptions: 1 });
    await placeOrder(billing, "whale", { plan_id: "free" });
    // The balance after many grants: 4,503 of 2,000,000,000 OMR, and a smaller one that leaves room for 991 baisa.
    await billing.database.pool.query(
      `WITH grants AS (SELECT 2000000000 AS omr FROM generate_series(1, 4503) UNION ALL SELECT 1199254740),
            c AS (UPDATE customers SET balance_baisa = (SELECT sum(omr::bigint) * 1000 FROM grants)
                   WHERE user_id = 'whale' RETURNING id)
       INSERT INTO credit_ledger (customer_id, amount_omr, amount_baisa, kind, reason, promo_code, adopted)
       SELECT c.id, omr, omr::bigint * 1000, 'grant', 'earlier grants', 'LAST', true FROM c, grants`,
    );
    const refused = await placeOrder(billing, "whale", { plan_id: "free", promo_code: "LAST" });
    expect([refused.status, refused.json.code]).toEqual([422, "balance_too_large"]);
    const { json } = await billing.ask("/billing/balance", { token: await signToken("whale") });
    expect(json.credit_baisa).toBe(Number.MAX_SAFE_INTEGER - 991);
    const preview = await billing.ask("/billing/vouchers/redeem-preview", { body: { code: "LAST" } });
    expect(preview.status).toBe(200);
    expect((await placeOrder(billing, "ali", { plan_id: "free", promo_code: "LAST" })).status).toBe(200);
    expect(await reconcile(billing)).toEqual([]);
  });
});
