import type pg from "pg";
import { isAuditTextEqual } from "../voucher/audit.ts";
import type { LedgerDifference } from "./check.ts";

const RECORDED: readonly LedgerDifference["kind"][] = [
  "voucher-differs-from-audit",
  "issuer-differs-from-audit",
  "redemption-differs-from-audit",
  "voucher-changed-without-audit",
];

/**
 * Appends a row `record` for each voucher that was changed without an audit row. The row has the recorded and the current
 * terms, the user who ran this, and the reason. The audit keeps the change, and later checks begin with the record. Returns
 * the codes.
 */
export async function recordChanges(
  client: pg.ClientBase,
  differences: readonly LedgerDifference[],
  reason: string,
): Promise<string[]> {
  const found = differences.filter(({ kind }) => RECORDED.includes(kind)).map(({ row }) => String(row.code));
  const codes = [...new Set(found)].sort();
  if (codes.length === 0) return codes;
  await client.query("BEGIN");
  try {
    await client.query("SET LOCAL search_path = pg_catalog");
    // Takes the locks in the same order as every change of a voucher: first the vouchers, then the end of the chain.
    await client.query(
      `SELECT FROM public.promo_codes WHERE code = ANY ($1) ORDER BY code COLLATE "C" FOR NO KEY UPDATE`,
      [codes],
    );
    await client.query(
      `INSERT INTO public.voucher_audit (code, action, actor, subject, before, after)
       SELECT found.code, 'record', 'database:' || session_user, $2, last.after,
              CASE WHEN p.code IS NOT NULL THEN jsonb_strip_nulls(public.billing_voucher_record(p) || jsonb_build_object(
                'times_redeemed', coalesce(p.times_redeemed, 0),
                'created_at', to_char(p.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))) END
         FROM unnest($1::text[]) AS found (code)
         LEFT JOIN public.promo_codes p ON p.code = found.code
         LEFT JOIN LATERAL (SELECT a.after FROM public.voucher_audit a
                             WHERE ${isAuditTextEqual("a.code", "found.code")} ORDER BY a.id DESC LIMIT 1) last ON true`,
      [codes, reason],
    );
    await client.query("COMMIT");
    return codes;
  } catch (error) {
    await client.query("ROLLBACK");
    throw error;
  }
}
