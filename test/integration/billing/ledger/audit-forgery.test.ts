import pg from "pg";
import { describe, expect, it } from "vitest";
import { recordChanges } from "../../../../src/billing/ledger/audit-record.ts";
import { issueVoucher, placeOrder, reconcile } from "../../../support/builder/billing.ts";
import {
  billing,
  kinds,
  query,
  unguarded,
  useAuditTrail,
  writeTrail,
} from "../../../support/suite/audit-trail.ts";

useAuditTrail();

const sameDayBeforeChrist = (time: string) =>
  `(to_char(${time} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') || '+00 BC')::timestamptz`;

/** Other values of each column, in SQL. Some of them have the same text as the value that was written. */
const FORGED: Record<string, string[]> = {
  id: ["700"],
  code: ["'ONE '", "'FOUR'"],
  action: ["'issue'", "'record'"],
  actor: ["'another'"],
  at: ["now() + interval '1 hour'", "'infinity'", sameDayBeforeChrist("at")],
  before: ["NULL", "'null'", `before || '{"credit_omr": 30}'`],
  after: ["NULL", "'null'", `after || '{"credit_omr": 25}'`],
  issuer: ["NULL", "'another'"],
  subject: ["NULL", "'another'"],
  token_id: ["NULL", "'another'"],
  token_issued_at: [
    "NULL",
    "now() + interval '1 hour'",
    "'-infinity'",
    sameDayBeforeChrist("token_issued_at"),
  ],
  batch: ["gen_random_uuid()"],
  previous_digest: ["''"],
  digest: ["''"],
};

describe("a forged row of the audit trail", () => {
  it("is revealed, whichever column was changed", async () => {
    await writeTrail();
    const { rows } = await query(
      "SELECT attname AS name FROM pg_attribute WHERE attrelid = 'voucher_audit'::regclass AND attnum > 0 AND NOT attisdropped",
    );
    expect(Object.keys(FORGED).sort()).toEqual(rows.map(({ name }) => name).sort());
    // Row 4 is an update, and has a value in every column but batch.
    await query("CREATE TABLE kept_row AS SELECT * FROM voucher_audit WHERE id = 4");
    for (const [column, values] of Object.entries(FORGED)) {
      for (const value of values) {
        await unguarded(`UPDATE voucher_audit SET ${column} = ${value} WHERE id = 4`);
        expect(await kinds(), `${column} = ${value}`).toContain(
          column === "id" ? "audit-row-missing" : "audit-row-changed",
        );
        await unguarded(
          "DELETE FROM voucher_audit WHERE id IN (4, 700); INSERT INTO voucher_audit SELECT * FROM kept_row",
        );
        expect(await kinds()).toEqual([]);
      }
    }
    await query("DROP TABLE kept_row");
  });

  it.each(["before = 'null'", "token_issued_at = 'infinity'", "token_issued_at = '-infinity'"])(
    "is revealed when a value is written where there was none: %s",
    async (change) => {
      await query("INSERT INTO voucher_audit (code, action, actor) VALUES ('GONE', 'record', 'one')");
      expect(await kinds()).toEqual([]);
      await unguarded(`UPDATE voucher_audit SET ${change}`);
      expect(await kinds()).toEqual(["audit-row-changed"]);
    },
  );

  it("is revealed although public has functions with the names of PostgreSQL's own", async () => {
    await writeTrail();
    await query(`CREATE FUNCTION public.convert_to(text, name) RETURNS bytea LANGUAGE sql
      AS $$ SELECT pg_catalog.convert_to(replace($1, '"another"', '"shared-secret:admin"'), $2) $$`);
    try {
      await unguarded("UPDATE voucher_audit SET actor = 'another' WHERE id = 2");
      expect(await kinds()).toContain("audit-row-changed");
    } finally {
      await query("DROP FUNCTION public.convert_to(text, name)");
    }
  });
});

describe("a voucher whose dates were changed past the service", () => {
  it.each([
    ["LATER", "starts_at = '2090-01-01 00:00:00+00 BC'"],
    ["LATER", "expires_at = 'infinity'"],
    ["PLAIN", "starts_at = 'infinity'"],
    ["PLAIN", "starts_at = '-infinity'"],
    ["PLAIN", "expires_at = '-infinity'"],
    ["PLAIN", "deleted_at = 'infinity'"],
  ])("is revealed when the new date has the text of the old one: %s %s", async (code, change) => {
    await issueVoucher(billing, "LATER", {
      starts_at: "2090-01-01T00:00:00Z",
      expires_at: "2091-01-01T00:00:00Z",
    });
    await issueVoucher(billing, "PLAIN");
    expect(await kinds()).toEqual([]);
    await query(`UPDATE promo_codes SET ${change} WHERE code = '${code}'`);
    const found = await reconcile(billing);
    expect(found.map(({ kind, row }) => [kind, row.code])).toEqual([["voucher-differs-from-audit", code]]);
    expect(found[0]?.row.voucher).not.toEqual(found[0]?.row.audit);
  });
});

describe("what the password of the serving role can write", () => {
  async function asServing(statement: string): Promise<void> {
    const client = new pg.Client({ connectionString: billing.database.servingUrl });
    await client.connect();
    await client.query(statement).finally(() => client.end());
  }

  async function record(): Promise<void> {
    const found = await reconcile(billing);
    const client = await billing.database.pool.connect();
    await recordChanges(client, found, "found in May").finally(() => client.release());
  }

  it("reveals a voucher that was given the operator as its issuer, so that no grant counts it", async () => {
    await issueVoucher(billing, "MINE");
    await issueVoucher(billing, "MINE", { credit_omr: 30 });
    await asServing("UPDATE promo_codes SET issued_by = 'catalyst-operator:operator'");
    expect(await kinds()).toEqual(["issuer-differs-from-audit"]);
    await record();
    expect(await kinds()).toEqual([]);
  });

  it("reveals a redemption that granted more than its voucher ever had, in books that agree otherwise", async () => {
    await issueVoucher(billing, "ONE");
    await placeOrder(billing, "salma", { plan_id: "free" });
    await asServing(`WITH o AS (
        INSERT INTO orders (id, customer_id, tenant_id, tenant_member, plan_id, amount_omr, amount_baisa, status, promo_code, credit_spent_baisa, card_baisa)
        SELECT gen_random_uuid(), id, 'salma-shop', false, 'small', 9, 9000, 'expired', 'ONE', 0, 9000 FROM customers RETURNING id, customer_id
      ), r AS (
        INSERT INTO promo_redemptions (customer_id, code, amount_baisa, order_id) SELECT customer_id, 'ONE', 900000, id FROM o
      ), l AS (
        INSERT INTO credit_ledger (customer_id, amount_omr, amount_baisa, kind, reason, promo_code, order_id)
        SELECT customer_id, 900, 900000, 'grant', 'voucher ONE', 'ONE', id::text FROM o
      ), b AS (
        UPDATE customers SET balance_baisa = balance_baisa + 900000
      ) UPDATE promo_codes SET times_redeemed = times_redeemed + 1`);
    expect(await kinds()).toEqual(["redemption-differs-from-audit"]);
    await record();
    expect(await kinds()).toEqual([]);
  });

  it("accepts a redemption of a credit that the voucher had before or after", async () => {
    await issueVoucher(billing, "ONE");
    await placeOrder(billing, "salma", { promo_code: "ONE" });
    await issueVoucher(billing, "ONE", { credit_omr: 40 });
    await placeOrder(billing, "noor", { promo_code: "ONE" });
    expect(await kinds()).toEqual([]);
  });
});
