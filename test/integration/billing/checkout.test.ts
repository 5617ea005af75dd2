import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { migrateDatabase } from "../../../src/billing/db/migrate.ts";
import { reconcileLedger } from "../../../src/billing/ledger/reconcile-ledger.ts";
import { createLogger } from "../../../src/platform/log.ts";
import {
  type Answer,
  FQDN,
  issueVoucher,
  placeOrder,
  signToken,
  startBilling,
  type TestBilling,
} from "../../support/billing.ts";
import { EARLIER, fillEarlierTables } from "../../support/earlier-service.ts";
import { createTestDatabase } from "../../support/postgres.ts";

let billing: TestBilling;

beforeAll(async () => {
  billing = await startBilling();
});

afterAll(async () => {
  try {
    expect(await differences(billing)).toEqual([]);
  } finally {
    await billing.close();
  }
});

async function differences(one: TestBilling) {
  return one.service === undefined ? [] : withClient(one, reconcileLedger);
}

async function withClient<T>(
  one: TestBilling,
  use: (client: import("pg").PoolClient) => Promise<T>,
): Promise<T> {
  const client = await one.database.pool.connect();
  try {
    return await use(client);
  } finally {
    client.release();
  }
}

const statuses = (answers: Answer[]) => answers.map(({ status }) => status).sort();
const repeat = <T>(count: number, make: (index: number) => T) =>
  Promise.all(Array.from({ length: count }, (_, index) => make(index)));

async function scalar(sql: string, values: unknown[] = []): Promise<unknown> {
  const { rows } = await billing.database.pool.query({ text: sql, values, rowMode: "array" });
  return rows[0]?.[0];
}

const counter = (code: string) => scalar("SELECT times_redeemed FROM promo_codes WHERE code = $1", [code]);
const edges = (code: string) => scalar("SELECT count(*)::int FROM promo_redemptions WHERE code = $1", [code]);
const balance = (user: string) =>
  scalar("SELECT balance_baisa::int FROM customers WHERE user_id = $1", [user]);

let run = 0;
let code = "";
beforeEach(() => {
  run += 1;
  code = `CODE-${run}`;
});

