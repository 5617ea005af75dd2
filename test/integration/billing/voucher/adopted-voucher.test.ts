import { randomInt } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import type { MigrationReport } from "../../../../src/billing/db/migrate.ts";
import {
  nextPage,
  placeOrder,
  reconcile,
  signToken,
  startBilling,
  type TestBilling,
} from "../../../support/builder/billing.ts";
import { EARLIER_TABLES } from "../../../support/builder/earlier-service.ts";
import { migrate } from "../../../support/server/migration-database.ts";
import { createTestDatabase, type TestDatabase } from "../../../support/server/postgres.ts";

const opened: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

/** A service on a database of the earlier service. `fill` writes the rows. */
async function adopt(
  fill: (database: TestDatabase) => Promise<void>,
): Promise<{ billing: TestBilling; report: MigrationReport }> {
  const database = await createTestDatabase("empty");
  opened.push(() => database.drop());
  await database.pool.query(EARLIER_TABLES);
  await fill(database);
  const report = await migrate(database);
  const billing = await startBilling({ database });
  opened.push(() => billing.close());
  return { billing, report };
}

/** Han characters, three bytes each, in no order that a compressor could use. */
const han = (count: number) =>
  Array.from({ length: count }, () => String.fromCodePoint(0x4e00 + randomInt(20_000))).join("");

/** The longest code that fits the primary key of the earlier service. */
async function insertLongest({ pool }: TestDatabase): Promise<string> {
  for (let count = 902; ; count -= 1) {
    const code = han(count);
    const inserted = await pool
      .query("INSERT INTO promo_codes (code, credit_omr, description) VALUES ($1, 25, 'long')", [code])
      .then(
        () => true,
        (error: { code?: string }) => error.code !== "54000" && Promise.reject(error),
      );
    if (inserted) return code;
  }
}

describe("an adopted code near the size limit of an index key", () => {
  it("shows an adopted code that is too long as ended, and revokes it with an audit row", async () => {
    let code = "";
    const { billing, report } = await adopt(async (database) => {
      code = await insertLongest(database);
    });
    expect(Buffer.byteLength(code)).toBeGreaterThan(2_685);
    expect(report.findings).toContainEqual(
      expect.objectContaining({
        kind: "code-too-long",
        row_count: 1,
        remedy: expect.stringMatching(/^The row is kept/),
      }),
    );

    const token = await signToken("admin", "sovereign-admin");
    const list = await billing.ask("/billing/vouchers/list", { token });
    expect(list.json.map((voucher: { code: string }) => voucher.code)).toEqual([code]);
    const preview = await billing.ask("/billing/vouchers/redeem-preview", { body: { code } });
    expect([preview.status, preview.json.accepting_redemptions]).toEqual([410, false]);
    const checkout = await placeOrder(billing, "buyer", { promo_code: code });
    expect([checkout.status, checkout.json.code]).toEqual([410, "voucher_ended"]);
    const path = encodeURIComponent(code);
    expect((await billing.ask(`/billing/vouchers/revoke/${path}`, { method: "DELETE", token })).json).toEqual(
      { ok: true },
    );
    const trail = await billing.ask(`/billing/vouchers/audit/${path}`, { token });
    expect(trail.json.map((entry: { action: string; code: string }) => [entry.action, entry.code])).toEqual([
      ["revoke", code],
      ["adopt", code],
    ]);
  });

  it("redeems a long adopted code that fits the key of a redemption", async () => {
    const code = han(890);
    const { billing } = await adopt(async ({ pool }) => {
      await pool.query("INSERT INTO promo_codes (code, credit_omr) VALUES ($1, 25)", [code]);
    });
    const answer = await placeOrder(billing, "buyer", { promo_code: code });
    expect([answer.status, answer.json.credit_balance]).toEqual([200, 16]);
  });
});

