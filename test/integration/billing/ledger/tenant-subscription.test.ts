import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readTenantSubscriptions } from "../../../../src/billing/ledger/tenant-subscription.ts";
import {
  issueVoucher,
  placeOrder,
  startBilling,
  type TestBilling,
} from "../../../support/builder/billing.ts";

let billing: TestBilling;
beforeAll(async () => {
  billing = await startBilling();
  await issueVoucher(billing, "FOLLOW");
  for (const user of ["salma", "amal"])
    expect((await placeOrder(billing, user, { promo_code: "FOLLOW" })).status).toBe(200);
});
afterAll(() => billing?.close());

async function orderOf(tenant: string): Promise<string> {
  const { rows } = await billing.database.pool.query(
    "SELECT id::text FROM orders WHERE tenant_id = $1 ORDER BY created_at LIMIT 1",
    [tenant],
  );
  return rows[0].id;
}
const read = async (...orders: string[]) => readTenantSubscriptions(orders, billing.database.pool);
const change = (assignment: string, tenant: string) =>
  billing.database.pool.query(`UPDATE subscriptions SET ${assignment} WHERE tenant_id = $1`, [tenant]);

describe("readTenantSubscriptions", () => {
  it("gives each order the subscription of its tenant, and leaves unknown orders out", async () => {
    const [salma, amal] = [await orderOf("salma-shop"), await orderOf("amal-shop")];
    await change("status = 'canceled'", "amal-shop");
    const unknown = "00000000-0000-4000-8000-000000000000";
    const found = await read(salma, amal, unknown, "not an id");
    expect(new Map(found.map(({ order, status }) => [order, status]))).toEqual(
      new Map([
        [salma, "active"],
        [amal, "canceled"],
      ]),
    );
    expect(found[0]?.periodEndsAt).toBeInstanceOf(Date);
    expect(await read()).toEqual([]);
    expect(await read("not an id")).toEqual([]);
  });

  it("reports an ended month as expired, prefers an active subscription, and returns null for a tenant without one", async () => {
    const salma = await orderOf("salma-shop");
    await change("current_period_end = now() - interval '1 second'", "salma-shop");
    expect(await read(salma)).toMatchObject([{ status: "expired" }]);
    await billing.database.pool.query(
      `INSERT INTO subscriptions (customer_id, tenant_id, plan_id, status, created_at, current_period_end)
       SELECT customer_id, tenant_id, plan_id, 'active', created_at - interval '1 day', now() + interval '1 day'
         FROM subscriptions WHERE tenant_id = 'salma-shop'`,
    );
    expect(await read(salma)).toMatchObject([{ status: "active" }]);
    await change("tenant_id = 'elsewhere'", "salma-shop");
    expect(await read(salma)).toEqual([{ order: salma, status: null, periodEndsAt: null }]);
  });

  it("reads many orders in several queries", async () => {
    const amal = await orderOf("amal-shop");
    const many = Array.from({ length: 1_001 }, () => "00000000-0000-4000-8000-000000000000");
    expect(await read(...many, amal)).toMatchObject([{ order: amal, status: "canceled" }]);
  });
});
