import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { migrateDatabase } from "../../../../src/billing/db/migrate.ts";
import { recordChanges } from "../../../../src/billing/ledger/audit-record.ts";
import { runSmokeTest } from "../../../../src/billing/smoke.ts";
import { createLogger } from "../../../../src/platform/log.ts";
import {
  issueVoucher,
  placeOrder,
  reconcile,
  signToken,
  startBilling,
  type TestBilling,
} from "../../../support/builder/billing.ts";
import { fillEarlierTables } from "../../../support/builder/earlier-service.ts";
import { createTestDatabase } from "../../../support/server/postgres.ts";

let billing: TestBilling;
let admin: string;

const TABLES = ["promo_codes", "voucher_audit", "voucher_audit_head"];

beforeAll(async () => {
  billing = await startBilling();
  admin = await signToken("admin", "sovereign-admin");
  await query(TABLES.map((table) => `CREATE TABLE kept_${table} AS TABLE ${table}`).join(";"));
});

afterAll(() => billing.close());

// A database for each test would take longer than the tests: each one gets the empty books back.
afterEach(() =>
  unguarded(
    [
      "promo_redemptions",
      "credit_ledger",
      "subscriptions",
      "orders",
      "outbox",
      "tenants",
      "customers",
      ...TABLES,
    ]
      .map((table) => `DELETE FROM ${table}`)
      .concat(TABLES.map((table) => `INSERT INTO ${table} SELECT * FROM kept_${table}`))
      .join(";"),
  ),
);

const query = (text: string) => billing.database.pool.query(text);

const revoke = (code: string) =>
  billing.ask(`/billing/vouchers/revoke/${code}`, { method: "DELETE", token: admin });

async function kinds(): Promise<string[]> {
  return [...new Set((await reconcile(billing)).map(({ kind }) => kind))].sort();
}

/** Vouchers ONE, TWO and THREE, of which TWO was changed and THREE was revoked: six rows. */
async function writeTrail(): Promise<void> {
  for (const code of ["ONE", "TWO", "THREE"]) await issueVoucher(billing, code);
  await issueVoucher(billing, "TWO", { credit_omr: 30 });
  await revoke("THREE");
  await issueVoucher(billing, "FOUR", { starts_at: "2026-01-01T00:00:00.123Z", expires_at: null });
}

/** Past the triggers, as only the database's own administrator could. */
const unguarded = (statement: string) =>
  query(`BEGIN; SET LOCAL session_replication_role = replica; ${statement}; COMMIT`);