describe("the list of vouchers", () => {
  it("pages through codes of the same time that differ only in the last letter", async () => {
    const start = han(300);
    const codes = ["A", "B", "C", "D"].map((end) => `${start}${end}`);
    const { billing } = await adopt(async ({ pool }) => {
      await pool.query(
        "INSERT INTO promo_codes (code, credit_omr, created_at) SELECT code, 1, '2025-01-01' FROM unnest($1::text[]) AS code",
        [codes],
      );
    });
    const token = await signToken("admin", "sovereign-admin");
    const seen: string[] = [];
    let path: string | undefined = "/billing/vouchers/list?limit=1";
    while (path !== undefined) {
      const answer = await billing.ask(path, { token });
      seen.push(...answer.json.map((voucher: { code: string }) => voucher.code));
      path = nextPage(path, answer);
    }
    expect(seen).toEqual(codes.toReversed());
  });
});

describe("an adopted voucher without a limit or a counter", () => {
  it.each([
    { what: "no cap", cap: null, counter: 3, accepts: true },
    { what: "no cap and no counter", cap: null, counter: null, accepts: true },
    { what: "a cap and no counter", cap: 1, counter: null, accepts: true },
    { what: "a cap below zero, as before", cap: -1, counter: 0, accepts: false },
  ])("$what: the list, the preview and the checkout say the same", async ({ cap, counter, accepts }) => {
    const { billing, report } = await adopt(async ({ pool }) => {
      await pool.query(
        "INSERT INTO promo_codes (code, credit_omr, max_redemptions, times_redeemed) VALUES ('NEVER-SET', 25, $1, $2)",
        [cap, counter],
      );
    });
    const list = await billing.ask("/billing/vouchers/list", {
      token: await signToken("admin", "sovereign-admin"),
    });
    expect(list.json).toMatchObject([
      { max_redemptions: cap ?? 0, times_redeemed: counter ?? 0, active: true },
    ]);
    const preview = await billing.ask("/billing/vouchers/redeem-preview", { body: { code: "NEVER-SET" } });
    expect([preview.status, preview.json.accepting_redemptions]).toEqual([accepts ? 200 : 410, accepts]);
    const first = await placeOrder(billing, "first", { promo_code: "NEVER-SET" });
    expect(first.status).toBe(accepts ? 200 : 410);
    const second = await placeOrder(billing, "second", { promo_code: "NEVER-SET" });
    expect(second.status).toBe(cap === null ? 200 : 410);
    expect(report.findings.map(({ kind }) => kind).includes("cap-missing")).toBe(cap === null);
  });

  it("shows, restores and revokes an adopted voucher that was revoked at no finite time", async () => {
    const { billing } = await adopt(async ({ pool }) => {
      await pool.query(
        "INSERT INTO promo_codes (code, credit_omr, deleted_at) VALUES ('FOREVER', 25, 'infinity'), ('NEVER', 25, '-infinity')",
      );
    });
    const token = await signToken("admin", "sovereign-admin");
    const revoked = await billing.ask("/billing/vouchers/list?standing=revoked", { token });
    expect([revoked.status, revoked.json.map(({ code }: { code: string }) => code).sort()]).toEqual([
      200,
      ["FOREVER", "NEVER"],
    ]);
    const shown = await billing.ask("/billing/vouchers/read/FOREVER", { token });
    expect([shown.status, shown.json.standing, shown.json.deleted_at]).toEqual([200, "revoked", undefined]);
    const body = { code: "FOREVER", credit_omr: 25 };
    expect((await billing.ask("/billing/vouchers/issue", { token, body })).status).toBe(200);
    const [change] = (await billing.ask("/billing/vouchers/audit/FOREVER", { token })).json;
    expect(change.action).toBe("revive");
    expect(await reconcile(billing)).toEqual([]);
  });

  it("counts an adopted voucher without a limit against the grants as unlimited", async () => {
    const { billing } = await adopt(async ({ pool }) => {
      await pool.query(
        "INSERT INTO promo_codes (code, credit_omr, max_redemptions) VALUES ('NEVER-SET', 25, NULL)",
      );
    });
    const limited = await startBilling({
      database: billing.database,
      files: { GRANTS_FILE: { maxActive: 1 } },
    });
    opened.push(() => limited.close());
    const answer = await limited.ask("/billing/vouchers/issue", {
      token: await signToken("admin", "sovereign-admin"),
      body: { code: "ONE-MORE", credit_omr: 1 },
    });
    expect([answer.status, answer.json.code]).toEqual([403, "grant_exceeded"]);
  });
});
