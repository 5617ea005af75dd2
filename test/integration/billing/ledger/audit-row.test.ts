import { describe, expect, it } from "vitest";
import { runSmokeTest } from "../../../../src/billing/smoke.ts";
import { issueVoucher, placeOrder, reconcile, startBilling } from "../../../support/builder/billing.ts";
import { fillEarlierTables } from "../../../support/builder/earlier-service.ts";
import { migrate } from "../../../support/server/migration-database.ts";
import { createTestDatabase } from "../../../support/server/postgres.ts";
import { admin, billing, kinds, query, useAuditTrail } from "../../../support/suite/audit-trail.ts";

useAuditTrail();

describe("the rows of the audit trail", () => {
  it("writes one row for a request that is sent twice with one Idempotency-Key", async () => {
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

  it("writes no row for a redemption", async () => {
    await issueVoucher(billing, "DRAWN");
    await placeOrder(billing, "salma", { promo_code: "DRAWN" });
    const { rows } = await query("SELECT action FROM voucher_audit");
    expect(rows).toEqual([{ action: "issue" }]);
    expect(await kinds()).toEqual([]);
  });

  it("begins with the adopted vouchers, and reveals later changes of the earlier service", async () => {
    const database = await createTestDatabase("empty");
    await fillEarlierTables(database.pool);
    await migrate(database);
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

  it("writes one row for a smoke test, however often it runs", async () => {
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

  it("reveals a change of a smoke test's voucher", async () => {
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
