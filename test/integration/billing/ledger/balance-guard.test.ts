import { beforeAll, describe, expect, it } from "vitest";
import {
  billing,
  issueVoucher,
  placeOrder,
  reconcile,
  useBilling,
} from "../../../support/builder/billing.ts";

useBilling();

beforeAll(async () => {
  await issueVoucher(billing, "GUARDED");
});

async function rowsOf(sql: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
  return (await billing.database.pool.query(sql, values)).rows;
}

describe("a balance", () => {
  it("refuses a checkout that would lower a balance below its minimum", async () => {
    await placeOrder(billing, "salma", { plan_id: "free", promo_code: "GUARDED" });
    // Another client spends the credit between the reading of the balance and its writing, past every lock.
    await rowsOf(`
      CREATE FUNCTION spend_meanwhile() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        UPDATE customers SET balance_baisa = 0 WHERE id = NEW.customer_id; RETURN NEW; END $$;
      CREATE TRIGGER spend_meanwhile BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION spend_meanwhile()`);
    expect((await placeOrder(billing, "salma")).status).toBe(500);
    await rowsOf("DROP TRIGGER spend_meanwhile ON orders");
    expect(await rowsOf("SELECT balance_baisa, balance_floor_baisa FROM customers")).toEqual([
      { balance_baisa: "25000", balance_floor_baisa: "0" },
    ]);
    expect(await reconcile(billing)).toEqual([]);
  });
});
