import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { issueVoucher, signToken } from "../../../support/builder/billing.ts";
import {
  code,
  first,
  hold,
  holdVoucher,
  named,
  order,
  rowsOf,
  second,
  useTwoInstances,
  waiting,
} from "../../../support/suite/two-instances.ts";

// A batch decides on a voucher that it locks only at the end. These tests change the voucher in between.
useTwoInstances();

const SIZE = 12;

const placeAll = (count = SIZE) =>
  Promise.all(
    Array.from({ length: count }, (_, index) =>
      order(index % 2 === 0 ? first : second, `buyer-${index}`, { promo_code: code }),
    ),
  );

const counted = async () => {
  const [row] = await rowsOf(
    `SELECT p.times_redeemed AS counted, (SELECT count(*)::int FROM promo_redemptions e WHERE e.code = p.code) AS redeemed,
            (SELECT coalesce(sum(l.amount_omr), 0)::int FROM credit_ledger l WHERE l.promo_code = p.code AND l.kind = 'grant') AS granted
       FROM promo_codes p WHERE p.code = $1`,
    [code],
  );
  return row;
};

/** Makes the change, and then the checkouts, wait for the voucher. The change comes first when the voucher is free. */
async function changeDuring(change: () => Promise<unknown>): Promise<number[]> {
  const held = await holdVoucher();
  const changed = change();
  await waiting(1);
  const placed = placeAll();
  // The requests that come after the first of each instance form batches, which start after 50 ms.
  await sleep(300);
  await held.release();
  await changed;
  return (await placed).map(({ status }) => status);
}

const revoke = async () =>
  first.ask(`/billing/vouchers/revoke/${code}`, {
    method: "DELETE",
    token: await signToken("admin", "sovereign-admin"),
  });

const hourFromNow = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString();

describe("a voucher that changes while checkouts wait for it", () => {
  it("grants the new credit", async () => {
    await issueVoucher(first, code, { credit_omr: 25 });
    const statuses = await changeDuring(() => issueVoucher(first, code, { credit_omr: 7 }));
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(await counted()).toEqual({ counted: SIZE, redeemed: SIZE, granted: 7 * SIZE });
  });

  it.each([
    ["revoked", revoke, 404],
    ["paused", () => issueVoucher(first, code, { active: false }), 410],
    ["expired", () => issueVoucher(first, code, { expires_at: hourFromNow(-1) }), 410],
    ["scheduled", () => issueVoucher(first, code, { starts_at: hourFromNow(1) }), 410],
  ])("is refused once it is %s", async (_standing, change, status) => {
    await issueVoucher(first, code, { credit_omr: 25 });
    expect(new Set(await changeDuring(change))).toEqual(new Set([status]));
    expect(await counted()).toEqual({ counted: 0, redeemed: 0, granted: 0 });
  });

  it("gives the places below a cap that was lowered, and no more", async () => {
    await issueVoucher(first, code, { credit_omr: 25, max_redemptions: 100 });
    const statuses = await changeDuring(() => issueVoucher(first, code, { max_redemptions: 5 }));
    expect(statuses.filter((status) => status === 200)).toHaveLength(5);
    expect(statuses.filter((status) => status === 410)).toHaveLength(SIZE - 5);
    expect(await counted()).toEqual({ counted: 5, redeemed: 5, granted: 125 });
  });
});

describe("a voucher that two instances redeem in batches", () => {
  it("is redeemed as often as its cap allows", async () => {
    await issueVoucher(first, code, { credit_omr: 25, max_redemptions: 30 });
    const statuses = (await placeAll(80)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(30);
    expect(statuses.filter((status) => status === 410)).toHaveLength(50);
    expect(await counted()).toEqual({ counted: 30, redeemed: 30, granted: 750 });
  });
});

describe("a batch that waits for a voucher", () => {
  const ORIGINAL = {
    ...{ credit_omr: 25, active: true, max_redemptions: 0, issued_by: "shared-secret:admin" },
    ...{ starts_at: null, expires_at: null, deleted_at: null },
  };
  const write = (terms: Record<string, unknown>) => {
    const names = Object.keys(terms);
    const list = names.map((name, index) => `${name} = $${index + 2}`).join(", ");
    return [`UPDATE promo_codes SET ${list} WHERE code = $1`, [code, ...Object.values(terms)]] satisfies [
      string,
      unknown[],
    ];
  };

  it.each([
    { credit_omr: 7 },
    { active: false },
    { deleted_at: new Date() },
    { expires_at: new Date(Date.now() - 1_000) },
    { starts_at: new Date(Date.now() + 3_600_000) },
    { max_redemptions: 1 },
    { issued_by: "another" },
  ])("fails without effect after a change to %j", async (change) => {
    await issueVoucher(first, code, { credit_omr: 25 });
    await rowsOf(...write(ORIGINAL));
    const held = await hold(...write(change));
    const lines = ["one", "two"].map((name, line) => ({
      ...{
        line,
        user_id: named(name),
        email: "",
        tenant_id: named(name),
        tenant_member: true,
        plan_id: "free",
      },
      ...{ apps: [], addons: [], total_baisa: 0, voucher_key: code },
    }));
    const call = rowsOf("SELECT line FROM billing_checkout($1, 'x', '{organization}', NULL, false, 0)", [
      JSON.stringify(lines),
    ]);
    const outcome = expect(call).rejects.toMatchObject({ code: "40001" });
    await waiting(1, held.pid);
    await held.release();
    await outcome;
    // The audit shows changes by the API only, so the books agree once the terms are back.
    await rowsOf(...write(ORIGINAL));
    expect(await rowsOf("SELECT FROM customers WHERE user_id = $1", [named("one")])).toEqual([]);
    expect(await counted()).toEqual({ counted: 0, redeemed: 0, granted: 0 });
  });
});
