import { describe, expect, it } from "vitest";
import { issueVoucher, placeOrder } from "../../../support/builder/billing.ts";
import {
  billing,
  books,
  buy,
  code,
  orphan,
  PENDING,
  rowsOf,
  run,
  undoOrder,
  useCardPayments,
  user,
} from "../../../support/builder/card-payment.ts";
import { eventually } from "../../../support/wait.ts";

useCardPayments();

const FAILED = { counter: 0, redemptions: 0, balance: 0, orders: ["failed"], subscriptions: 0, events: 0 };

/** Waits until so many connections wait for a lock. */
const waiting = (count: number) =>
  eventually(async () => {
    const sql =
      "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    expect((await rowsOf(sql)).length).toBeGreaterThanOrEqual(count);
  });

describe("an order that is undone", () => {
  it("undoes an order once when its process and the sweepers do it at the same time", async () => {
    const id = await orphan();
    const undone = await Promise.all([1, 2, 3].map(() => undoOrder(id)));
    expect(undone.sort()).toEqual([false, false, true]);
    expect(await undoOrder(id)).toBe(false);
    expect(await books()).toEqual(FAILED);
  });

  it("undoes no order whose session is being stored at the same time", async () => {
    const id = await orphan();
    const keeper = await billing.database.pool.connect();
    await keeper.query("BEGIN");
    await keeper.query(
      "UPDATE orders SET stripe_session_id = $2, session_url = 'https://x', session_expires_at = now() WHERE id = $1",
      [id, `cs_kept_${run}`],
    );
    const undone = undoOrder(id);
    await waiting(1);
    await keeper.query("COMMIT");
    keeper.release();
    expect(await undone).toBe(false);
    expect(await books()).toEqual(PENDING);
  });

  it("undoes no paid and no unknown order", async () => {
    const paid = await placeOrder(billing, user, { plan_id: "small", promo_code: code });
    expect(await undoOrder(paid.json.order_id)).toBe(false);
    expect(await undoOrder("6b1f8a52-0000-4000-8000-000000000000")).toBe(false);
    expect(await books()).toMatchObject({ counter: 1, redemptions: 1, balance: 16_000, orders: ["paid"] });
  });

  it("returns the order's own voucher and no other one of the customer", async () => {
    const before = `BEFORE-${run}`;
    await issueVoucher(billing, before, { credit_omr: 1 });
    await placeOrder(billing, user, { plan_id: "odd", promo_code: before, tenant_id: `first-${run}` });
    await rowsOf("UPDATE orders SET stripe_session_id = $1 WHERE status = 'pending' AND promo_code = $2", [
      `cs_other_${run}`,
      before,
    ]);
    expect(await undoOrder(await orphan())).toBe(true);
    expect(
      await rowsOf("SELECT code, times_redeemed FROM promo_codes WHERE code = ANY ($1) ORDER BY 1", [
        [before, code],
      ]),
    ).toEqual([
      { code: before, times_redeemed: 1 },
      { code, times_redeemed: 0 },
    ]);
    expect(
      await rowsOf(
        "SELECT e.code FROM promo_redemptions e JOIN customers c ON c.id = e.customer_id WHERE c.user_id = $1",
        [user],
      ),
    ).toEqual([{ code: before }]);
  });

  it("keeps the stored answers of the customer's other requests", async () => {
    const key = { "Idempotency-Key": `kept-${run}` };
    const kept = { plan_id: "small", promo_code: code };
    const before = await buy(kept, key);
    await undoOrder(await orphan({ promo_code: "" }, { "Idempotency-Key": `undone-${run}` }));
    expect((await buy(kept, key)).text).toBe(before.text);
    expect(await rowsOf("SELECT key FROM idempotency_records WHERE user_id = $1", [user])).toEqual([
      { key: `kept-${run}` },
    ]);
  });

  it("writes to the ledger what was taken back, and why", async () => {
    const id = await orphan();
    await undoOrder(id);
    expect(
      await rowsOf(
        "SELECT kind, amount_baisa::int AS baisa, reason, promo_code FROM credit_ledger WHERE order_id = $1 ORDER BY kind",
        [id],
      ),
    ).toEqual([
      { kind: "grant", baisa: 25_000, reason: `voucher ${code}`, promo_code: code },
      { kind: "release", baisa: 25_000, reason: `order ${id} was not placed`, promo_code: null },
      { kind: "spend", baisa: -25_000, reason: `order ${id}`, promo_code: null },
      { kind: "undo", baisa: -25_000, reason: `voucher ${code} not redeemed`, promo_code: code },
    ]);
  });

  it("restores a debt that the voucher had paid", async () => {
    await rowsOf(
      `WITH c AS (INSERT INTO customers (user_id, tenant_id, email, balance_baisa, balance_floor_baisa) VALUES ($1, '', '', -20000, -20000) RETURNING id)
       INSERT INTO credit_ledger (customer_id, amount_omr, reason, adopted) SELECT id, -20, 'spend', true FROM c`,
      [user],
    );
    const id = await orphan();
    expect(await books()).toEqual(PENDING);
    expect(await undoOrder(id)).toBe(true);
    expect(await books()).toEqual({ ...FAILED, balance: -20_000 });
  });

  it("causes no deadlock with a checkout of the same customer and voucher", async () => {
    const id = await orphan();
    await issueVoucher(billing, code, { credit_omr: 25, max_redemptions: 0 });
    const holder = await billing.database.pool.connect();
    await holder.query("BEGIN");
    await holder.query("SELECT FROM promo_codes WHERE code = $1 FOR UPDATE", [code]);
    const undone = undoOrder(id);
    await waiting(1);
    const again = buy();
    await waiting(2);
    await holder.query("COMMIT");
    holder.release();
    expect([await undone, (await again).status]).toEqual([true, 200]);
    expect(await books()).toEqual({ ...PENDING, orders: ["failed", "pending"] });
  });
});
