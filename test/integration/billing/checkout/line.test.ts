import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../support/server/postgres.ts";
import { until } from "../../../support/wait.ts";

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});

afterAll(() => database.drop());

type Line = { user_id: string; idempotency_key?: string; request_hash?: string } & Record<string, unknown>;

/** The rows of one call, by their lines. */
async function checkout(
  lines: Line[],
  client: pg.Pool | pg.PoolClient = database.pool,
): Promise<[line: number, outcome: string][]> {
  const requests = lines.map((one, line) => ({
    line,
    email: "",
    tenant_id: one.user_id,
    tenant_member: false,
    plan_id: "free",
    apps: [],
    addons: [],
    total_baisa: 0,
    ...one,
  }));
  const { rows } = await client.query(
    "SELECT line, outcome FROM public.billing_checkout($1, 'x', '{}', NULL, false, 0) ORDER BY line",
    [JSON.stringify(requests)],
  );
  return rows.map(({ line, outcome }) => [line, outcome]);
}

const keyed = (user_id: string, idempotency_key: string, request_hash = "h"): Line => ({
  user_id,
  tenant_id: `${user_id}-${idempotency_key}`,
  idempotency_key,
  request_hash,
});

describe("a line of a checkout call", () => {
  it("has one outcome for each line, for any combination of used keys", async () => {
    expect(await checkout([keyed("a", "one"), keyed("b", "two")])).toEqual([
      [0, "placed"],
      [1, "placed"],
    ]);
    expect(
      await checkout([keyed("a", "one"), keyed("b", "one"), keyed("c", "two"), { user_id: "d" }]),
    ).toEqual([
      [0, "placed"],
      [1, "placed"],
      [2, "placed"],
      [3, "placed"],
    ]);
    expect(await checkout([keyed("a", "three"), keyed("b", "one", "other")])).toEqual([
      [0, "placed"],
      [1, "idempotency_mismatch"],
    ]);
    const { rows } = await database.pool.query(
      "SELECT c.user_id, count(*)::int AS orders FROM orders o JOIN customers c ON c.id = o.customer_id GROUP BY 1 ORDER BY 1",
    );
    expect(rows).toEqual([
      { user_id: "a", orders: 2 },
      { user_id: "b", orders: 2 },
      { user_id: "c", orders: 1 },
      { user_id: "d", orders: 1 },
    ]);
  });

  it("reports a line as in flight while another transaction holds its key", async () => {
    await checkout([keyed("e", "held")]);
    const holder = await database.pool.connect();
    try {
      await holder.query("BEGIN");
      await holder.query(
        "SELECT pg_advisory_xact_lock(hashtextextended('e' || E'\\x1f' || 'held', 4)), pg_advisory_xact_lock(hashtextextended('e' || E'\\x1f' || 'new', 4))",
      );
      for (const key of ["held", "new"]) {
        expect(await checkout([{ user_id: "f" }, keyed("e", key)])).toEqual([
          [0, "placed"],
          [1, "idempotency_in_flight"],
        ]);
      }
    } finally {
      await holder.query("ROLLBACK");
      holder.release();
    }
  });

  it("gives the same outcome under any search_path", async () => {
    const client = await database.pool.connect();
    try {
      await client.query("SET search_path = pg_catalog");
      expect(await checkout([keyed("g", "path")], client)).toEqual([[0, "placed"]]);
    } finally {
      client.release(true);
    }
  });

  it("redeems a voucher without a counter up to its limit", async () => {
    await database.pool.query(
      "INSERT INTO promo_codes (code, credit_omr, max_redemptions, times_redeemed, adopted) VALUES ('UNCOUNTED', 5, 2, NULL, true)",
    );
    const asks = ["h", "i", "j"].map((user_id) => ({ user_id, voucher_key: "UNCOUNTED" }));
    expect(await checkout(asks)).toEqual([
      [0, "placed"],
      [1, "placed"],
      [2, "voucher_ended"],
    ]);
  });

  it("does not redeem a voucher that becomes active while the call waits for another one", async () => {
    await database.pool.query(
      "INSERT INTO promo_codes (code, credit_omr, max_redemptions, deleted_at) VALUES ('HELD', 5, 0, NULL), ('REVIVED', 5, 1, now())",
    );
    const holder = await database.pool.connect();
    await holder.query("BEGIN; SELECT FROM promo_codes WHERE code = 'HELD' FOR UPDATE");
    const waits = checkout([
      { user_id: "k", voucher_key: "HELD" },
      { user_id: "l", voucher_key: "REVIVED" },
    ]);
    try {
      const isWaiting = async () =>
        (
          await database.pool.query(
            "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
          )
        ).rows.length > 0;
      await until(isWaiting, "the checkout waits for the voucher");
      await database.pool.query("UPDATE promo_codes SET deleted_at = NULL WHERE code = 'REVIVED'");
    } finally {
      await holder.query("COMMIT");
      holder.release();
    }
    // Its row is not locked, so it may change after the decision.
    expect(await waits).toEqual([
      [0, "placed"],
      [1, "voucher_not_found"],
    ]);
  });

  it("accepts another customer's tenant when the user is a member of it", async () => {
    await checkout([{ user_id: "owner", tenant_id: "shared" }]);
    const asks = (tenant_member: boolean) =>
      checkout([{ user_id: "guest", tenant_id: "shared", tenant_member }]);
    expect(await asks(false)).toEqual([[0, "tenant_not_yours"]]);
    expect(await asks(true)).toEqual([[0, "placed"]]);
  });
});
