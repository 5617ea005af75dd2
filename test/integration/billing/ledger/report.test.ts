import { beforeAll, describe, expect, it } from "vitest";
import {
  billing,
  issueVoucher,
  nextPage,
  placeOrder,
  signToken,
  startBilling,
  useBilling,
} from "../../../support/builder/billing.ts";

let admin: string;
let superadmin: string;

useBilling();

beforeAll(async () => {
  [admin, superadmin] = await Promise.all([signToken("a", "sovereign-admin"), signToken("s", "superadmin")]);
  await issueVoucher(billing, "REPORT", { credit_omr: 12 });
  for (const user of ["one", "two", "three", "four"]) {
    const plan_id = user === "one" ? "free" : "small";
    expect((await placeOrder(billing, user, { promo_code: "REPORT", plan_id })).status).toBe(200);
  }
});

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const dayOf = (ago: number) => new Date(Date.now() - ago * 86_400_000).toISOString().slice(0, 10);

/** Moves a customer's redemption into the past, by SQL's own account of days in UTC. */
async function redeemedAgo(user: string, interval: string): Promise<void> {
  await billing.database.pool.query(
    `UPDATE promo_redemptions SET created_at = (date_trunc('day', now() AT TIME ZONE 'UTC') - $2::interval) AT TIME ZONE 'UTC'
      WHERE customer_id = (SELECT id FROM customers WHERE user_id = $1)`,
    [user, interval],
  );
}

describe("GET /billing/admin/redemptions", () => {
  it("counts redemptions and granted credit for every day, today last", async () => {
    await redeemedAgo("two", "1 second");
    await redeemedAgo("three", "2 days");
    await redeemedAgo("four", "2 days 1 second");
    const answer = await billing.ask("/billing/admin/redemptions?days=3", { token: admin });
    expect(answer.json).toEqual([
      { date: dayOf(2), redemptions: 1, granted_baisa: 12_000, granted_omr: 12 },
      { date: dayOf(1), redemptions: 1, granted_baisa: 12_000, granted_omr: 12 },
      { date: dayOf(0), redemptions: 1, granted_baisa: 12_000, granted_omr: 12 },
    ]);
    const month = (await billing.ask("/billing/admin/redemptions", { token: superadmin })).json;
    expect(month).toHaveLength(30);
    expect(month.every(({ date }: { date: string }) => DAY.test(date))).toBe(true);
    expect(month.map(({ redemptions }: { redemptions: number }) => redemptions).slice(-4)).toEqual([
      1, 1, 1, 1,
    ]);
  });

  it("counts days in UTC in any time zone of the session", async () => {
    const { database } = billing;
    const before = await billing.ask("/billing/admin/redemptions?days=5", { token: admin });
    await database.pool.query(
      `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET timezone = ''Pacific/Kiritimati''', current_database()); END $$`,
    );
    const abroad = await startBilling({ database });
    const after = await abroad.ask("/billing/admin/redemptions?days=5", { token: admin });
    await abroad.close();
    expect(after.json).toEqual(before.json);
  });

  it("counts an adopted redemption without granted credit", async () => {
    const one = await startBilling();
    await issueVoucher(one, "OLD");
    await placeOrder(one, "old", { promo_code: "OLD" });
    await one.database.pool.query("UPDATE promo_redemptions SET amount_baisa = NULL, adopted = true");
    const answer = await one.ask("/billing/admin/redemptions?days=1", { token: admin });
    expect(answer.json).toEqual([{ date: dayOf(0), redemptions: 1, granted_baisa: 0, granted_omr: 0 }]);
    await one.close();
  });

  it.each(["0", "367", "-1", "1.5", "x", "1e2", ""])("refuses days=%s", async (days) => {
    const answer = await billing.ask(`/billing/admin/redemptions?days=${days}`, { token: admin });
    expect([answer.status, answer.json.errors]).toEqual([
      400,
      [{ field: "days", rule: "must be a whole number from 1 to 366" }],
    ]);
  });

  it("allows only administrators to read redemptions", async () => {
    const member = await signToken("m");
    expect((await billing.ask("/billing/admin/redemptions")).status).toBe(401);
    expect((await billing.ask("/billing/admin/redemptions", { token: member })).status).toBe(403);
  });
});

describe("GET /billing/admin/balances", () => {
  it("lists every customer once, also when balances change between two pages", async () => {
    const setBalance = (user: string, baisa: number) =>
      billing.database.pool.query("UPDATE customers SET balance_baisa = $2 WHERE user_id = $1", [
        user,
        baisa,
      ]);
    const first = await billing.ask("/billing/admin/balances?limit=2", { token: superadmin });
    const [shown] = first.json;
    const before = shown.credit_baisa;
    await setBalance(shown.user_id, 0);
    await setBalance("four", 99_000);
    const second = await billing.ask(nextPage("/billing/admin/balances?limit=2", first) ?? "", {
      token: superadmin,
    });
    await setBalance(shown.user_id, before);
    await setBalance("four", 3_000);
    const users = [...first.json, ...second.json].map(({ user_id }: { user_id: string }) => user_id);
    expect(users).toEqual(["one", "two", "three", "four"]);
  });

  it("lists customers page by page", async () => {
    const seen: { user_id: string; credit_baisa: number; credit_omr: number }[] = [];
    let path: string | undefined = "/billing/admin/balances?limit=3";
    let pages = 0;
    while (path !== undefined) {
      const answer = await billing.ask(path, { token: superadmin });
      expect(answer.status).toBe(200);
      seen.push(...answer.json);
      path = nextPage(path, answer);
      pages += 1;
    }
    expect(pages).toBe(2);
    expect(seen[0]).toEqual({
      customer_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      user_id: "one",
      email: "one@example.om",
      credit_baisa: 12_000,
      credit_omr: 12,
    });
    expect(
      seen
        .slice(1)
        .map(({ user_id }) => user_id)
        .sort(),
    ).toEqual(["four", "three", "two"]);
    expect(seen.slice(1).map(({ credit_baisa }) => credit_baisa)).toEqual([3_000, 3_000, 3_000]);
  });

  it.each(["x", "1_2", "1_00000000-0000-0000-0000-00000000000g", "99999999999999999_x", "%00"])(
    "refuses the cursor %s",
    async (cursor) => {
      const answer = await billing.ask(`/billing/admin/balances?cursor=${cursor}`, { token: superadmin });
      expect(answer.status).toBe(400);
    },
  );

  it("allows only superadmins to read balances", async () => {
    const answer = await billing.ask("/billing/admin/balances", { token: admin });
    expect([answer.status, answer.json.code]).toEqual([403, "role_missing"]);
  });
});