describe("the audit trail", () => {
  it.each([
    "UPDATE voucher_audit SET actor = 'another'",
    "DELETE FROM voucher_audit",
    "TRUNCATE voucher_audit",
    "UPDATE voucher_audit_head SET last_id = 0, digest = ''",
    "DELETE FROM voucher_audit_head",
    "TRUNCATE voucher_audit_head",
  ])("is append-only: %s", async (statement) => {
    await issueVoucher(billing, "KEPT");
    await expect(query(statement)).rejects.toMatchObject({ code: "CB004" });
    expect(await kinds()).toEqual([]);
  });

  it.each<[what: string, tamper: () => Promise<unknown>, found: string[]]>([
    [
      "a voucher that was changed without a row",
      () => query("UPDATE promo_codes SET credit_omr = 500 WHERE code = 'ONE'"),
      ["voucher-differs-from-audit"],
    ],
    [
      "a revoked voucher that was restored without a row",
      () => query("UPDATE promo_codes SET deleted_at = NULL, active = true WHERE code = 'THREE'"),
      ["voucher-differs-from-audit"],
    ],
    [
      "a voucher that was created without a row",
      () => query("INSERT INTO promo_codes (code, credit_omr, adopted) VALUES ('FIVE', 5, true)"),
      ["voucher-differs-from-audit"],
    ],
    [
      "a voucher that was deleted",
      () => query("DELETE FROM promo_codes WHERE code = 'ONE'"),
      ["voucher-differs-from-audit"],
    ],
    [
      "a voucher that was changed without a row, and changed back by another issue",
      async () => {
        await query("UPDATE promo_codes SET credit_omr = 500 WHERE code = 'ONE'");
        await issueVoucher(billing, "ONE");
      },
      ["voucher-changed-without-audit"],
    ],
    [
      "a row that was changed",
      () => unguarded("UPDATE voucher_audit SET actor = 'another' WHERE id = 2"),
      ["audit-row-changed"],
    ],
    [
      "a row that was changed together with its digest",
      () =>
        unguarded(
          "UPDATE voucher_audit SET actor = 'another' WHERE id = 2; UPDATE voucher_audit a SET digest = billing_audit_digest(a) WHERE id = 2",
        ),
      ["audit-row-missing"],
    ],
    [
      "a row that was removed in the middle",
      () => unguarded("DELETE FROM voucher_audit WHERE id = 4"),
      ["audit-row-missing", "voucher-differs-from-audit"],
    ],
    [
      "a row that was removed at the end",
      () => unguarded("DELETE FROM voucher_audit WHERE id = 6"),
      ["audit-end-differs", "voucher-differs-from-audit"],
    ],
    [
      "a row that was removed at the end together with its voucher",
      () => unguarded("DELETE FROM voucher_audit WHERE id = 6; DELETE FROM promo_codes WHERE code = 'FOUR'"),
      ["audit-end-differs"],
    ],
    [
      "all rows removed together with all vouchers",
      () => unguarded("DELETE FROM voucher_audit; DELETE FROM promo_codes"),
      ["audit-end-differs"],
    ],
    [
      "a row that was added behind the chain",
      () =>
        unguarded(
          `INSERT INTO voucher_audit SELECT 7, code, action, actor, now(), after, after, issuer, subject, token_id, token_issued_at, batch, digest, 'sha256:0'
             FROM voucher_audit WHERE id = 6`,
        ),
      ["audit-end-differs", "audit-row-changed"],
    ],
    [
      "a row that was added behind the chain with a digest that fits",
      () =>
        unguarded(
          `INSERT INTO voucher_audit SELECT 7, code, action, actor, now(), after, after, issuer, subject, token_id, token_issued_at, batch, digest, ''
             FROM voucher_audit WHERE id = 6; UPDATE voucher_audit a SET digest = billing_audit_digest(a) WHERE id = 7`,
        ),
      ["audit-end-differs"],
    ],
  ])("shows %s", async (_what, tamper, found) => {
    await writeTrail();
    expect(await kinds()).toEqual([]);
    await tamper();
    expect(await kinds()).toEqual(found);
  });

  it("agrees again after the changes without a row were recorded, and keeps them", async () => {
    await writeTrail();
    await query("UPDATE promo_codes SET credit_omr = 500 WHERE code IN ('ONE', 'TWO')");
    await issueVoucher(billing, "TWO");
    await query("DELETE FROM promo_codes WHERE code = 'FOUR'");
    const differences = await reconcile(billing);
    const client = await billing.database.pool.connect();
    const codes = await recordChanges(client, differences, "the migration of May").finally(() =>
      client.release(),
    );
    expect(codes).toEqual(["FOUR", "ONE", "TWO"]);
    expect(await kinds()).toEqual([]);
    const { json } = await billing.ask("/billing/vouchers/audit?code=ONE", { token: admin });
    expect(json[0]).toMatchObject({
      action: "record",
      actor: "database:postgres",
      subject: "the migration of May",
      before: { credit_omr: 25 },
      after: { credit_omr: 500 },
    });
    await query("UPDATE promo_codes SET credit_omr = 600 WHERE code = 'ONE'");
    expect(await kinds()).toEqual(["voucher-differs-from-audit"]);
  });

  it("is one chain when two instances change vouchers at the same time and some changes fail", async () => {
    const other = await startBilling({
      database: billing.database,
      files: { GRANTS_FILE: { maxCreditPerVoucherOmr: 50 } },
    });
    try {
      await issueVoucher(billing, "BUSY");
      const answers = await Promise.all(
        Array.from({ length: 60 }, (_, index) => {
          const one = index % 2 === 0 ? billing : other;
          if (index % 10 === 9)
            return one.ask("/billing/vouchers/bulk-issue", {
              token: admin,
              body: { count: 20, credit_omr: 5 },
            });
          if (index % 10 === 8) return revoke("BUSY");
          const code = index % 3 === 0 ? "BUSY" : `CODE-${index}`;
          const body = { code, credit_omr: index % 7 === 0 ? 60 : 40 };
          return one.ask("/billing/vouchers/issue", { token: admin, body });
        }),
      );
      // A revocation of the revoked code is 404, when two of them meet.
      expect(new Set(answers.map(({ status }) => (status === 404 ? 200 : status)))).toEqual(
        new Set([200, 403]),
      );
      await placeOrder(billing, "salma", { promo_code: "CODE-1" });
      expect(await kinds()).toEqual([]);
      const { rows } = await query("SELECT count(*)::int, max(id)::int FROM voucher_audit");
      expect(rows[0].count).toBe(rows[0].max);
      expect(rows[0].count).toBeGreaterThan(120);
    } finally {
      await other.close();
    }
  });

  it("gets one row for a request that is sent twice with one Idempotency-Key", async () => {
    const issue = () =>
      billing.ask("/billing/vouchers/issue", {
        token: admin,
        body: { code: "TWICE", credit_omr: 5 },
        headers: { "Idempotency-Key": "once" },
      });
    await Promise.all([issue(), issue()]);
    expect((await issue()).status).toBe(200);
    const { rows } = await query("SELECT action FROM voucher_audit");
    expect(rows).toEqual([{ action: "issue" }]);
    expect(await kinds()).toEqual([]);
  });

  it("gets no row from a redemption, and agrees after it", async () => {
    await issueVoucher(billing, "DRAWN");
    await placeOrder(billing, "salma", { promo_code: "DRAWN" });
    const { rows } = await query("SELECT action FROM voucher_audit");
    expect(rows).toEqual([{ action: "issue" }]);
    expect(await kinds()).toEqual([]);
  });

  it("begins with the adopted vouchers, and shows what the earlier service changes after that", async () => {
    const database = await createTestDatabase("empty");
    await fillEarlierTables(database.pool);
    await migrateDatabase({
      databaseUrl: database.url,
      logger: createLogger("test", "silent"),
      signal: new AbortController().signal,
    });
    const adopted = await startBilling({ database });
    try {
      const ofAudit = async () =>
        (await reconcile(adopted)).filter(({ kind }) => /audit/.test(kind)).map(({ row }) => row.code);
      expect(await ofAudit()).toEqual([]);
      await issueVoucher(adopted, "a/b", { credit_omr: 6 });
      await database.pool.query("UPDATE promo_codes SET credit_omr = 70 WHERE code = 'eid'");
      expect(await ofAudit()).toEqual(["eid"]);
      const { rows } = await database.pool.query(
        "SELECT action, count(*)::int AS n FROM voucher_audit GROUP BY action ORDER BY action",
      );
      expect(rows).toEqual([
        { action: "adopt", n: 13 },
        { action: "update", n: 1 },
      ]);
    } finally {
      await adopted.close();
      await database.drop();
    }
  });

  it("gets one row from a smoke test, however often the test runs", async () => {
    const run = () =>
      runSmokeTest({
        baseUrl: billing.origin,
        token: admin,
        code: "SMOKE-0123456789ABCDEF",
        fetch,
        now: () => new Date(),
        signal: new AbortController().signal,
      });
    const passed = [];
    for (let count = 0; count < 4; count += 1) {
      passed.push((await run()).passed);
      expect(await kinds()).toEqual([]);
    }
    expect(passed).toEqual([true, true, true, true]);
    const { rows } = await query("SELECT action, actor FROM voucher_audit");
    expect(rows).toEqual([{ action: "smoke", actor: "shared-secret:admin" }]);
  });

  it("shows a smoke test's voucher that was raised, and who raised it", async () => {
    const smoke = { credit_omr: 1, description: "smoke test", max_redemptions: 1 };
    await issueVoucher(billing, "SMOKE-1", smoke);
    await issueVoucher(billing, "SMOKE-1", { ...smoke, credit_omr: 900 });
    await issueVoucher(billing, "SMOKE-1", smoke);
    const { rows } = await query("SELECT action FROM voucher_audit ORDER BY id");
    expect(rows.map(({ action }) => action)).toEqual(["smoke", "update", "smoke"]);
    expect(await kinds()).toEqual([]);
    await query("UPDATE promo_codes SET max_redemptions = 100 WHERE code = 'SMOKE-1'");
    expect(await kinds()).toEqual(["voucher-differs-from-audit"]);
  });
});