describe("checkout", () => {
  it("writes edge, counter, grant, order, spend, subscription and event in one go", async () => {
    await issueVoucher(billing, code);
    const answer = await placeOrder(billing, "salma", {
      addons: ["backup"],
      apps: ["wordpress"],
      promo_code: ` ${code.toLowerCase()} `,
    });
    expect(answer.json).toEqual({
      order_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      paid_by_credit: true,
      credit_balance: 14.5,
      credit_balance_baisa: 14_500,
    });
    const orderId = answer.json.order_id;
    const { rows } = await billing.database.pool.query(
      `SELECT p.times_redeemed, e.amount_baisa::int AS edge_baisa, e.order_id, e.issued_by, o.amount_omr, o.amount_baisa::int AS order_baisa,
              o.status, o.apps, o.addons, s.plan_id, s.price_baisa::int AS price,
              (SELECT jsonb_agg(jsonb_build_array(kind, amount_baisa, amount_omr) ORDER BY kind) FROM credit_ledger WHERE order_id = o.id::text) AS ledger
         FROM promo_codes p JOIN promo_redemptions e USING (code) JOIN orders o ON o.id = e.order_id JOIN subscriptions s ON s.order_id = o.id
        WHERE p.code = $1`,
      [code],
    );
    expect(rows).toEqual([
      {
        times_redeemed: 1,
        edge_baisa: 25_000,
        order_id: orderId,
        issued_by: "shared-secret:admin",
        amount_omr: 10,
        order_baisa: 10_500,
        status: "paid",
        apps: ["wordpress"],
        addons: ["backup"],
        plan_id: "small",
        price: 10_500,
        ledger: [
          ["grant", 25_000, 25],
          ["spend", -10_500, -10],
        ],
      },
    ]);
    const event = await scalar("SELECT payload FROM outbox WHERE event_id = $1", [orderId]);
    expect(event).toMatchObject({
      id: orderId,
      tenant_id: "salma-shop",
      promo_code: code,
      user_id: "salma",
      email: "salma@example.om",
      sovereign: FQDN,
      amount_baisa: 10_500,
    });
  });

  it("lets 10 of 64 customers redeem a code that is capped at 10", async () => {
    await issueVoucher(billing, code, { max_redemptions: 10 });
    const answers = await repeat(64, (index) => placeOrder(billing, `cap-${index}`, { promo_code: code }));
    expect(statuses(answers)).toEqual([...Array(10).fill(200), ...Array(54).fill(410)]);
    expect([await counter(code), await edges(code)]).toEqual([10, 10]);
    // Who came too late left nothing behind.
    expect(await scalar("SELECT count(*)::int FROM customers WHERE user_id LIKE 'cap-%'")).toBe(10);
    expect(await scalar("SELECT count(*)::int FROM tenants WHERE tenant_id LIKE 'cap-%'")).toBe(10);
  });

  it("lets one of fifty requests of one customer redeem a code", async () => {
    await issueVoucher(billing, code);
    const answers = await repeat(50, () => placeOrder(billing, "eager", { promo_code: code }));
    expect(statuses(answers)).toEqual([200, ...Array(49).fill(409)]);
    expect([await counter(code), await edges(code), await balance("eager")]).toEqual([1, 1, 16_000]);
  });

  it("spends one balance once: two orders at a time, credit for one", async () => {
    await issueVoucher(billing, code, { credit_omr: 69 });
    expect((await placeOrder(billing, "twofold", { promo_code: code })).status).toBe(200);
    const answers = await repeat(2, () => placeOrder(billing, "twofold", { plan_id: "large" }));
    expect(statuses(answers)).toEqual([200, 503]);
    expect(await balance("twofold")).toBe(0);
  });

  it("creates one customer for two first checkouts at the same time", async () => {
    const answers = await repeat(8, () => placeOrder(billing, "newcomer", { plan_id: "free" }));
    expect(statuses(answers)).toEqual(Array(8).fill(200));
    expect(await scalar("SELECT count(*)::int FROM customers WHERE user_id = 'newcomer'")).toBe(1);
  });

  it("does not lock up when two customers redeem two codes crosswise", async () => {
    const other = `${code}-B`;
    await issueVoucher(billing, code);
    await issueVoucher(billing, other);
    const answers = await repeat(40, (index) =>
      placeOrder(billing, `cross-${index % 4}`, { promo_code: (index >> 2) % 2 === 0 ? code : other }),
    );
    expect(statuses(answers)).toEqual([...Array(8).fill(200), ...Array(32).fill(409)]);
  });

  it.each([
    ["an unknown plan", 422, "plan_unknown", { plan_id: "nope" }],
    ["an unknown app", 422, "app_unknown", { apps: ["nope"] }],
    ["an unknown add-on", 422, "addon_unknown", { addons: ["nope"] }],
    ["an order that credit does not cover", 503, "payment_unavailable", { plan_id: "large" }],
    ["a foreign tenant", 403, "tenant_not_yours", { tenant_id: "taken" }],
  ])("consumes nothing with %s", async (_what, status, problem, body) => {
    await placeOrder(billing, "owner", { plan_id: "free", tenant_id: "taken" });
    await issueVoucher(billing, code, { max_redemptions: 1 });
    const answer = await placeOrder(billing, `fails-${run}`, { promo_code: code, ...body });
    expect([answer.status, answer.json.code, answer.json.error]).toEqual([
      status,
      problem,
      answer.json.detail,
    ]);
    expect(answer.headers.get("content-type")).toContain("application/problem+json");
    expect([await counter(code), await edges(code)]).toEqual([0, 0]);
    expect(await scalar("SELECT count(*)::int FROM customers WHERE user_id = $1", [`fails-${run}`])).toBe(0);
  });

  it.each([
    ["never existed", 404, undefined],
    ["was revoked", 404, "revoke"],
    ["is inactive", 410, { active: false }],
    ["is capped", 410, { max_redemptions: 1 }],
    ["has expired", 410, { expires_at: "2020-01-01T00:00:00Z" }],
    ["has not begun", 410, { starts_at: "2999-01-01T00:00:00Z" }],
  ])("refuses a voucher that %s", async (_what, status, terms) => {
    if (terms !== undefined)
      await issueVoucher(billing, code, terms === "revoke" ? {} : (terms as Record<string, unknown>));
    if (terms === "revoke") {
      await billing.ask(`/billing/vouchers/revoke/${code}`, {
        method: "DELETE",
        token: await signToken("a", "superadmin"),
      });
    }
    await placeOrder(billing, "first", { promo_code: code });
    expect((await placeOrder(billing, "second", { promo_code: code })).status).toBe(status);
  });

  it("keeps what a redemption granted when the code's credit changes later", async () => {
    await issueVoucher(billing, code);
    await placeOrder(billing, "early", { promo_code: code });
    await issueVoucher(billing, code, { credit_omr: 40 });
    await placeOrder(billing, "late", { promo_code: code });
    const { rows } = await billing.database.pool.query(
      "SELECT amount_baisa::int AS granted FROM promo_redemptions WHERE code = $1 ORDER BY created_at",
      [code],
    );
    expect(rows).toEqual([{ granted: 25_000 }, { granted: 40_000 }]);
  });

  it("takes a blank promo_code, and null lists, for none", async () => {
    const answer = await placeOrder(billing, "blank", {
      plan_id: "free",
      promo_code: "  ",
      apps: null,
      addons: null,
    });
    expect(answer.status).toBe(200);
  });
});

