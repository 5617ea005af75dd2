import { describe, expect, it } from "vitest";
import { recordChanges } from "../../../../src/billing/ledger/audit-record.ts";
import { issueVoucher, placeOrder, reconcile, startBilling } from "../../../support/builder/billing.ts";
import {
  admin,
  billing,
  kinds,
  query,
  revoke,
  unguarded,
  useAuditTrail,
  writeTrail,
} from "../../../support/suite/audit-trail.ts";

useAuditTrail();

describe("the chain of the audit trail", () => {
  it.each([
    "UPDATE voucher_audit SET actor = 'another'",
    "DELETE FROM voucher_audit",
    "TRUNCATE voucher_audit",
    "UPDATE voucher_audit_head SET last_id = 0, digest = ''",
    "DELETE FROM voucher_audit_head",
    "TRUNCATE voucher_audit_head",
  ])("refuses any change but an appended row: %s", async (statement) => {
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
  ])("reveals %s", async (_what, tamper, found) => {
    await writeTrail();
    expect(await kinds()).toEqual([]);
    await tamper();
    expect(await kinds()).toEqual(found);
  });

  it("agrees again after the missing rows were recorded, and keeps them", async () => {
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

  it("stays one chain when two instances change vouchers at the same time and some changes fail", async () => {
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
});
