import { afterAll, afterEach, beforeAll } from "vitest";
import {
  createOperatorKey,
  issueVoucher,
  reconcile,
  signOperatorToken,
  signToken,
  startBilling,
  type TestBilling,
} from "../builder/billing.ts";

export let billing: TestBilling;
export let admin: string;
/** The operator's own token. */
export let operator: string;

const TABLES = ["promo_codes", "voucher_audit", "voucher_audit_head"];

/** One service for each test file, with an empty trail for each test. */
export function useAuditTrail(): void {
  beforeAll(async () => {
    const key = await createOperatorKey();
    billing = await startBilling({ files: { OPERATOR_JWKS_FILE: key.jwks } });
    operator = await signOperatorToken(key);
    admin = await signToken("admin", "sovereign-admin");
    await query(TABLES.map((table) => `CREATE TABLE kept_${table} AS TABLE ${table}`).join(";"));
  });

  afterAll(() => billing.close());

  // A database for each test would take longer than the tests. The tables are emptied instead.
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
}

export const query = (text: string) => billing.database.pool.query(text);

export const revoke = (code: string) =>
  billing.ask(`/billing/vouchers/revoke/${code}`, { method: "DELETE", token: admin });

/** The kinds of differences that the reconciliation finds. */
export async function kinds(): Promise<string[]> {
  return [...new Set((await reconcile(billing)).map(({ kind }) => kind))].sort();
}

/** Vouchers ONE, TWO and THREE. TWO was changed and THREE was revoked, which makes six rows. */
export async function writeTrail(): Promise<void> {
  for (const code of ["ONE", "TWO", "THREE"]) await issueVoucher(billing, code);
  await issueVoucher(billing, "TWO", { credit_omr: 30 });
  await revoke("THREE");
  await issueVoucher(billing, "FOUR", { starts_at: "2026-01-01T00:00:00.123Z", expires_at: null });
}

/** Runs a statement without the triggers, as only an administrator of the database can. */
export const unguarded = (statement: string) =>
  query(`BEGIN; SET LOCAL session_replication_role = replica; ${statement}; COMMIT`);