describe("checkout with an Idempotency-Key", () => {
  const key = () => ({ "Idempotency-Key": `key-${run}` });

  it("answers the same, byte for byte, and acts once", async () => {
    await issueVoucher(billing, code);
    const first = await placeOrder(billing, "again", { promo_code: code, tenant_id: `t-${run}` }, key());
    const second = await placeOrder(billing, "again", { promo_code: code, tenant_id: `t-${run}` }, key());
    expect([second.status, second.text]).toEqual([200, first.text]);
    expect(await counter(code)).toBe(1);
  });

  it("acts once for 20 requests at the same time; the rest hear the answer or that it is under way", async () => {
    await issueVoucher(billing, code);
    const answers = await repeat(20, () => placeOrder(billing, "burst", { promo_code: code }, key()));
    const placed = answers.filter(({ status }) => status === 200);
    expect(new Set(placed.map(({ text }) => text)).size).toBe(1);
    expect(answers.filter(({ status }) => status !== 200).map(({ json }) => json.code)).toEqual(
      Array(20 - placed.length).fill("idempotency_in_flight"),
    );
    expect([
      await counter(code),
      await scalar("SELECT count(*)::int FROM orders WHERE promo_code = $1", [code]),
    ]).toEqual([1, 1]);
  });

  it("refuses another body with 422, and lets another user have the same key", async () => {
    await placeOrder(billing, "same", { plan_id: "free" }, key());
    expect((await placeOrder(billing, "same", { plan_id: "free", tenant_id: "x" }, key())).status).toBe(422);
    expect((await placeOrder(billing, "other", { plan_id: "free" }, key())).status).toBe(200);
  });

  it("remembers a refusal, and forgets a passing fault", async () => {
    expect((await placeOrder(billing, "early-bird", { promo_code: code }, key())).status).toBe(404);
    const poor = { "Idempotency-Key": `poor-${run}` };
    expect((await placeOrder(billing, "early-bird", {}, poor)).status).toBe(503);
    await issueVoucher(billing, code);
    expect((await placeOrder(billing, "early-bird", { promo_code: code }, key())).status).toBe(404);
    await issueVoucher(billing, `${code}-B`);
    await placeOrder(billing, "early-bird", { plan_id: "free", promo_code: `${code}-B` });
    expect((await placeOrder(billing, "early-bird", {}, poor)).status).toBe(200);
  });

  it("gives the same order after the connection died at COMMIT", async () => {
    await issueVoucher(billing, code);
    // The server takes the whole call, and the answer is lost: the backend is ended the moment it has committed.
    const ender = setInterval(() => {
      void billing.database.pool.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'catalyst-billing'`,
      );
    }, 2);
    const outcomes = new Set<number>();
    let placed: Answer | undefined;
    for (let attempt = 0; attempt < 20; attempt += 1) {
      const answer = await placeOrder(billing, "unlucky", { promo_code: code }, key());
      outcomes.add(answer.status);
      if (answer.status === 200) placed ??= answer;
    }
    clearInterval(ender);
    const last = await placeUntilDone("unlucky", { promo_code: code }, key());
    if (placed !== undefined) expect(last.text).toBe(placed.text);
    expect([...outcomes].filter((status) => status !== 200 && status !== 503)).toEqual([]);
    expect([await counter(code), await edges(code), await balance("unlucky")]).toEqual([1, 1, 16_000]);
    expect(await scalar("SELECT count(*)::int FROM orders WHERE promo_code = $1", [code])).toBe(1);
  });
});

async function placeUntilDone(user: string, body: object, headers: Record<string, string>): Promise<Answer> {
  for (let attempt = 0; ; attempt += 1) {
    const answer = await placeOrder(billing, user, { ...body }, headers);
    if (answer.status !== 503 || attempt === 50) return answer;
    await new Promise((done) => setTimeout(done, 20));
  }
}

describe("checkout against an adopted database", () => {
  let adopted: TestBilling;

  beforeAll(async () => {
    const database = await createTestDatabase("empty");
    await fillEarlierTables(database.pool);
    await migrateDatabase({
      databaseUrl: database.url,
      logger: createLogger("test", "silent"),
      signal: new AbortController().signal,
    });
    adopted = await startBilling({ database });
  });

  afterAll(async () => {
    try {
      const found = await withClient(adopted, reconcileLedger);
      // What is left to differ is what the earlier service left, and is marked so.
      expect(found).toEqual([
        {
          kind: "counter-differs-from-edges",
          adopted: true,
          row: { code: "CROOKED", times_redeemed: 40, edges: 1 },
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

  it("shows a debt, spends nothing of it, and never lets it grow", async () => {
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
  ])("redeems %j as the row %j", async (spelling, code, credit) => {
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

  it("takes a cap below zero for ended", async () => {
    expect(
      (await adopted.ask("/billing/vouchers/redeem-preview", { body: { code: "negative" } })).status,
    ).toBe(410);
    expect((await placeOrder(adopted, "any", { plan_id: "free", promo_code: "NEGATIVE" })).status).toBe(410);
  });

  it("gives a customer the largest credit without overflow", async () => {
    const answer = await placeOrder(adopted, "whale", { plan_id: "free", promo_code: "HUGE" });
    expect(answer.json?.credit_balance_baisa).toBe(2_147_483_647_000);
  });

  it("gives a tenant to the customer who ordered first", async () => {
    expect(
      (await placeOrder(adopted, EARLIER.plain, { plan_id: "free", tenant_id: "rich-shop" })).status,
    ).toBe(403);
  });

  it("takes whole rows back from the older admin UI, with one member flipped", async () => {
    const token = await signToken("admin", "sovereign-admin");
    const listed = (await adopted.ask("/billing/admin/promos", { token })).json as {
      code: string;
      active: boolean;
      max_redemptions: number;
    }[];
    expect(listed).toHaveLength(12);
    // Of twins every endpoint means the same one: these two are the others.
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

  it("revokes codes of any shape, twins one after the other", async () => {
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
