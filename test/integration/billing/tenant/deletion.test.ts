import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createDatabase, createPool } from "../../../../src/billing/db/database.ts";
import {
  createTenantEventReceiver,
  type TenantEventReceiver,
} from "../../../../src/billing/tenant/event-receiver.ts";
import { createLogger } from "../../../../src/platform/log.ts";
import { Registry } from "../../../../src/platform/metrics.ts";
import {
  issueVoucher,
  placeOrder,
  reconcile,
  signToken,
  startBilling,
  type TestBilling,
} from "../../../support/builder/billing.ts";
import { startStripeServer } from "../../../support/server/stripe-server.ts";

const logger = createLogger("test", "silent");
const TOPIC = "sme.tenant.events";

let billing: TestBilling;
let pool: ReturnType<typeof createPool>;
let registry: Registry;
let receive: TenantEventReceiver;
let stop: AbortController;

beforeEach(async () => {
  billing = await startBilling();
  pool = createPool(billing.database.url, 5, logger);
  registry = new Registry();
  receive = createTenantEventReceiver({ database: createDatabase(pool), logger, registry, backOffMs: 5 });
  stop = new AbortController();
});

afterEach(async () => {
  stop.abort();
  await pool.end();
  await billing.close();
});

const tell = (id: string, tenant: string, offset = 0n) =>
  receive(
    {
      topic: TOPIC,
      partition: 0,
      offset,
      value: Buffer.from(
        JSON.stringify({ id, type: "tenant.deleted", tenant_id: tenant, data: { id: tenant } }),
      ),
    },
    stop.signal,
  );

const rows = async (sql: string): Promise<unknown[]> => (await billing.database.pool.query(sql)).rows;

const differences = () => reconcile(billing);

const balance = async (user: string): Promise<number> =>
  (await billing.ask("/billing/balance", { token: await signToken(user) })).json.credit_baisa;

/** Every row that a deletion may change. */
const state = () =>
  Promise.all([
    rows("SELECT tenant_id, status FROM subscriptions ORDER BY tenant_id, created_at"),
    rows("SELECT tenant_id, stripe_invoice_id, status FROM invoices ORDER BY stripe_invoice_id"),
    rows("SELECT amount_baisa, order_id, status FROM credit_ledger ORDER BY created_at, amount_baisa"),
    rows("SELECT tenant_id, status FROM orders ORDER BY created_at"),
    rows("SELECT user_id, balance_baisa FROM customers ORDER BY user_id"),
  ]);

