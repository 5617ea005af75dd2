import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { command } from "../../../src/cli/reconcile-ledger.ts";
import { UsageError } from "../../../src/platform/errors.ts";
import { runHere } from "../../support/process/command.ts";
import { createTestDatabase, type TestDatabase } from "../../support/server/postgres.ts";

let database: TestDatabase;

beforeEach(async () => {
  database = await createTestDatabase();
});

afterEach(() => database.drop());

describe("catalyst reconcile-ledger", () => {
  it("prints the differences in the ledger, and exits with 1", async () => {
    await database.pool.query(
      "INSERT INTO promo_codes (code, credit_omr, description, times_redeemed) VALUES ('CROOKED', 1, '', 3)",
    );
    const { code, lines } = await reconcile();
    expect(code).toBe(1);
    expect(lines).toEqual([
      {
        kind: "counter-differs-from-redemptions",
        adopted: false,
        row: { code: "CROOKED", times_redeemed: 3, redemptions: 0 },
      },
      {
        kind: "voucher-differs-from-audit",
        adopted: false,
        row: expect.objectContaining({ code: "CROOKED" }),
      },
      { agree: false, differences: 2, audit_head: null },
    ]);
  });

  it("records a change that has no audit row, and agrees", async () => {
    await database.pool.query("INSERT INTO promo_codes (code, credit_omr) VALUES ('FOUND', 5)");
    const { code, lines } = await reconcile(["--record", "found in May"]);
    expect([code, lines[0]]).toEqual([0, { recorded: ["FOUND"] }]);
    await expect(reconcile(["--record", " "])).rejects.toThrow(
      new UsageError("--record must be a reason of 1 to 500 characters"),
    );
  });

  it("reports that an earlier audit head is missing, although the whole chain was rewritten", async () => {
    await database.pool.query(`INSERT INTO promo_codes (code, credit_omr, issued_by) VALUES ('KEPT', 5, 'one');
      INSERT INTO voucher_audit (code, action, actor, after) SELECT code, 'issue', 'one', billing_voucher_record(p) FROM promo_codes p`);
    const { lines } = await reconcile();
    const { id, digest } = (lines.at(-1) as { audit_head: { id: string; digest: string } }).audit_head;
    const head = ["--audit-head", `${id}:${digest}`];
    expect((await reconcile(head)).code).toBe(0);
    await database.pool.query(`BEGIN; SET LOCAL session_replication_role = replica; UPDATE voucher_audit SET actor = 'another'; UPDATE promo_codes SET issued_by = 'another';
      UPDATE voucher_audit a SET digest = billing_audit_digest(a); UPDATE voucher_audit_head SET digest = a.digest FROM voucher_audit a; COMMIT`);
    expect((await reconcile()).code).toBe(0);
    const { code, lines: found } = await reconcile(head);
    expect([code, found[0]]).toEqual([
      1,
      {
        kind: "audit-head-lost",
        adopted: false,
        row: { audit_id: id, expected: digest, digest: expect.any(String) },
      },
    ]);
    await expect(reconcile(["--audit-head", "1"])).rejects.toThrow(
      new UsageError("--audit-head must be the id and the digest of an audit row: 7:sha256:<64 hex>"),
    );
  });

  it("reports disabled or replaced triggers and functions that protect the ledger, because they could hide a changed row", async () => {
    await database.pool.query(`INSERT INTO promo_codes (code, credit_omr, issued_by) VALUES ('KEPT', 5, 'one');
      INSERT INTO voucher_audit (code, action, actor, after) SELECT code, 'issue', 'one', billing_voucher_record(p) FROM promo_codes p;
      ALTER TABLE voucher_audit DISABLE TRIGGER voucher_audit_append_only; UPDATE voucher_audit SET actor = 'another'; UPDATE promo_codes SET issued_by = 'another';
      CREATE OR REPLACE FUNCTION billing_audit_digest(entry voucher_audit) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
        AS 'SELECT entry.digest'`);
    const { code, lines } = await reconcile(["--accept-adopted"]);
    expect(code).toBe(1);
    expect(lines.slice(0, -1)).toEqual(
      [
        /^trigger voucher_audit\.voucher_audit_append_only differs/,
        /^function billing_audit_digest.* differs/,
      ].map((object) => ({
        kind: "guard-changed",
        adopted: false,
        row: { object: expect.stringMatching(object) },
      })),
    );
  });

  it("warns that one role owns the tables and serves, and does not fail because of it", async () => {
    await database.pool.query("REVOKE ALL ON voucher_audit FROM catalyst_serving");
    const { code, lines } = await reconcile();
    expect([code, lines[0]]).toEqual([0, expect.objectContaining({ finding: "books-not-protected" })]);
  });

  it("needs no right but SELECT on the tables, except to record", async () => {
    const role = `auditor_${process.pid}`;
    await database.pool.query(`CREATE ROLE ${role} LOGIN PASSWORD 'auditor'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role};
      INSERT INTO promo_codes (code, credit_omr, issued_by) VALUES ('KEPT', 5, 'one');
      INSERT INTO voucher_audit (code, action, actor, after) SELECT code, 'issue', 'one', billing_voucher_record(p) FROM promo_codes p;
      INSERT INTO promo_codes (code, credit_omr) VALUES ('FOUND', 5)`);
    const auditor = new URL(database.url);
    auditor.username = role;
    auditor.password = "auditor";
    const found = await reconcile([], auditor.href);
    expect(found).toEqual(await reconcile());
    expect([found.code, found.lines.length]).toEqual([1, 2]);
    await expect(reconcile(["--record", "why"], auditor.href)).rejects.toThrow("permission denied");
    await database.pool.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  });

  async function reconcile(args: string[] = [], url = database.url) {
    const { code, stdout } = await runHere(command, args, { DATABASE_URL: url });
    const printed = stdout.split("\n");
    const lines: unknown[] = printed.flatMap((line) => (line === "" ? [] : [JSON.parse(line)]));
    return { code, lines };
  }
});
