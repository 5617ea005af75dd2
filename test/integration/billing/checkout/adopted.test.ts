import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  placeOrder,
  reconcile,
  signToken,
  startBilling,
  type TestBilling,
} from "../../../support/builder/billing.ts";
import { EARLIER, fillEarlierTables } from "../../../support/builder/earlier-service.ts";
import { migrate } from "../../../support/server/migration-database.ts";
import { createTestDatabase } from "../../../support/server/postgres.ts";

let billing: TestBilling;

beforeAll(async () => {
  billing = await startBilling();
});

afterAll(async () => {
  try {
    expect(await reconcile(billing)).toEqual([]);
  } finally {
    await billing.close();
  }
});

describe("checkout against an adopted database", () => {
  let adopted: TestBilling;

  beforeAll(async () => {
    const database = await createTestDatabase("empty");
    await fillEarlierTables(database.pool);
    await database.pool.query(
      `INSERT INTO orders (customer_id, tenant_id, plan_id, amount_omr, status, created_at)
       SELECT id, 'debt-shop', 'small', 9, 'pending', '2024-01-01' FROM customers WHERE user_id = $1`,
      [EARLIER.plain],
    );
    await migrate(database);
    adopted = await startBilling({ database });
  });

  afterAll(async () => {
    try {
      const found = await reconcile(adopted);
      // The remaining differences come from the earlier service, and are marked so.
      expect(found).toEqual([
        {
          kind: "counter-differs-from-redemptions",
          adopted: true,
          row: { code: "CROOKED", times_redeemed: 40, redemptions: 1 },
        },
      ]);
    } finally {
      await adopted.close();
      await adopted.database.drop();
    }
  });

  it("spends an adopted balance", async () => {
    const answer = await placeOrder(adopted, EARLIER.rich, { tenant_id: "rich-shop" });
    expect([answer.status, answer.json?.credit_balance_baisa]).toEqual([200, 61_000]);
  });

  it("shows an adopted debt, spends none of it, and never increases it", async () => {
    const token = await signToken(EARLIER.indebted);
    expect((await adopted.ask("/billing/balance", { token })).json).toMatchObject({
      credit_omr: -100,
      credit_baisa: -100_000,
    });
    expect((await placeOrder(adopted, EARLIER.indebted, { tenant_id: "debt-shop" })).status).toBe(503);
    const paysOff = await placeOrder(adopted, EARLIER.indebted, {
      plan_id: "free",
      tenant_id: "debt-shop",
      promo_code: "ramadan 2026",
    });
    expect([paysOff.status, paysOff.json?.credit_balance]).toEqual([200, -80]);
    await expect(
      adopted.database.pool.query(
        "UPDATE customers SET balance_baisa = balance_baisa - 1 WHERE user_id = $1",
        [EARLIER.indebted],
      ),
    ).rejects.toMatchObject({ constraint: "customers_balance_check" });
  });

  it.each([
    ["ramadan 2026", "RAMADAN 2026", 20],
    ["a/b", "A/B", 5],
    ["padded", "  padded ", 6],
    ["ab", "AB", 2],
    ["Eid", "EID", 8],
    ["SUMMER", "summer", 4],
  ])("redeems the code %j from the row %j", async (spelling, code, credit) => {
    const preview = await adopted.ask("/billing/vouchers/redeem-preview", { body: { code: spelling } });
    expect([preview.status, preview.json]).toEqual([
      200,
      {
        code,
        credit_omr: credit,
        description: expect.any(String),
        active: true,
        accepting_redemptions: true,
      },
    ]);
    const user = `adopts-${credit}`;
    const answer = await placeOrder(adopted, user, { plan_id: "free", promo_code: spelling });
    expect([answer.status, answer.json?.credit_balance]).toEqual([200, credit]);
    // One of the twins for each customer.
    expect((await placeOrder(adopted, user, { plan_id: "free", promo_code: spelling })).status).toBe(409);
  });

  it("treats a voucher with a negative limit as ended", async () => {
    expect(
      (await adopted.ask("/billing/vouchers/redeem-preview", { body: { code: "negative" } })).status,
    ).toBe(410);
    expect((await placeOrder(adopted, "any", { plan_id: "free", promo_code: "NEGATIVE" })).status).toBe(410);
  });

  it("grants the largest credit without an overflow", async () => {
    const answer = await placeOrder(adopted, "whale", { plan_id: "free", promo_code: "HUGE" });
    expect(answer.json?.credit_balance_baisa).toBe(2_147_483_647_000);
  });

  it("assigns a tenant to the customer who paid first, also after another customer's unpaid order", async () => {
    const stranger = await placeOrder(adopted, EARLIER.plain, { plan_id: "free", tenant_id: "debt-shop" });
    expect([stranger.status, stranger.json.code]).toEqual([403, "tenant_not_yours"]);
    expect(
      (await placeOrder(adopted, EARLIER.plain, { plan_id: "free", tenant_id: "rich-shop" })).status,
    ).toBe(403);
  });

  it("accepts a whole row from the older admin UI with one changed member", async () => {
    const token = await signToken("admin", "sovereign-admin");
    const listed = (await adopted.ask("/billing/admin/promos", { token })).json as {
      code: string;
      active: boolean;
      max_redemptions: number;
    }[];
    expect(listed).toHaveLength(12);
    // Every endpoint uses the same one of several equal codes. These two are the others.
    for (const row of listed.filter(({ code }) => code !== "Summer" && code !== "eid")) {
      const flipped = await adopted.ask("/billing/admin/promos", {
        token,
        body: { ...row, active: !row.active },
      });
      expect([flipped.status, flipped.json]).toEqual([
        200,
        expect.objectContaining({ ...row, active: !row.active }),
      ]);
    }
  });

  it("revokes codes of any form, and duplicates one after the other", async () => {
    const token = await signToken("admin", "sovereign-admin");
    const listed = (await adopted.ask("/billing/admin/promos", { token })).json as { code: string }[];
    for (const { code } of listed) {
      const answer = await adopted.ask(`/billing/admin/promos/${encodeURIComponent(code)}`, {
        method: "DELETE",
        token,
      });
      expect([code, answer.status]).toEqual([code, 200]);
    }
    expect((await adopted.ask("/billing/admin/promos", { token })).text).toBe("[]");
  });
});
