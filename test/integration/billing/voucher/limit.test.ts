import { describe, expect, it } from "vitest";
import { createDatabase, createPool, type Database } from "../../../../src/billing/db/database.ts";
import { readBillingSettings } from "../../../../src/billing/settings.ts";
import { createVoucherService } from "../../../../src/billing/voucher/voucher-service.ts";
import { createEnvReader } from "../../../../src/platform/env.ts";
import { createLogger } from "../../../../src/platform/log.ts";
import {
  createOperatorKey,
  FQDN,
  issueVoucher,
  JWT_SECRET,
  placeOrder,
  signOperatorToken,
  signToken,
  useBillings,
} from "../../../support/builder/billing.ts";

const start = useBillings();

describe("ISSUE_LIMIT", () => {
  it("limits what each user issues on every endpoint, and nothing else", async () => {
    const operator = await createOperatorKey();
    const one = await start({ env: { ISSUE_LIMIT: "5" }, files: { OPERATOR_JWKS_FILE: operator.jwks } });
    const [ann, bob] = [await signToken("ann", "sovereign-admin"), await signToken("bob", "superadmin")];
    const post = (path: string, token: string, body: object) =>
      one.ask(`/billing/${path}`, { token, body: { credit_omr: 1, ...body } });
    expect((await post("vouchers/issue", ann, { code: "ONE" })).status).toBe(200);
    expect((await post("admin/promos", ann, { code: "TWO" })).status).toBe(200);
    expect((await post("vouchers/issue", ann, {})).status).toBe(200);
    // A bulk issue counts as one issue for each 1,000 codes.
    expect((await post("vouchers/bulk-issue", ann, { count: 1_001 })).status).toBe(200);
    for (const [path, body] of [
      ["vouchers/issue", { code: "SIX" }],
      ["admin/promos", { code: "SIX" }],
      ["vouchers/bulk-issue", { count: 1 }],
    ] as const) {
      const refused = await post(path, ann, body);
      expect([refused.status, refused.json.code]).toEqual([429, "rate_limited"]);
      expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
      expect(Number(refused.headers.get("retry-after"))).toBeLessThanOrEqual(60);
    }
    // Revoking, updating and listing have no limit, and other users are not affected.
    const put = await one.ask("/billing/admin/promos/ONE", {
      method: "PUT",
      token: ann,
      body: { active: false },
    });
    expect(put.status).toBe(200);
    const revoked = await one.ask("/billing/vouchers/revoke/TWO", { method: "DELETE", token: ann });
    expect(revoked.status).toBe(200);
    expect((await one.ask("/billing/vouchers/list?limit=1", { token: ann })).status).toBe(200);
    expect((await post("vouchers/issue", bob, { code: "BOBS" })).status).toBe(200);
    const ours = await signOperatorToken(operator);
    for (let count = 0; count < 7; count += 1)
      expect((await post("vouchers/issue", ours, { code: `SMOKE-${count}` })).status).toBe(200);
  });

  it.each(["many", "-1", "1.5", "1e9999"])("refuses ISSUE_LIMIT=%s", (text) => {
    const env = { DATABASE_URL: "postgres://x/y", SOVEREIGN_FQDN: FQDN, JWT_SECRET, ISSUE_LIMIT: text };
    expect(() => readBillingSettings(createEnvReader(env))).toThrow("ISSUE_LIMIT");
  });

  it("is 120 by default, and allows a bulk issue of 10,000 codes", async () => {
    const one = await start({ env: { ISSUE_LIMIT: undefined } });
    expect(one.settings.issueLimit).toBe(120);
    const answer = await one.ask("/billing/vouchers/bulk-issue", {
      token: await signToken("ann", "sovereign-admin"),
      body: { count: 10_000, credit_omr: 1 },
    });
    expect(answer.status).toBe(200);
  });
});

describe("a preview", () => {
  it("sends the same query to the database for every code", async () => {
    const one = await start();
    await issueVoucher(one, "LIVE");
    await issueVoucher(one, "CAPPED", { max_redemptions: 1 });
    await placeOrder(one, "first", { promo_code: "CAPPED" });
    await issueVoucher(one, "REVOKED");
    await one.ask("/billing/vouchers/revoke/REVOKED", {
      method: "DELETE",
      token: await signToken("admin", "sovereign-admin"),
    });
    const pool = createPool(one.database.url, 1, createLogger("test", "silent"));
    const database = createDatabase(pool);
    const asked: { name: string | undefined; text: string; values: unknown[] | undefined }[] = [];
    const counting: Database = {
      ...database,
      query: (statement) => {
        asked.push({ name: statement.name, text: statement.text, values: statement.values });
        return database.query(statement);
      },
    };
    const vouchers = createVoucherService({ database: counting, grants: () => ({}) });
    try {
      const codes = ["LIVE", "CAPPED", "REVOKED", "UNKNOWN"];
      const found = [];
      for (const code of codes) found.push(await vouchers.preview(code));
      expect(found.map((voucher) => voucher?.preview.accepting_redemptions)).toEqual([
        true,
        false,
        undefined,
        undefined,
      ]);
      expect(asked.map(({ values }) => values)).toEqual(codes.map((code) => [[code]]));
      expect(new Set(asked.map(({ name, text }) => `${name} ${text}`)).size).toBe(1);
    } finally {
      await pool.end();
    }
  });

  it.each([
    ["has not begun", { starts_at: "2999-01-01T00:00:00Z" }, "voucher_not_started"],
    ["has expired", { expires_at: "2020-01-01T00:00:00Z" }, "voucher_ended"],
  ])(
    "answers 410 for a voucher that %s, on the page and at checkout as well",
    async (_what, dates, refusal) => {
      const one = await start();
      await issueVoucher(one, "DATED", dates);
      const answer = await one.ask("/billing/vouchers/redeem-preview", { body: { code: "DATED" } });
      expect([answer.status, answer.json]).toEqual([
        410,
        { code: "DATED", credit_omr: 25, description: "offer", active: true, accepting_redemptions: false },
      ]);
      expect((await one.ask("/redeem?code=dated")).status).toBe(410);
      expect((await placeOrder(one, "late", { promo_code: "DATED" })).json.code).toBe(refusal);
      const [listed] = (
        await one.ask("/billing/vouchers/list", { token: await signToken("admin", "sovereign-admin") })
      ).json;
      expect(new Date(listed.starts_at ?? listed.expires_at).toISOString()).toBe(
        new Date(Object.values(dates)[0] ?? "").toISOString(),
      );
      // Dates that are left out stay as they are, so only null removes them.
      await issueVoucher(one, "DATED", { starts_at: null, expires_at: null });
      expect((await one.ask("/billing/vouchers/redeem-preview", { body: { code: "DATED" } })).status).toBe(
        200,
      );
    },
  );
});