describe("a deleted tenant", () => {
  it("ends a deleted tenant's subscriptions and open invoices, and moves no money", async () => {
    await issueVoucher(billing, "WELCOME");
    await placeOrder(billing, "salma", { tenant_id: "gone", promo_code: "WELCOME" });
    await placeOrder(billing, "salma", { tenant_id: "stays", plan_id: "small" });
    await placeOrder(billing, "other", { tenant_id: "others", plan_id: "free" });
    await billing.database.pool.query(
      `INSERT INTO invoices (customer_id, tenant_id, stripe_invoice_id, status)
       SELECT c.id, i.tenant, i.id, i.status FROM customers c, (VALUES
         ('gone', 'i1', 'draft'), ('gone', 'i2', 'open'), ('gone', 'i3', 'paid'), ('gone', 'i4', 'uncollectible'),
         ('gone', 'i5', NULL), ('stays', 'i6', 'open')) AS i (tenant, id, status) WHERE c.user_id = 'salma'`,
    );
    const before = await balance("salma");
    expect(await tell("e1", "gone")).toBe("handled");
    expect(await rows("SELECT tenant_id, status FROM subscriptions ORDER BY tenant_id")).toEqual([
      { tenant_id: "gone", status: "canceled" },
      { tenant_id: "others", status: "active" },
      { tenant_id: "stays", status: "active" },
    ]);
    expect(await rows("SELECT stripe_invoice_id AS id, status FROM invoices ORDER BY 1")).toEqual([
      { id: "i1", status: "void" },
      { id: "i2", status: "void" },
      { id: "i3", status: "paid" },
      { id: "i4", status: "uncollectible" },
      { id: "i5", status: "void" },
      { id: "i6", status: "open" },
    ]);
    expect(
      await rows(
        `SELECT o.tenant_id, l.kind, l.status FROM credit_ledger l JOIN orders o ON o.id::text = l.order_id ORDER BY 1, 2`,
      ),
    ).toEqual([
      { tenant_id: "gone", kind: "grant", status: "tenant_deleted" },
      { tenant_id: "gone", kind: "spend", status: "tenant_deleted" },
      { tenant_id: "stays", kind: "spend", status: "active" },
    ]);
    expect(await rows("SELECT topic, event_id, type, tenant_id, effects FROM handled_events")).toEqual([
      {
        topic: TOPIC,
        event_id: "e1",
        type: "tenant.deleted",
        tenant_id: "gone",
        effects: { subscriptions: 1, invoices: 3, ledger_entries: 2 },
      },
    ]);
    expect(await balance("salma")).toBe(before);
    expect(await differences()).toEqual([]);
    const revenue = await billing.ask("/billing/admin/revenue", {
      token: await signToken("root", "superadmin"),
    });
    expect(revenue.json.active_subscriptions).toBe(2);
  });

  it("includes ledger entries without an order of customers registered under the tenant", async () => {
    await billing.database.pool.query(
      `INSERT INTO customers (user_id, tenant_id, email, balance_baisa) VALUES ('old', 'gone', '', 5000), ('new', 'stays', '', 7000);
       INSERT INTO credit_ledger (customer_id, amount_omr, amount_baisa, reason, adopted)
       SELECT id, balance_baisa / 1000, balance_baisa, 'promo', true FROM customers`,
    );
    await tell("e1", "gone");
    expect(
      await rows(
        "SELECT c.user_id, l.status FROM credit_ledger l JOIN customers c ON c.id = l.customer_id ORDER BY 1",
      ),
    ).toEqual([
      { user_id: "new", status: "active" },
      { user_id: "old", status: "tenant_deleted" },
    ]);
    expect(await differences()).toEqual([]);
  });

  it("cancels each subscription at the payment processor once, as soon as it answers", async () => {
    const stripe = await startStripeServer();
    const paid = await startBilling({
      database: billing.database,
      env: stripe.env,
    });
    try {
      await billing.database.pool.query(
        `INSERT INTO subscriptions (tenant_id, stripe_subscription_id, status) VALUES
           ('gone', 'sub_1', 'active'), ('gone', 'gone_2', 'past_due'), ('gone', 'sub_3', 'canceled'), ('gone', NULL, 'active'),
           ('stays', 'sub_4', 'active'), ('stuck', 'stuck_5', 'active'), ('stuck', 'stuck_6', 'active')`,
      );
      await tell("e1", "gone");
      stripe.fault = "away";
      await expect(paid.service.sweep()).rejects.toMatchObject({ code: "payment_unavailable" });
      // A gateway in front of Stripe canceled nothing.
      stripe.fault = { status: 503, body: { message: "no healthy upstream" } };
      await expect(paid.service.sweep()).rejects.toMatchObject({ code: "payment_unavailable" });
      stripe.fault = "none";
      stripe.asked.length = 0;
      await paid.service.sweep();
      await paid.service.sweep();
      const canceled = stripe.asked.filter(({ method }) => method === "DELETE");
      expect(canceled.map(({ path }) => path).sort()).toEqual([
        "/v1/subscriptions/gone_2",
        "/v1/subscriptions/sub_1",
      ]);
      expect(await rows("SELECT id FROM subscriptions WHERE cancel_due")).toEqual([]);
      expect(await rows("SELECT tenant_id, status FROM subscriptions GROUP BY 1, 2 ORDER BY 1")).toEqual([
        { tenant_id: "gone", status: "canceled" },
        { tenant_id: "stays", status: "active" },
        { tenant_id: "stuck", status: "active" },
      ]);

      // Two subscriptions that the processor refuses each time do not delay the others.
      await tell("e2", "stuck");
      await tell("e3", "stays");
      await expect(paid.service.sweep()).rejects.toMatchObject({ code: "payment_refused" });
      expect(
        await rows("SELECT stripe_subscription_id AS id FROM subscriptions WHERE cancel_due ORDER BY 1"),
      ).toEqual([{ id: "stuck_5" }, { id: "stuck_6" }]);
    } finally {
      await paid.close();
      await stripe.close();
    }
  });

  it("handles a deletion once for several events at the same time, and again for a later event", async () => {
    await placeOrder(billing, "salma", { tenant_id: "gone", plan_id: "free" });
    const outcomes = await Promise.all([1n, 2n, 3n, 4n, 5n].map((offset) => tell("e1", "gone", offset)));
    expect(outcomes.sort()).toEqual(["handled", "repeated", "repeated", "repeated", "repeated"]);
    await placeOrder(billing, "salma", { tenant_id: "gone", plan_id: "free" });
    const after = await state();
    expect(await tell("e1", "gone")).toBe("repeated");
    expect(await state()).toEqual(after);
    expect(await tell("e2", "gone")).toBe("handled");
    expect(await rows("SELECT status FROM subscriptions")).toEqual([
      { status: "canceled" },
      { status: "canceled" },
    ]);
    expect(await tell("e3", "never seen")).toBe("handled");
    expect(await registry.metrics()).toContain('catalyst_billing_tenant_events_total{outcome="repeated"} 5');
  });

  it("sets a deletion aside after a few attempts that the database refuses, and handles it when it is sent again", async () => {
    await placeOrder(billing, "salma", { tenant_id: "gone", plan_id: "free" });
    await billing.database.pool.query(
      `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no''; END';
       CREATE TRIGGER refuse BEFORE UPDATE ON handled_events EXECUTE FUNCTION refuse()`,
    );
    const before = await state();
    expect(await tell("e1", "gone")).toBe("set_aside");
    expect(await state()).toEqual(before);
    expect(await rows("SELECT * FROM handled_events")).toEqual([]);
    expect(await registry.metrics()).toContain('catalyst_billing_tenant_events_total{outcome="set_aside"} 1');
    await billing.database.pool.query("DROP TRIGGER refuse ON handled_events");
    expect(await tell("e1", "gone")).toBe("handled");
    expect(await rows("SELECT status FROM subscriptions")).toEqual([{ status: "canceled" }]);
  });

  it("waits for a database that is unreachable for longer than the attempts of a refused event", async () => {
    await placeOrder(billing, "salma", { tenant_id: "gone", plan_id: "free" });
    const release = await hold("credit_ledger");
    const answer = tell("e1", "gone");
    for (let killed = 0; killed < 8; ) killed += await killWaiting();
    expect(await rows("SELECT status FROM subscriptions")).toEqual([{ status: "active" }]);
    await release();
    expect(await answer).toBe("handled");
    expect(await rows("SELECT status FROM subscriptions")).toEqual([{ status: "canceled" }]);
    expect(await rows("SELECT event_id FROM handled_events")).toEqual([{ event_id: "e1" }]);
  });

  it("leaves a deletion to the next process when this one stops", async () => {
    const release = await hold("handled_events");
    const answer = tell("e1", "gone");
    while ((await waiting()) === 0);
    stop.abort();
    await killWaiting();
    expect(await answer).toBe("stopped");
    await release();
    expect(await rows("SELECT event_id FROM handled_events")).toEqual([]);
  });
});

/** Locks a table against all other transactions, until the returned function is called. */
async function hold(table: string): Promise<() => Promise<void>> {
  const client = await billing.database.pool.connect();
  await client.query(`BEGIN; LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`);
  return async () => {
    await client.query("COMMIT");
    client.release();
  };
}

const WAITING =
  "FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND pid <> pg_backend_pid()";

const waiting = async () => (await rows(`SELECT pid ${WAITING}`)).length;
const killWaiting = async () => (await rows(`SELECT pg_terminate_backend(pid) ${WAITING}`)).length;
