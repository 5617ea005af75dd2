import { describe, expect, it } from "vitest";
import { findLastingSmokeVouchers } from "../../../../src/billing/ledger/smoke-check.ts";
import { runSmokeTest } from "../../../../src/billing/smoke.ts";
import { issueVoucher, placeOrder, reconcile, startBilling } from "../../../support/builder/billing.ts";
import { fillEarlierTables } from "../../../support/builder/earlier-service.ts";
import { migrate } from "../../../support/server/migration-database.ts";
import { createTestDatabase } from "../../../support/server/postgres.ts";
import {
  admin,
  billing,
  kinds,
  operator,
  query,
  revoke,
  useAuditTrail,
} from "../../../support/suite/audit-trail.ts";

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

  const smoke = { credit_omr: 1, description: "smoke test", max_redemptions: 1 };
  const runSmoke = async (token: string, code: string) =>
    (
      await runSmokeTest({
        ...{ baseUrl: billing.origin, token, code, fetch },
        now: () => new Date(),
        signal: new AbortController().signal,
      })
    ).passed;
  const rowsOfAudit = async () =>
    (await query("SELECT action, actor FROM voucher_audit ORDER BY id")).rows.map(
      ({ action, actor }) => `${action} ${actor}`,
    );

  it("writes one row for the operator's smoke test, however often it runs", async () => {
    for (let count = 0; count < 4; count += 1) {
      expect(await runSmoke(operator, "SMOKE-0123456789ABCDEF")).toBe(true);
      expect(await kinds()).toEqual([]);
    }
    expect(await rowsOfAudit()).toEqual(["smoke catalyst-operator:operator"]);
  });

  it("writes every row of an administrator, also for a voucher with the form of a smoke test's", async () => {
    expect(await runSmoke(admin, "SMOKE-1")).toBe(true);
    await issueVoucher(billing, "SMOKE-1", smoke);
    await revoke("SMOKE-1");
    expect(await rowsOfAudit()).toEqual(
      ["issue", "revoke", "revive", "revoke"].map((action) => `${action} shared-secret:admin`),
    );
    expect(await kinds()).toEqual([]);
    await query("UPDATE promo_codes SET deleted_at = NULL, active = true");
    expect(await kinds()).toEqual(["voucher-differs-from-audit"]);
  });

  it("reveals a change of a smoke test's voucher", async () => {
    await issueAs(operator, { code: "SMOKE-1", ...smoke });
    await issueVoucher(billing, "SMOKE-1", { ...smoke, credit_omr: 900 });
    await issueAs(operator, { code: "SMOKE-1", ...smoke });
    expect(await rowsOfAudit()).toEqual([
      "smoke catalyst-operator:operator",
      "update shared-secret:admin",
      "smoke catalyst-operator:operator",
    ]);
    expect(await kinds()).toEqual([]);
    await query("UPDATE promo_codes SET max_redemptions = 100 WHERE code = 'SMOKE-1'");
    expect(await kinds()).toEqual(["voucher-differs-from-audit"]);
  });

  it("reveals that a smoke test's voucher was redeemed", async () => {
    await issueAs(operator, { code: "SMOKE-1", ...smoke });
    await placeOrder(billing, "salma", { plan_id: "free", promo_code: "SMOKE-1" });
    expect(await kinds()).toEqual(["redemption-differs-from-audit"]);
  });

  it("reveals a smoke test's voucher that no test revokes", async () => {
    const client = await billing.database.pool.connect();
    const found = async (meanwhile: () => Promise<unknown>) =>
      (await findLastingSmokeVouchers(client, meanwhile)).map(({ kind, row }) => [kind, row.code]);
    let waits = 0;
    const wait = async () => {
      waits += 1;
    };
    try {
      await issueAs(admin, { code: "SMOKE-2", ...smoke });
      await runSmoke(operator, "SMOKE-3");
      expect([await found(wait), waits]).toEqual([[], 0]);
      await issueAs(operator, { code: "SMOKE-1", ...smoke });
      expect([await found(wait), waits]).toEqual([[["smoke-voucher-live", "SMOKE-1"]], 1]);
      expect(await found(() => runSmoke(operator, "SMOKE-1"))).toEqual([]);
      await issueAs(operator, { code: "SMOKE-1", ...smoke });
      expect(await found(() => issueAs(operator, { code: "SMOKE-1", ...smoke }))).toEqual([]);
    } finally {
      client.release();
    }
  });

  it.each([
    ["another user's", "actor = 'shared-secret:admin'"],
    ["of another credit", `after = after || '{"credit_omr": 900}'`],
  ])("accepts no forged row of a smoke test that is %s", async (_what, forged) => {
    await issueAs(operator, { code: "SMOKE-1", ...smoke });
    await query("CREATE TABLE forged AS TABLE voucher_audit");
    try {
      await query(
        `UPDATE forged SET ${forged}; UPDATE promo_codes SET active = false, credit_omr = (SELECT (after ->> 'credit_omr')::int FROM forged)`,
      );
      await query(
        "INSERT INTO voucher_audit (code, action, actor, before, after) SELECT code, action, actor, before, after FROM forged",
      );
      expect(await kinds()).toContain("voucher-differs-from-audit");
    } finally {
      await query("DROP TABLE forged");
    }
  });
});

async function issueAs(token: string, body: object): Promise<void> {
  expect((await billing.ask("/billing/vouchers/issue", { token, body })).status).toBe(200);
}
