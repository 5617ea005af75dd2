import { STATEMENT_TIMEOUT } from "../db/database.ts";
import { isAuditTextEqual } from "../voucher/audit.ts";
import type { LedgerCheck } from "./check.ts";
import { isSmokeRow } from "./smoke-check.ts";

/**
 * A redemption has the time at which its checkout began. The checkout locks the voucher later, by at most the limit of a
 * statement. Only rows that were in force within this time of a redemption can be its terms. The time before it allows for the
 * clock of another server after a failover.
 */
const TOLERANCE = `interval '${STATEMENT_TIMEOUT}'`;

/** Whether a checkout that began with the redemption `r` could redeem a voucher with the terms of this row. */
const grants = (row: string) => `(${row}.after -> 'credit_omr' = to_jsonb(r.amount_baisa / 1000.0)
  AND ${row}.after -> 'active' = 'true' AND ${row}.after ->> 'deleted_at' IS NULL
  AND (${row}.after ->> 'starts_at' IS NULL OR ${row}.after ->> 'starts_at' <= r.at_text COLLATE "C")
  AND (${row}.after ->> 'expires_at' IS NULL OR ${row}.after ->> 'expires_at' >= r.at_text COLLATE "C")
  AND NOT ${isSmokeRow(row)})`;

const hasPlace = (row: string) => `(coalesce(${row}.after -> 'max_redemptions', '0') = '0'
  OR ${row}.after -> 'max_redemptions' >= to_jsonb(coalesce(r.adopted_count, 0) + r.place))`;

export const REDEMPTION_CHECKS: readonly LedgerCheck[] = [
  {
    // A redemption must have terms that its voucher had at that time, and a place within the cap. Redemptions are numbered by the
    // times at which their checkouts began. Checkouts may lock the voucher in another order. Of the first n, one locks it last: at
    // most 10 s after the n-th began. A row in force at that moment must have a cap of at least n. It may differ from the row with
    // the terms. Undone redemptions only lower the places. Times of audit rows have the form of ISO 8601, so their order is that of
    // the text. A later `record` acknowledges any redemption. Most redemptions agree with the last row that can be theirs, which
    // one join finds; only the others cost a look-up each.
    kind: "redemption-differs-from-audit",
    sql: `WITH trail AS (
            SELECT code, at, customer_id, order_id, amount_baisa, count(customer_id) OVER trail AS place, max(adopted_count) OVER trail AS adopted_count,
                   max(audit_id) OVER (trail RANGE BETWEEN UNBOUNDED PRECEDING AND ${TOLERANCE} PRECEDING) AS first_id,
                   max(audit_id) OVER (trail RANGE BETWEEN UNBOUNDED PRECEDING AND ${TOLERANCE} FOLLOWING) AS last_id
              FROM (SELECT code, created_at AS at, customer_id, order_id, amount_baisa, NULL::bigint AS audit_id, NULL::bigint AS adopted_count
                      FROM public.promo_redemptions WHERE NOT adopted
                    UNION ALL
                    SELECT code, at, NULL, NULL, NULL, id, CASE action WHEN 'adopt' THEN (after ->> 'times_redeemed')::bigint END
                      FROM public.voucher_audit) AS entry
            WINDOW trail AS (PARTITION BY code COLLATE "C" ORDER BY at)
          ), redemption AS (
            SELECT *, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS at_text FROM trail WHERE customer_id IS NOT NULL
          ), doubtful AS MATERIALIZED (
            SELECT r.* FROM redemption r LEFT JOIN public.voucher_audit last ON last.id = r.last_id
             WHERE (${grants("last")} AND ${hasPlace("last")}) IS NOT TRUE
          )
          SELECT false AS adopted,
                 jsonb_build_object('code', r.code, 'customer_id', r.customer_id, 'order_id', r.order_id, 'amount_baisa', r.amount_baisa,
                   'at', r.at, 'place', coalesce(r.adopted_count, 0) + r.place, 'audit_id', r.last_id) AS row
            FROM doubtful r
           WHERE (SELECT bool_or(${grants("a")}) AND bool_or(${hasPlace("a")}) FROM public.voucher_audit a
                   WHERE ${isAuditTextEqual("a.code", "r.code")}
                     AND a.id BETWEEN coalesce(r.first_id, 0) AND r.last_id) IS NOT TRUE
             AND NOT EXISTS (SELECT 1 FROM public.voucher_audit a
                              WHERE ${isAuditTextEqual("a.code", "r.code")} AND a.action = 'record' AND a.at >= r.at)
           ORDER BY r.code, r.at`,
  },
];
