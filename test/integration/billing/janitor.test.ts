import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createDatabase } from "../../../src/billing/db/database.ts";
import { sweep } from "../../../src/billing/janitor.ts";
import { createLogger } from "../../../src/platform/log.ts";
import { createTestDatabase, type TestDatabase } from "../../support/server/postgres.ts";

const logger = createLogger("test", "silent");
const { signal } = new AbortController();

let test: TestDatabase;
beforeEach(async () => {
  test = await createTestDatabase();
});
afterEach(() => test.drop());

const left = async () =>
  (
    await test.pool.query(
      `SELECT (SELECT array_agg(tenant_id ORDER BY id) FROM outbox) AS events,
              (SELECT array_agg(key ORDER BY key) FROM idempotency_records) AS keys,
              (SELECT array_agg(event_id ORDER BY event_id) FROM stripe_webhook_events) AS payments,
              (SELECT array_agg(stripe_subscription_id ORDER BY stripe_subscription_id) FROM stripe_subscription_states) AS states`,
    )
  ).rows[0];

describe("janitor", () => {
  it("deletes delivered events and stored answers after 7 days, payment events after 35 days, and nothing that waits", async () => {
    await test.pool.query(
      `INSERT INTO outbox (event_id, sink, type, tenant_id, payload, created_at, delivered_at)
       SELECT gen_random_uuid(), 'kafka', 'order.placed', t, '{}', now() - interval '30 days', d FROM (VALUES
         ('old', now() - interval '7 days 1 minute'), ('recent', now() - interval '6 days 23 hours'), ('waiting', NULL)) AS e (t, d);
       INSERT INTO idempotency_records (user_id, key, request_hash, answer, created_at) VALUES
         ('u', 'old', '', '{}', now() - interval '7 days 1 minute'), ('u', 'recent', '', '{}', now() - interval '6 days 23 hours'),
         ('v', 'old', '', '{}', now());
       INSERT INTO stripe_webhook_events (event_id, event_type, processed_at) VALUES
         ('evt_old', 'x', now() - interval '35 days 1 minute'), ('evt_recent', 'x', now() - interval '34 days 23 hours'), ('evt_undated', 'x', NULL);
       INSERT INTO stripe_subscription_states (stripe_subscription_id, status, recorded_at) VALUES
         ('sub_old', 'active', now() - interval '35 days 1 minute'), ('sub_recent', 'active', now() - interval '34 days 23 hours')`,
    );
    expect(await sweep({ database: createDatabase(test.pool), logger }, signal)).toEqual({
      outbox: 1,
      idempotency_records: 1,
      stripe_webhook_events: 1,
      stripe_subscription_states: 1,
    });
    expect(await left()).toEqual({
      events: ["recent", "waiting"],
      keys: ["old", "recent"],
      payments: ["evt_recent", "evt_undated"],
      states: ["sub_recent"],
    });
  });

  it("deletes several batches, also on two instances at once, and skips locked rows", async () => {
    await test.pool.query(
      `INSERT INTO outbox (event_id, sink, type, tenant_id, payload, delivered_at)
       SELECT gen_random_uuid(), 'kafka', 'order.placed', 't' || n, '{}', now() - interval '8 days' FROM generate_series(1, 2500) AS n;
       INSERT INTO idempotency_records (user_id, key, request_hash, answer, created_at)
       SELECT 'u', 'k' || n, '', '{}', now() - interval '8 days' FROM generate_series(1, 1500) AS n`,
    );
    const holder = await test.pool.connect();
    await holder.query(
      "BEGIN; SELECT 1 FROM outbox WHERE tenant_id = 't7' FOR UPDATE; SELECT 1 FROM idempotency_records WHERE key = 'k7' FOR UPDATE",
    );
    const database = createDatabase(test.pool);
    const [one, two] = await Promise.all([
      sweep({ database, logger }, signal),
      sweep({ database, logger }, signal),
    ]);
    expect([
      (one.outbox ?? 0) + (two.outbox ?? 0),
      (one.idempotency_records ?? 0) + (two.idempotency_records ?? 0),
    ]).toEqual([2_499, 1_499]);
    expect(await left()).toEqual({ events: ["t7"], keys: ["k7"], payments: null, states: null });
    await holder.query("ROLLBACK");
    holder.release();
  });
});
