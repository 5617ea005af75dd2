import { beforeAll, describe, expect, it } from "vitest";
import { billing, issueVoucher, placeOrder, useBilling } from "../../../support/builder/billing.ts";

useBilling();

beforeAll(async () => {
  await issueVoucher(billing, "SOUND");
});

const VERSION_7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
/** The first 48 bits: milliseconds since 1970. */
const msOf = (id: string) => Number.parseInt(id.replaceAll("-", "").slice(0, 12), 16);

describe("keys", () => {
  it("returns UUIDs of version 7, each with the time of its creation", async () => {
    const { rows } = await billing.database.pool.query<{ id: string; ms: number }>(
      `SELECT billing_time_uuid() AS id, extract(epoch FROM clock_timestamp())::float8 * 1000 AS ms FROM generate_series(1, 1000)`,
    );
    expect(new Set(rows.map(({ id }) => id)).size).toBe(1000);
    for (const { id, ms } of rows) {
      expect(id).toMatch(VERSION_7);
      expect(Math.abs(msOf(id) - ms)).toBeLessThan(1_000);
    }
    const times = rows.map(({ id }) => msOf(id));
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });

  it("uses such keys in every table that a checkout writes", async () => {
    await placeOrder(billing, "salma", { promo_code: "SOUND" });
    const { rows } = await billing.database.pool.query<{ relation: string; id: string }>(
      `SELECT 'customers' AS relation, id FROM customers UNION ALL SELECT 'orders', id FROM orders
       UNION ALL SELECT 'credit_ledger', id FROM credit_ledger UNION ALL SELECT 'subscriptions', id FROM subscriptions`,
    );
    expect(rows.map(({ relation }) => relation).sort()).toEqual([
      "credit_ledger",
      "credit_ledger",
      "customers",
      "orders",
      "subscriptions",
    ]);
    for (const { relation, id } of rows)
      expect([relation, id]).toEqual([relation, expect.stringMatching(VERSION_7)]);
  });
});
