import type pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, expect } from "vitest";
import { issueVoucher, placeOrder, reconcile, startBilling, type TestBilling } from "../builder/billing.ts";
import { eventually } from "../wait.ts";

const holders = new Set<pg.PoolClient>();

export let first: TestBilling;
export let second: TestBilling;
let run = 0;
export let code = "";

/** Two instances on one database, as on a Sovereign, and a voucher code for each test. The books agree at the end. */
export function useTwoInstances(): void {
  beforeAll(async () => {
    first = await startBilling();
    second = await startBilling({ database: first.database });
  });

  afterAll(async () => {
    try {
      expect(await reconcile(first)).toEqual([]);
    } finally {
      await second.close();
      await first.close();
    }
  });

  beforeEach(() => {
    run += 1;
    code = `LOCK-${run}`;
  });

  afterEach(() => {
    for (const client of holders) client.release(true);
    holders.clear();
  });
}

/** A name that only this test uses. */
export const named = (name: string) => `${name}-${run}`;

export async function rowsOf(sql: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
  return (await first.database.pool.query(sql, values)).rows;
}

/** Runs a statement in a transaction that stays open until it is released or the test ends. */
export async function hold(sql: string, values: unknown[] = []) {
  const client = await first.database.pool.connect();
  holders.add(client);
  await client.query("BEGIN");
  await client.query(sql, values);
  const { rows } = await client.query("SELECT pg_backend_pid() AS pid");
  return {
    pid: rows[0].pid as number,
    async release(end: "COMMIT" | "ROLLBACK" = "COMMIT"): Promise<void> {
      await client.query(end);
      holders.delete(client);
      client.release();
    },
  };
}
export const holdVoucher = (voucher = code) =>
  hold("SELECT FROM promo_codes WHERE code = $1 FOR UPDATE", [voucher]);
export const holdCustomer = (name: string) =>
  hold("SELECT FROM customers WHERE user_id = $1 FOR UPDATE", [named(name)]);

/** Waits until `count` connections wait for a lock. With `holder`, only locks of that connection count. */
export async function waiting(count: number, holder?: number): Promise<void> {
  await eventually(async () => {
    const rows = await rowsOf(
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
          AND ($1::int IS NULL OR $1 = ANY (pg_blocking_pids(pid)))`,
      [holder],
    );
    expect(rows.length).toBeGreaterThanOrEqual(count);
  });
}

export const order = (
  instance: TestBilling,
  name: string,
  body: Record<string, unknown> = {},
  headers: Record<string, string> = {},
) => placeOrder(instance, named(name), { plan_id: "free", ...body }, headers);
export const key = (name: string) => ({ "Idempotency-Key": named(name) });

export const balanceOf = async (name: string) =>
  (await rowsOf("SELECT balance_baisa::int AS baisa FROM customers WHERE user_id = $1", [named(name)]))[0]
    ?.baisa;

export async function giveCredit(name: string, credit: number): Promise<void> {
  await issueVoucher(first, `GIFT-${name.toUpperCase()}-${run}`, { credit_omr: credit });
  expect((await order(first, name, { promo_code: `GIFT-${name}-${run}` })).status).toBe(200);
}
