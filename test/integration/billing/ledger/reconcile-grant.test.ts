import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  issueVoucher,
  placeOrder,
  reconcile,
  signToken,
  startBilling,
  type TestBilling,
} from "../../../support/builder/billing.ts";
import { type StripeServer, startStripeServer } from "../../../support/server/stripe-server.ts";

const PLANS = [
  { id: "odd", price_baisa: 1_234 },
  { id: "small", price_baisa: 9_000 },
];

let stripe: StripeServer;
let billing: TestBilling;
let count = 0;

beforeAll(async () => {
  stripe = await startStripeServer();
  billing = await startBilling({
    files: { CATALOG_FILE: { plans: PLANS, addons: [], apps: [] } },
    env: stripe.env,
  });
});

afterAll(async () => {
  await billing.close();
  await stripe.close();
});

const query = (sql: string) => billing.database.pool.query(sql);

/** A canceled order with a voucher of 1 OMR. `isSpent`: another order has spent the 66 baisa that this one left. */
async function cancelOne(isSpent: boolean) {
  count += 1;
  const [user, code] = [`customer-${count}`, `ONE-${count}`];
  await issueVoucher(billing, code, { credit_omr: 1 });
  const { json } = await placeOrder(billing, user, { promo_code: code, plan_id: "odd" });
  if (isSpent) await placeOrder(billing, user, { plan_id: "small", tenant_id: `${user}-other` });
  const path = `/billing/orders/${json.order_id}/cancel`;
  expect((await billing.ask(path, { method: "POST", token: await signToken(user) })).status).toBe(200);
  return { user, code, id: String(json.order_id) };
}
type Canceled = Awaited<ReturnType<typeof cancelOne>>;

const kindsOf = async ({ id, code }: Canceled) =>
  (await reconcile(billing))
    .filter(({ row }) => JSON.stringify(row).includes(id) || row.code === code)
    .map(({ kind }) => kind)
    .sort();
const raise = ({ user }: Canceled, baisa: number) =>
  `UPDATE customers SET balance_baisa = balance_baisa + ${baisa} WHERE user_id = '${user}';`;

describe("reconcileLedger, of a canceled order's grant", () => {
  it.each([true, false])(
    "finds no difference when another order has spent a part of it: %s",
    async (isSpent) => {
      expect(await kindsOf(await cancelOne(isSpent))).toEqual([]);
    },
  );

  it.each<[what: string, isSpent: boolean, break_: (one: Canceled) => string, kinds: string[]]>([
    [
      "that stayed with its redemption, although no other order spent it",
      false,
      (one) => `DELETE FROM credit_ledger WHERE kind = 'undo' AND order_id = '${one.id}'; ${raise(one, 1_000)}
        INSERT INTO promo_redemptions (customer_id, code, amount_baisa, order_id, issued_by)
        SELECT o.customer_id, o.promo_code, 1000, o.id, p.issued_by FROM orders o JOIN promo_codes p ON p.code = o.promo_code WHERE o.id = '${one.id}';
        UPDATE promo_codes SET times_redeemed = 1 WHERE code = '${one.code}'`,
      ["grant-differs-from-order"],
    ],
    [
      "that went while its voucher stays redeemed",
      true,
      (
        one,
      ) => `INSERT INTO credit_ledger (customer_id, amount_omr, amount_baisa, kind, reason, promo_code, order_id)
        SELECT customer_id, -1, -1000, 'undo', '', promo_code, id::text FROM orders WHERE id = '${one.id}'; ${raise(one, -1_000)}`,
      ["grant-differs-from-order"],
    ],
    [
      "that stayed, while the other order's spending is gone",
      true,
      (one) => `DELETE FROM credit_ledger WHERE amount_baisa = -66
        AND customer_id = (SELECT id FROM customers WHERE user_id = '${one.user}'); ${raise(one, 66)}`,
      ["grant-differs-from-order"],
    ],
    [
      "that stayed, while its redemption is gone",
      true,
      (one) => `DELETE FROM promo_redemptions WHERE order_id = '${one.id}';
        UPDATE promo_codes SET times_redeemed = 0 WHERE code = '${one.code}'`,
      ["grant-differs-from-order", "grant-without-redemption", "order-without-redemption"],
    ],
  ])("finds a grant %s", async (_what, isSpent, statement, kinds) => {
    const one = await cancelOne(isSpent);
    // Without the triggers, as only the administrator of the database can.
    await query(
      `BEGIN; SET LOCAL session_replication_role = replica; ALTER TABLE customers DROP CONSTRAINT IF EXISTS customers_balance_check;
       ${statement(one)}; COMMIT`,
    );
    expect(await kindsOf(one)).toEqual(kinds);
  });
});
