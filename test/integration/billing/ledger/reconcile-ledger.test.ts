import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  issueVoucher,
  placeOrder,
  reconcile,
  startBilling,
  type TestBilling,
} from "../../../support/builder/billing.ts";

let billing: TestBilling;

beforeEach(async () => {
  billing = await startBilling();
  await issueVoucher(billing, "SOUND");
  await placeOrder(billing, "salma", { promo_code: "SOUND" });
  await placeOrder(billing, "salma", { addons: ["backup"] });
});

afterEach(() => billing.close());

async function kinds(): Promise<string[]> {
  return [...new Set((await reconcile(billing)).map(({ kind }) => kind))].sort();
}

describe("reconcileLedger", () => {
  it("finds no difference in a correct ledger", async () => {
    expect(await kinds()).toEqual([]);
  });

  it("relies on the database, which refuses changes of a ledger entry", async () => {
    await expect(
      billing.database.pool.query("UPDATE credit_ledger SET amount_baisa = 1000"),
    ).rejects.toMatchObject({ code: "CB003" });
    await expect(billing.database.pool.query("DELETE FROM credit_ledger")).rejects.toMatchObject({
      code: "CB003",
    });
    await billing.database.pool.query("UPDATE credit_ledger SET status = 'tenant_deleted'");
    expect(await kinds()).toEqual([]);
  });

  it.each<[string, string, string[]]>([
    [
      "a counter that was raised",
      "UPDATE promo_codes SET times_redeemed = 2",
      ["counter-differs-from-redemptions"],
    ],
    [
      "a redemption that was removed",
      "DELETE FROM promo_redemptions",
      ["counter-differs-from-redemptions", "grant-without-redemption", "order-without-redemption"],
    ],
    [
      "a redemption of another amount",
      "UPDATE promo_redemptions SET amount_baisa = 1",
      ["redemption-differs-from-audit", "redemption-differs-from-ledger"],
    ],
    [
      "a grant that was removed",
      "DELETE FROM credit_ledger WHERE kind = 'grant'",
      ["balance-differs-from-ledger", "redemption-differs-from-ledger"],
    ],
    [
      "a spend that was removed",
      "DELETE FROM credit_ledger WHERE amount_baisa = -9000",
      ["balance-differs-from-ledger", "spend-differs-from-order"],
    ],
    [
      "an entry without a cause",
      "INSERT INTO credit_ledger (customer_id, amount_omr, amount_baisa, kind, order_id) SELECT id, -1, -1000, 'spend', 'x' FROM customers",
      ["balance-differs-from-ledger", "ledger-without-order"],
    ],
    [
      "a balance that was raised",
      "UPDATE customers SET balance_baisa = balance_baisa + 1",
      ["balance-differs-from-ledger"],
    ],
    [
      "an order of another amount",
      "UPDATE orders SET credit_spent_baisa = 1",
      ["payment-differs-from-ledger", "spend-differs-from-order"],
    ],
    [
      "an adopted amount that was changed",
      "UPDATE credit_ledger SET adopted = true, amount_omr = 7 WHERE kind = 'grant'",
      ["amounts-differ", "redemption-differs-from-ledger"],
    ],
  ])("finds %s", async (_what, statement, expected) => {
    // Without triggers and foreign keys, as only the administrator of the database can.
    await billing.database.pool.query(
      `BEGIN; SET LOCAL session_replication_role = replica; ${statement}; COMMIT`,
    );
    expect(await kinds()).toEqual(expected);
  });

  it("attributes a lower counter to the earlier service only when the audit shows it", async () => {
    const adopted = async () =>
      (await reconcile(billing)).filter(({ kind }) => kind.startsWith("counter")).map((one) => one.adopted);
    await billing.database.pool.query(
      "UPDATE promo_codes SET times_redeemed = 0, adopted = true, adopted_excess = -1 WHERE code = 'SOUND'",
    );
    expect(await adopted()).toEqual([false]);
    await billing.database.pool.query(
      `INSERT INTO promo_codes (code, credit_omr, times_redeemed, adopted, adopted_excess) VALUES ('OLD', 5, 4, true, 4);
       INSERT INTO voucher_audit (code, action, actor, after) VALUES ('OLD', 'adopt', 'catalyst:migrate', '{"times_redeemed": 4}')`,
    );
    await placeOrder(billing, "salma", { promo_code: "OLD" });
    expect((await adopted()).sort()).toEqual([false, true]);
    await billing.database.pool.query(
      "UPDATE promo_codes SET times_redeemed = 3, adopted_excess = 2 WHERE code = 'OLD'",
    );
    expect(await adopted()).toEqual([false, false]);
  });
});
