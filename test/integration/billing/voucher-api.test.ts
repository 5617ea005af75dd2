import { createHmac } from "node:crypto";
import { writeFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { canonicalJson } from "../../../src/platform/canonical-json.ts";
import {
  ask,
  FQDN,
  issueVoucher,
  nextPage,
  placeOrder,
  signToken,
  startBilling,
  type TestBilling,
} from "../../support/billing.ts";

let billing: TestBilling;
let admin: string;
let superadmin: string;
const started: TestBilling[] = [];

beforeAll(async () => {
  billing = await startBilling();
  admin = await signToken("admin", "sovereign-admin");
  superadmin = await signToken("root", "superadmin");
});

afterAll(() => billing.close());

afterEach(async () => {
  vi.useRealTimers();
  await Promise.all(started.splice(0).map((one) => one.close()));
});

async function start(options: Parameters<typeof startBilling>[0]): Promise<TestBilling> {
  const one = await startBilling(options);
  started.push(one);
  return one;
}

const preview = (code: unknown, one = billing) =>
  one.ask("/billing/vouchers/redeem-preview", { body: { code } });
const revoke = (code: string) =>
  billing.ask(`/billing/vouchers/revoke/${encodeURIComponent(code)}`, { method: "DELETE", token: admin });

describe("POST /billing/vouchers/issue", () => {
  it("stores the code in upper case and fills in what is left out", async () => {
    const answer = await billing.ask("/billing/vouchers/issue", {
      token: admin,
      body: { code: " new-one ", credit_omr: 5 },
    });
    expect([answer.status, answer.json]).toEqual([
      200,
      {
        code: "NEW-ONE",
        credit_omr: 5,
        description: "",
        active: true,
        max_redemptions: 0,
        times_redeemed: 0,
        created_at: expect.stringMatching(/Z$/),
      },
    ]);
  });

  it("updates a live code, ignores read-only members, and leaves an audit row of who changed what", async () => {
    await issueVoucher(billing, "TWICE");
    const body = {
      code: "TWICE",
      credit_omr: 30,
      description: "better",
      max_redemptions: 2,
      times_redeemed: 99,
      created_at: "x",
      deleted_at: null,
    };
    const answer = await billing.ask("/billing/vouchers/issue", { token: superadmin, body });
    expect(answer.json).toMatchObject({
      credit_omr: 30,
      description: "better",
      max_redemptions: 2,
      times_redeemed: 0,
    });
    const { rows } = await billing.database.pool.query(
      `SELECT action, actor, before->>'credit_omr' AS before, after->>'credit_omr' AS after FROM voucher_audit WHERE code = 'TWICE' ORDER BY id`,
    );
    expect(rows).toEqual([
      { action: "issue", actor: "shared-secret:admin", before: null, after: "25" },
      { action: "update", actor: "shared-secret:root", before: "25", after: "30" },
    ]);
  });

  it("brings a revoked code back to life with its counter", async () => {
    await issueVoucher(billing, "PHOENIX");
    await placeOrder(billing, "fire", { promo_code: "PHOENIX" });
    await revoke("PHOENIX");
    const answer = await billing.ask("/billing/vouchers/issue", {
      token: admin,
      body: { code: "phoenix", credit_omr: 9 },
    });
    expect(answer.json).toMatchObject({ code: "PHOENIX", credit_omr: 9, active: true, times_redeemed: 1 });
    expect(answer.json).not.toHaveProperty("deleted_at");
    expect((await preview("PHOENIX")).status).toBe(200);
  });

  it("takes a cap below the counter for ended", async () => {
    await issueVoucher(billing, "SHRINK");
    await placeOrder(billing, "one", { promo_code: "SHRINK" });
    await placeOrder(billing, "two", { promo_code: "SHRINK" });
    await issueVoucher(billing, "SHRINK", { max_redemptions: 1 });
    expect((await preview("SHRINK")).status).toBe(410);
  });

  it("creates one voucher for 20 issues of it at the same time", async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, () =>
        billing.ask("/billing/vouchers/issue", { token: admin, body: { code: "RUSH", credit_omr: 1 } }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
  });

  it("answers the same for the same Idempotency-Key, and 422 for another body", async () => {
    const headers = { "Idempotency-Key": "issue-1" };
    const body = { code: "KEYED", credit_omr: 5 };
    const first = await billing.ask("/billing/vouchers/issue", { token: admin, body, headers });
    await issueVoucher(billing, "KEYED", { credit_omr: 7 });
    const second = await billing.ask("/billing/vouchers/issue", { token: admin, body, headers });
    expect([second.status, second.text]).toEqual([200, first.text]);
    const other = await billing.ask("/billing/vouchers/issue", {
      token: admin,
      body: { ...body, credit_omr: 6 },
      headers,
    });
    expect([other.status, other.json.code]).toEqual([422, "idempotency_mismatch"]);
    const elsewhere = await placeOrder(billing, "admin", { plan_id: "free" }, headers);
    expect(elsewhere.status).toBe(422);
  });
});

describe("the dates of a voucher", () => {
  it.each([
    ["9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"],
    ["9999-12-31T23:59:59+14:00", "9999-12-31T09:59:59.000Z"],
    ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"],
  ])("may be %s, and come back as an instant of our own kind", async (starts_at, instant) => {
    const body = { code: "EDGE", credit_omr: 1, starts_at };
    const issued = await billing.ask("/billing/vouchers/issue", { token: admin, body });
    expect([issued.status, issued.json.starts_at]).toEqual([200, instant]);
    const again = await billing.ask("/billing/vouchers/issue", { token: admin, body: issued.json });
    expect(again.json.starts_at).toBe(instant);
    await revoke("EDGE");
  });
});

describe("GET /billing/vouchers/list", () => {
  it("pages through live vouchers, newest first, each once", async () => {
    const one = await start({});
    expect((await one.ask("/billing/vouchers/list", { token: admin })).text).toBe("[]");
    for (let index = 0; index < 7; index += 1) await issueVoucher(one, `PAGE-${index}`);
    await one.database.pool.query(
      "UPDATE promo_codes SET created_at = '2026-01-01' WHERE code IN ('PAGE-2', 'PAGE-3')",
    );
    const codes: string[] = [];
    let path: string | undefined = "/billing/vouchers/list?limit=3";
    while (path !== undefined) {
      const answer = await one.ask(path, { token: admin });
      codes.push(...answer.json.map(({ code }: { code: string }) => code));
      path = nextPage(path, answer);
    }
    expect(codes).toEqual(["PAGE-6", "PAGE-5", "PAGE-4", "PAGE-1", "PAGE-0", "PAGE-3", "PAGE-2"]);
  });

  it.each([
    "limit=0",
    "limit=x",
    "limit=1.5",
    "limit=1001",
    "cursor=x",
    "cursor=WyJ4IiwiMiJd",
    "limit=1&limit=2",
  ])("refuses ?%s", async (query) => {
    expect((await billing.ask(`/billing/vouchers/list?${query}`, { token: admin })).status).toBe(400);
  });
});

describe("DELETE /billing/vouchers/revoke/{code}", () => {
  it("revokes once; the second time, and for a code that never was, it answers 404", async () => {
    await issueVoucher(billing, "BYE");
    const first = await revoke("bye");
    expect([first.status, first.text]).toEqual([200, '{"ok":true}']);
    expect((await revoke("BYE")).status).toBe(404);
    expect((await revoke("NEVER-WAS")).status).toBe(404);
    const { rows } = await billing.database.pool.query(
      "SELECT active, deleted_at IS NOT NULL AS deleted FROM promo_codes WHERE code = 'BYE'",
    );
    expect(rows).toEqual([{ active: false, deleted: true }]);
  });
});

describe("POST /billing/vouchers/redeem-preview", () => {
  it("answers exactly five members and never a counter or a cap", async () => {
    await issueVoucher(billing, "SHOWN", { max_redemptions: 7 });
    await placeOrder(billing, "shown", { promo_code: "SHOWN" });
    const answer = await preview("\t shown\n");
    expect(answer.status).toBe(200);
    expect(answer.text).toBe(
      '{"code":"SHOWN","credit_omr":25,"description":"offer","active":true,"accepting_redemptions":true}',
    );
    expect(
      [...answer.headers.keys()].filter((name) => /redempt|redeemed|remaining|limit/i.test(name)),
    ).toEqual([]);
  });

  it("answers 404 byte for byte the same for a code that never was and one that was revoked", async () => {
    await issueVoucher(billing, "REVOKED");
    await revoke("REVOKED");
    const [gone, never] = [await preview("REVOKED"), await preview("NEVER")];
    expect([gone.status, never.status]).toEqual([404, 404]);
    expect(gone.text).toBe(never.text);
    expect(gone.headers.get("content-type")).toBe("application/problem+json; charset=utf-8");
    const shared = (headers: Headers) =>
      [...headers].filter(([name]) => !["date", "x-request-id"].includes(name));
    expect(shared(gone.headers)).toEqual(shared(never.headers));
  });

  it.each([
    ["inactive", { active: false }, false],
    ["capped", { max_redemptions: 1 }, true],
  ])("answers 410 with the five members as plain JSON for one that is %s", async (what, terms, active) => {
    const code = `ENDED-${what.toUpperCase()}`;
    await issueVoucher(billing, code, terms);
    await placeOrder(billing, `ended-${what}`, { promo_code: code });
    const answer = await preview(code);
    expect([answer.status, answer.headers.get("content-type")]).toEqual([
      410,
      "application/json; charset=utf-8",
    ]);
    expect(answer.json).toEqual({
      code,
      credit_omr: 25,
      description: "offer",
      active,
      accepting_redemptions: false,
    });
  });

  it.each(["", " ", "\t\n "])("answers 400 for the blank %j", async (code) => {
    expect((await preview(code)).status).toBe(400);
  });

  it("limits misses harder than hits, for live codes too, shared with the page, by client", async () => {
    // Only the date: timers and sockets go on as they are.
    vi.useFakeTimers({ toFake: ["Date"] });
    const one = await start({
      env: { PREVIEW_LIMIT: "8", PREVIEW_MISS_LIMIT: "3", TRUSTED_PROXIES: "127.0.0.1, ::1" },
    });
    await one.database.pool.query(
      "INSERT INTO promo_codes (code, credit_omr, description) VALUES ('LIVE', 1, '')",
    );
    const from = (client: string, code: string) =>
      one.ask("/billing/vouchers/redeem-preview", {
        body: { code },
        headers: { "x-forwarded-for": `6.6.6.6, ${client}` },
      });
    for (const code of ["A1", "A2", "A3"]) expect((await from("1.1.1.1", code)).status).toBe(404);
    const over = await from("1.1.1.1", "LIVE");
    expect([over.status, over.json.code, over.headers.get("retry-after")]).toEqual([
      429,
      "rate_limited",
      "60",
    ]);
    const page = await one.ask("/redeem?code=LIVE", { headers: { "x-forwarded-for": "1.1.1.1" } });
    expect([page.status, page.headers.get("retry-after")]).toEqual([429, "60"]);
    // Another client; and an IPv6 subscriber who moves about in the own /64.
    for (let count = 0; count < 8; count += 1) expect((await from("2.2.2.2", "LIVE")).status).toBe(200);
    expect((await from("2.2.2.2", "LIVE")).status).toBe(429);
    for (const host of [1, 2, 3]) expect((await from(`2001:db8:1:2::${host}`, "NOPE")).status).toBe(404);
    expect((await from("2001:db8:1:2:ffff::4", "LIVE")).status).toBe(429);
    expect((await from("2001:db8:1:3::1", "LIVE")).status).toBe(200);
    vi.setSystemTime(Date.now() + 60_000);
    expect((await from("1.1.1.1", "LIVE")).status).toBe(200);
  });

  it("admits a burst of hits, and no more misses than the limit however many come at once", async () => {
    const one = await start({ env: { PREVIEW_LIMIT: "100", PREVIEW_MISS_LIMIT: "3" } });
    await one.database.pool.query(
      "INSERT INTO promo_codes (code, credit_omr, description) VALUES ('LIVE', 1, '')",
    );
    const hits = await Promise.all(Array.from({ length: 40 }, () => preview("LIVE", one)));
    expect(hits.map(({ status }) => status)).toEqual(Array(40).fill(200));
    const misses = await Promise.all(Array.from({ length: 40 }, (_, index) => preview(`MISS-${index}`, one)));
    expect(misses.filter(({ status }) => status === 404)).toHaveLength(3);
    expect(misses.filter(({ status }) => status === 429)).toHaveLength(37);
  });
});

describe("the older surface", () => {
  it("lists, takes the whole row back with active flipped, and deletes", async () => {
    const one = await start({});
    const created = await one.ask("/billing/admin/promos", {
      token: admin,
      body: { code: "old-ui", credit_omr: 10, description: "d", active: true, max_redemptions: 5 },
    });
    expect(created.json.code).toBe("OLD-UI");
    const [row] = (await one.ask("/billing/admin/promos", { token: admin })).json;
    expect(
      (
        await one.ask("/billing/admin/promos", {
          token: admin,
          body: { ...row, active: false, times_redeemed: 77 },
        })
      ).json,
    ).toEqual({ ...row, active: false });
    const put = await one.ask("/billing/admin/promos/old-ui", {
      method: "PUT",
      token: admin,
      body: { ...row, credit_omr: 11 },
    });
    expect(put.json).toEqual({ ...row, credit_omr: 11 });
    const partly = await one.ask("/billing/admin/promos/OLD-UI", {
      method: "PUT",
      token: admin,
      body: { description: "only this" },
    });
    expect(partly.json).toEqual({ ...row, credit_omr: 11, description: "only this" });
    expect((await one.ask("/billing/admin/promos/OLD-UI", { method: "DELETE", token: admin })).text).toBe(
      '{"ok":true}',
    );
    expect(
      (await one.ask("/billing/admin/promos/OLD-UI", { method: "PUT", token: admin, body: row })).status,
    ).toBe(404);
    expect((await one.ask("/billing/admin/promos", { token: admin })).text).toBe("[]");
  });

  it("refuses another code in the body than in the path", async () => {
    await issueVoucher(billing, "PATH");
    const answer = await billing.ask("/billing/admin/promos/PATH", {
      method: "PUT",
      token: admin,
      body: { code: "BODY" },
    });
    expect(answer.status).toBe(400);
  });
});

describe("the Franchise's grants", () => {
  const GRANTS = { maxActive: 3, maxCreditPerVoucherOmr: 50, maxOutstandingCreditOmr: 100 };
  const issue = (one: TestBilling, code: string, body: object = {}) =>
    one.ask("/billing/vouchers/issue", {
      token: admin,
      body: { code, credit_omr: 10, max_redemptions: 1, ...body },
    });

  it("are enforced, each by its name, and follow the file", async () => {
    const one = await start({ files: { GRANTS_FILE: GRANTS } });
    const tooDear = await issue(one, "DEAR", { credit_omr: 51 });
    expect([tooDear.status, tooDear.json.code]).toEqual([403, "grant_exceeded"]);
    expect(tooDear.json.error).toContain("maxCreditPerVoucherOmr");
    expect((await issue(one, "ENDLESS", { max_redemptions: 0 })).json.error).toMatch(
      /maxOutstandingCreditOmr.*set max_redemptions/,
    );
    expect((await issue(one, "WIDE", { max_redemptions: 11 })).json.error).toContain(
      "maxOutstandingCreditOmr",
    );
    for (const code of ["ONE", "TWO", "THREE"]) expect((await issue(one, code)).status).toBe(200);
    expect((await issue(one, "FOUR")).json.error).toContain("maxActive");
    // What grows nothing is allowed at the limit; what is given back may be used again.
    expect((await issue(one, "ONE", { description: "new words" })).status).toBe(200);
    expect((await issue(one, "TWO", { active: false })).status).toBe(200);
    expect((await issue(one, "FOUR")).status).toBe(200);
    expect((await issue(one, "TWO")).status).toBe(403);
    const { rows } = await one.database.pool.query("SELECT active FROM promo_codes WHERE code = 'TWO'");
    expect(rows).toEqual([{ active: false }]);
    writeFileSync(one.settings.grantsFile ?? "", JSON.stringify({ ...GRANTS, maxActive: 4 }));
    expect((await issue(one, "TWO")).status).toBe(200);
    writeFileSync(one.settings.grantsFile ?? "", "{ broken");
    expect((await issue(one, "FIVE")).status).toBe(403);
  });

  it("hold against issues at the same time, over two instances", async () => {
    const one = await start({ files: { GRANTS_FILE: { maxActive: 5, maxOutstandingCreditOmr: 40 } } });
    const two = await start({
      files: { GRANTS_FILE: { maxActive: 5, maxOutstandingCreditOmr: 40 } },
      database: one.database,
    });
    const answers = await Promise.all(
      Array.from({ length: 24 }, (_, index) => issue(index % 2 === 0 ? one : two, `RACE-${index}`)),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(4);
    expect(answers.filter(({ status }) => status === 403)).toHaveLength(20);
  });
});

describe("account and administration", () => {
  it("shows zeros to an unknown customer and decimals to a known one", async () => {
    expect((await billing.ask("/billing/balance", { token: await signToken("nobody") })).json).toEqual({
      credit_omr: 0,
      credit_baisa: 0,
      entries: [],
    });
    await issueVoucher(billing, "BALANCE");
    const { json } = await placeOrder(billing, "known", { promo_code: "BALANCE", addons: ["backup"] });
    expect((await billing.ask("/billing/balance", { token: await signToken("known") })).json).toEqual({
      credit_omr: 14.5,
      credit_baisa: 14_500,
      entries: expect.arrayContaining([
        {
          id: expect.any(String),
          amount_omr: -10.5,
          amount_baisa: -10_500,
          reason: expect.any(String),
          order_id: json.order_id,
          created_at: expect.any(String),
        },
        {
          id: expect.any(String),
          amount_omr: 25,
          amount_baisa: 25_000,
          reason: "voucher BALANCE",
          order_id: json.order_id,
          created_at: expect.any(String),
        },
      ]),
    });
  });

  it("shows a tenant's subscription and invoices to its customer alone", async () => {
    await placeOrder(billing, "mine", { plan_id: "free", tenant_id: "my-shop" });
    const [mine, yours] = [await signToken("mine"), await signToken("yours")];
    expect((await billing.ask("/billing/subscription/my-shop", { token: mine })).json).toMatchObject({
      tenant_id: "my-shop",
      plan_id: "free",
      status: "active",
    });
    expect((await billing.ask("/billing/invoices/my-shop", { token: mine })).text).toBe("[]");
    expect((await billing.ask("/billing/portal/my-shop", { method: "POST", token: mine })).status).toBe(503);
    for (const [method, path] of [
      ["GET", "subscription"],
      ["GET", "invoices"],
      ["POST", "portal"],
    ] as const) {
      const foreign = await billing.ask(`/billing/${path}/my-shop`, { method, token: yours });
      const absent = await billing.ask(`/billing/${path}/no-shop`, { method, token: yours });
      expect([foreign.status, foreign.text]).toEqual([404, absent.text]);
    }
  });

  it("shows orders and revenue with the Sovereign's name", async () => {
    const one = await start({});
    await issueVoucher(one, "REV");
    await placeOrder(one, "a", { promo_code: "REV", tenant_id: "a-1" });
    await placeOrder(one, "a", { tenant_id: "a-2", addons: ["backup"] });
    await one.ask("/billing/vouchers/revoke/REV", { method: "DELETE", token: admin });
    const orders = (await one.ask("/billing/admin/orders", { token: superadmin })).json;
    expect(orders).toHaveLength(2);
    expect(orders[0]).toMatchObject({
      amount_omr: 10.5,
      amount_baisa: 10_500,
      sovereign: FQDN,
      promo_code: "",
      promo_deleted: false,
      apps: [],
      addons: ["backup"],
      stripe_session_id: "",
    });
    expect(orders[1]).toMatchObject({
      amount_omr: 9,
      promo_code: "REV",
      promo_deleted: true,
      sovereign: FQDN,
    });
    expect((await one.ask("/billing/admin/revenue", { token: superadmin })).json).toEqual({
      total_mrr: 19.5,
      total_mrr_baisa: 19_500,
      total_customers: 1,
      new_this_month: 1,
      active_subscriptions: 2,
      sovereign: FQDN,
    });
  });

  it("keeps payment keys to itself, and leaves what is absent or empty as it is", async () => {
    const one = await start({});
    const put = (body: object) =>
      one.ask("/billing/admin/settings", { method: "PUT", token: superadmin, body });
    await put({
      stripe_secret_key: "sk_live_aaaabbbb1234",
      stripe_webhook_secret: "whsec_aaaabbbb5678",
      stripe_public_key: "pk_live_1",
    });
    const kept = await put({ stripe_secret_key: "", stripe_public_key: "pk_live_2" });
    expect(kept.json).toEqual({
      stripe_secret_key_configured: true,
      stripe_secret_key_last4: "1234",
      stripe_webhook_secret_configured: true,
      stripe_webhook_secret_last4: "5678",
      stripe_public_key: "pk_live_2",
      updated_at: expect.any(String),
    });
    expect(kept.text).not.toMatch(/sk_live_a|whsec_a/);
    const event = JSON.stringify({ id: "evt_9", type: "account.updated", data: { object: {} } });
    const at = Math.floor(Date.now() / 1000);
    const sign = (secret: string, t = at) => ({
      "stripe-signature": `t=${t},v1=${createHmac("sha256", secret).update(`${t}.${event}`).digest("hex")}`,
    });
    const deliver = (headers: Record<string, string>) => one.ask("/billing/webhook", { raw: event, headers });
    expect((await deliver(sign("whsec_aaaabbbb5678"))).status).toBe(200);
    expect((await deliver(sign("whsec_aaaabbbb5678"))).status).toBe(200);
    expect((await deliver(sign("whsec_other"))).status).toBe(400);
    expect((await deliver(sign("whsec_aaaabbbb5678", at - 900))).status).toBe(400);
    expect((await deliver({})).status).toBe(400);
    expect(
      (await one.database.pool.query("SELECT count(*)::int AS n FROM stripe_webhook_events")).rows,
    ).toEqual([{ n: 1 }]);
    expect((await billing.ask("/billing/webhook", { raw: event, headers: sign("x") })).status).toBe(503);
  });
});

describe("the page and the machine endpoints", () => {
  it("shows the offer in the Sovereign's branding, which follows its file, and links to sign-up", async () => {
    const one = await start({
      files: {
        BRANDING_FILE: {
          displayName: "Omantel <b>Cloud</b>",
          colour: "#ff7900",
          hostname: "cloud.omantel.om",
          logo: "https://cdn.omantel.om/logo.svg",
          keycloakTheme: "x",
        },
      },
    });
    await issueVoucher(one, "PAGE", { description: "<script>alert(1)</script>" });
    const offer = await one.ask("/redeem?code=page");
    expect(offer.status).toBe(200);
    expect(offer.headers.get("content-security-policy")).toMatch(
      /^default-src 'none'; style-src 'sha256-[^']+'; img-src https:\/\/cdn.omantel.om;/,
    );
    expect(offer.text).toContain('href="https://cloud.omantel.om/signup?voucher=PAGE"');
    expect(offer.text).toContain("25 OMR");
    expect(offer.text).toContain("Omantel &#60;b&#62;Cloud");
    expect(offer.text).not.toContain("<script>");
    writeFileSync(one.settings.brandingFile ?? "", JSON.stringify({ displayName: "Renamed" }));
    expect((await one.ask("/redeem?code=page")).text).toContain("Renamed");
  });

  it.each([
    ["an ended campaign", "ENDED-INACTIVE", 410, "This campaign has ended"],
    ["an unknown code", "NO-SUCH-CODE", 404, "This voucher is not valid"],
    ["a code too long to be one", "X".repeat(5_000), 404, "This voucher is not valid"],
    ["no code", "", 200, "Redeem a voucher"],
  ])("says so for %s", async (_what, code, status, words) => {
    const answer = await billing.ask(`/redeem?code=${code}`);
    expect([answer.status, answer.headers.get("content-type")]).toEqual([status, "text/html; charset=utf-8"]);
    expect(answer.text).toContain(words);
  });

  it("describes the same API on every Sovereign", async () => {
    const other = await start({
      env: { SOVEREIGN_FQDN: "other.example", CORS_ORIGIN: "https://a.example" },
      files: { CATALOG_FILE: { plans: [], addons: [] } },
    });
    const [here, there] = [await billing.ask("/openapi.json"), await other.ask("/openapi.json")];
    expect(canonicalJson(here.json)).toBe(canonicalJson(there.json));
    expect(here.text).not.toContain(FQDN);
    expect(Object.keys(here.json.paths).sort()).toMatchInlineSnapshot(`
      [
        "/admin",
        "/admin/script/{version}/{file}",
        "/admin/style/{version}/admin.css",
        "/billing/admin/balances",
        "/billing/admin/orders",
        "/billing/admin/promos",
        "/billing/admin/promos/{code}",
        "/billing/admin/redemptions",
        "/billing/admin/revenue",
        "/billing/admin/settings",
        "/billing/balance",
        "/billing/checkout",
        "/billing/errors",
        "/billing/invoices/{tenantId}",
        "/billing/portal/{tenantId}",
        "/billing/subscription/{tenantId}",
        "/billing/vouchers/audit/{code}",
        "/billing/vouchers/bulk-issue",
        "/billing/vouchers/issue",
        "/billing/vouchers/list",
        "/billing/vouchers/redeem-preview",
        "/billing/vouchers/revoke/{code}",
        "/billing/webhook",
        "/healthz",
        "/metrics",
        "/openapi.json",
        "/readyz",
        "/redeem",
      ]
    `);
  });

  it("answers probes, metrics and unknown paths", async () => {
    expect((await billing.ask("/healthz")).json).toEqual({ status: "ok" });
    expect((await billing.ask("/readyz")).json).toEqual({
      status: "ok",
      schema: {
        version: expect.stringMatching(/^\d{4}-/),
        fingerprint: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      },
    });
    expect((await billing.ask("/metrics")).text).toContain(
      'catalyst_billing_http_request_duration_seconds_count{route="/healthz",method="GET",status="200"}',
    );
    expect((await billing.ask("/billing/redeem", { body: {} })).status).toBe(404);
    const wrong = await billing.ask("/billing/vouchers/issue");
    expect([wrong.status, wrong.headers.get("allow")]).toEqual([405, "POST"]);
    const head = await fetch(`${billing.origin}/healthz`, { method: "HEAD" });
    expect(head.status).toBe(200);
  });

  it("speaks CORS to the configured origins alone", async () => {
    const one = await start({ env: { CORS_ORIGIN: "https://market.example" } });
    const preflight = (origin: string) =>
      ask(one.origin, "/billing/checkout", {
        method: "OPTIONS",
        headers: { origin, "access-control-request-method": "POST" },
      });
    const allowed = await preflight("https://market.example");
    expect([allowed.status, allowed.headers.get("access-control-allow-origin")]).toEqual([
      204,
      "https://market.example",
    ]);
    expect((await preflight("https://evil.example")).headers.get("access-control-allow-origin")).toBeNull();
  });
});

describe("catalog and tenant services", () => {
  it("reads prices over HTTP and consumes nothing while the service is away", async () => {
    const { createServer } = await import("node:http");
    const upstream = createServer((request, response) => {
      if (request.url === "/catalog/plans")
        response.end(JSON.stringify([{ id: "pro", price_omr: 2.5, stripe_price_id: "price_1" }]));
      else if (request.url === "/catalog/addons") response.end("[]");
      else if (request.url === "/tenants/owned/members") response.end('["helper"]');
      else response.writeHead(404).end();
    });
    await new Promise<void>((done) => upstream.listen(0, "127.0.0.1", done));
    const url = `http://127.0.0.1:${(upstream.address() as { port: number }).port}`;
    let nowMs = Date.now();
    const one = await start({
      files: { CATALOG_FILE: undefined },
      env: { CATALOG_FILE: "", CATALOG_URL: url, TENANT_URL: url },
      now: () => new Date(nowMs),
    });
    await issueVoucher(one, "UPSTREAM");
    const placed = await placeOrder(one, "buyer", {
      plan_id: "pro",
      tenant_id: "owned",
      promo_code: "UPSTREAM",
      apps: ["anything"],
    });
    expect(placed.json).toMatchObject({ credit_balance: 22.5 });
    await issueVoucher(one, "HELPS");
    expect(
      (await placeOrder(one, "helper", { plan_id: "pro", tenant_id: "owned", promo_code: "HELPS" })).status,
    ).toBe(200);
    expect(
      (await placeOrder(one, "stranger", { plan_id: "pro", tenant_id: "owned", promo_code: "HELPS" })).status,
    ).toBe(403);
    upstream.closeAllConnections();
    await new Promise((done) => upstream.close(done));
    nowMs += 5_000;
    const away = await placeOrder(one, "late", { plan_id: "pro", promo_code: "UPSTREAM" });
    expect([away.status, away.json.code]).toEqual([503, "catalog_unavailable"]);
  });
});
