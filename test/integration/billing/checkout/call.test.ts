import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  type CheckoutCall,
  type CheckoutRequest,
  createCheckoutCall,
} from "../../../../src/billing/checkout/call.ts";
import { createDatabase, createPool } from "../../../../src/billing/db/database.ts";
import { createLogger } from "../../../../src/platform/log.ts";
import {
  FQDN,
  issueVoucher,
  reconcile,
  startBilling,
  type TestBilling,
} from "../../../support/builder/billing.ts";

let billing: TestBilling;
let pool: ReturnType<typeof createPool>;
let call: CheckoutCall;
let run = 0;
let code = "";

beforeAll(async () => {
  billing = await startBilling();
  pool = createPool(billing.database.url, 5, createLogger("test", "silent"));
  call = createCheckoutCall({
    database: createDatabase(pool),
    sovereignFqdn: FQDN,
    outboxSinks: ["organization", "kafka"],
  });
});

afterAll(async () => {
  try {
    expect(await reconcile(billing)).toEqual([]);
  } finally {
    await pool.end();
    await billing.close();
  }
});

beforeEach(() => {
  run += 1;
  code = `CALL-${run}`;
});

type Ask = Partial<CheckoutRequest> & { user_id: string };

/** Sends all in one iteration of the event loop, so in one call of the database, in this order. */
async function together(asks: Ask[], cardStepBaisa: number | null = null) {
  return Promise.all(
    asks.map((one) =>
      call(
        {
          email: `${one.user_id}@example.om`,
          tenant_id: `${one.user_id}-shop`,
          tenant_member: false,
          plan_id: "free",
          apps: [],
          addons: [],
          total_baisa: 0,
          voucher_key: null,
          idempotency_key: null,
          request_hash: null,
          ...one,
        },
        cardStepBaisa === null ? null : { stepBaisa: cardStepBaisa, minimumBaisa: 0 },
      ),
    ),
  );
}
const outcomes = async (asks: Ask[], cardStepBaisa: number | null = null) =>
  (await together(asks, cardStepBaisa)).map(({ outcome }) => outcome);
const named = (name: string) => `${name}-${run}`;
const redeems = (name: string, voucher = code): Ask => ({ user_id: named(name), voucher_key: voucher });

async function rowsOf(sql: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
  return (await billing.database.pool.query(sql, values)).rows;
}

describe("several checkouts in one call", () => {
  it("gives the last redemptions of a voucher to the first checkouts", async () => {
    await issueVoucher(billing, code, { max_redemptions: 2 });
    expect(await outcomes(["a", "b", "c"].map((name) => redeems(name)))).toEqual([
      "placed",
      "placed",
      "voucher_ended",
    ]);
  });

  it("counts each checkout against its own voucher only", async () => {
    const other = `${code}-B`;
    await issueVoucher(billing, code, { max_redemptions: 1 });
    await issueVoucher(billing, other, { max_redemptions: 3 });
    expect(
      await outcomes([
        redeems("a", other),
        redeems("b", other),
        redeems("c"),
        redeems("d", other),
        redeems("e"),
      ]),
    ).toEqual(["placed", "placed", "placed", "placed", "voucher_ended"]);
    expect(
      await rowsOf("SELECT times_redeemed FROM promo_codes WHERE code = ANY ($1) ORDER BY code", [
        [code, other],
      ]),
    ).toEqual([{ times_redeemed: 1 }, { times_redeemed: 3 }]);
  });

  it("counts no redemption for a checkout that is refused for another reason", async () => {
    await issueVoucher(billing, code, { max_redemptions: 2 });
    expect(await outcomes([redeems("a")])).toEqual(["placed"]);
    expect(await outcomes([redeems("a"), { ...redeems("poor"), total_baisa: 90_000 }, redeems("b")])).toEqual(
      ["already_redeemed", "payment_unavailable", "placed"],
    );
  });

  it("returns the earlier answer for a repeated key, beside checkouts without a key or with another one", async () => {
    await issueVoucher(billing, code);
    const keyed = (name: string, hash = "h"): Ask => ({
      ...redeems(name),
      idempotency_key: "same",
      request_hash: hash,
    });
    const [before] = await together([keyed("a")]);
    const [again, other, keyless, changed] = await together([
      keyed("a"),
      keyed("b"),
      redeems("c"),
      { ...keyed("d"), idempotency_key: "another" },
    ]);
    expect(again).toEqual({ ...before, isNew: false });
    expect([other, keyless, changed].map((row) => [row?.outcome, row?.isNew])).toEqual(
      Array(3).fill(["placed", true]),
    );
    expect((await together([keyed("a", "other")]))[0]).toEqual({
      outcome: "idempotency_mismatch",
      answer: null,
      isNew: false,
    });
    expect((await rowsOf("SELECT times_redeemed FROM promo_codes WHERE code = $1", [code]))[0]).toEqual({
      times_redeemed: 4,
    });
  });

  it("places orders that credit pays beside orders that wait for a card", async () => {
    await issueVoucher(billing, code, { credit_omr: 1 });
    const [free, pending] = await together(
      [redeems("a"), { ...redeems("b"), total_baisa: 1_234 }, redeems("c")],
      10,
    );
    expect([free?.outcome, free?.answer?.card_baisa, free?.answer?.voucher]).toEqual(["placed", null, code]);
    expect([pending?.outcome, pending?.answer?.card_baisa, pending?.answer?.balance_baisa]).toEqual([
      "pending",
      240,
      0,
    ]);
    expect(
      await rowsOf(
        `SELECT c.user_id, o.status, s.status AS subscription, (SELECT count(*)::int FROM outbox x WHERE x.event_id = o.id) AS events
           FROM orders o JOIN customers c ON c.id = o.customer_id LEFT JOIN subscriptions s ON s.order_id = o.id
          WHERE o.promo_code = $1 ORDER BY 1`,
        [code],
      ),
    ).toEqual([
      { user_id: named("a"), status: "paid", subscription: "active", events: 2 },
      { user_id: named("b"), status: "pending", subscription: null, events: 0 },
      { user_id: named("c"), status: "paid", subscription: "active", events: 2 },
    ]);
  });
});

describe("a refused checkout", () => {
  it("changes no tenant and no customer when a checkout is refused", async () => {
    await outcomes([{ user_id: named("owner"), tenant_id: named("taken") }]);
    // An existing customer without an order.
    await rowsOf("INSERT INTO customers (user_id, tenant_id, email) VALUES ($1, '', '')", [named("old")]);
    expect(
      await outcomes([
        { ...redeems("owner", "NOPE"), tenant_id: named("taken") },
        redeems("old", "NOPE"),
        redeems("new", "NOPE"),
      ]),
    ).toEqual(Array(3).fill("voucher_not_found"));
    expect(await outcomes([{ user_id: named("stranger"), tenant_id: named("taken") }])).toEqual([
      "tenant_not_yours",
    ]);
    expect(
      await rowsOf("SELECT user_id FROM customers WHERE user_id LIKE $1 ORDER BY 1", [`%-${run}`]),
    ).toEqual([{ user_id: named("old") }, { user_id: named("owner") }]);
    expect(await rowsOf("SELECT tenant_id FROM tenants WHERE tenant_id LIKE $1", [`%-${run}%`])).toEqual([
      { tenant_id: named("taken") },
    ]);
  });
});

describe("a placed order", () => {
  it("creates a subscription of one month and one event for each sink", async () => {
    await issueVoucher(billing, code);
    const [row] = await together([
      {
        ...redeems("a"),
        plan_id: "small",
        apps: ["wordpress"],
        addons: ["backup"],
        total_baisa: 10_500,
      },
    ]);
    const orderId = row?.answer?.order_id;
    const [order] = await rowsOf("SELECT customer_id FROM orders WHERE id = $1", [orderId]);
    const payload = {
      id: orderId,
      customer_id: order?.customer_id,
      tenant_id: `${named("a")}-shop`,
      plan_id: "small",
      apps: ["wordpress"],
      addons: ["backup"],
      amount_omr: 10,
      amount_baisa: 10_500,
      status: "paid",
      promo_code: code,
      user_id: named("a"),
      email: `${named("a")}@example.om`,
      sovereign: FQDN,
    };
    const about = { event_id: orderId, type: "order.placed", tenant_id: `${named("a")}-shop`, payload };
    expect(
      await rowsOf(
        "SELECT sink, event_id, type, tenant_id, payload FROM outbox WHERE payload ->> 'id' = $1 ORDER BY sink",
        [orderId],
      ),
    ).toEqual([
      { sink: "kafka", ...about },
      { sink: "organization", ...about },
    ]);
    expect(
      await rowsOf(
        `SELECT s.customer_id, s.tenant_id, s.plan_id, s.status, s.price_baisa, s.current_period_start = o.created_at AS begins,
                s.current_period_end = s.current_period_start + interval '1 month' AS ends
           FROM subscriptions s JOIN orders o ON o.id = s.order_id WHERE o.id = $1`,
        [orderId],
      ),
    ).toEqual([
      {
        customer_id: order?.customer_id,
        tenant_id: `${named("a")}-shop`,
        plan_id: "small",
        status: "active",
        price_baisa: "10500",
        begins: true,
        ends: true,
      },
    ]);
  });

  it("registers the customer under the tenant of the first order", async () => {
    await together([{ user_id: named("mover"), tenant_id: named("first") }]);
    await together([{ user_id: named("mover"), tenant_id: named("second") }]);
    expect(await rowsOf("SELECT tenant_id FROM customers WHERE user_id = $1", [named("mover")])).toEqual([
      { tenant_id: named("first") },
    ]);
  });

  it("stores the email of the customer's last token that has one", async () => {
    const email = async (address: string) => {
      await together([{ user_id: named("mover"), email: address }]);
      return (await rowsOf("SELECT email FROM customers WHERE user_id = $1", [named("mover")]))[0]?.email;
    };
    expect([await email("old@example.om"), await email("new@example.om"), await email("")]).toEqual([
      "old@example.om",
      "new@example.om",
      "new@example.om",
    ]);
  });
});
