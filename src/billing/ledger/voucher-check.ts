import { isAuditTextEqual } from "../voucher/audit.ts";
import type { LedgerCheck } from "./check.ts";

/** Checks of counters, redemptions and grants. Each query reads its tables once and returns the rows that differ. */
export const VOUCHER_CHECKS: readonly LedgerCheck[] = [
  {
    // The earlier service caused a difference if two conditions hold: the voucher's audit begins with the adoption, and
    // only our redemptions have changed the counter since. The voucher's own columns prove neither, because the serving
    // role may write them.
    kind: "counter-differs-from-redemptions",
    sql: `SELECT (p.adopted AND coalesce(p.times_redeemed, 0) - coalesce(e.redemptions, 0) = p.adopted_excess
                  AND coalesce(p.times_redeemed, 0) - coalesce(e.own, 0) = (
                    SELECT CASE a.action WHEN 'adopt' THEN (a.after ->> 'times_redeemed')::bigint END FROM public.voucher_audit a
                     WHERE ${isAuditTextEqual("a.code", "p.code")} ORDER BY a.id LIMIT 1)) AS adopted,
                 jsonb_build_object('code', p.code, 'times_redeemed', p.times_redeemed, 'redemptions', coalesce(e.redemptions, 0)) AS row
            FROM public.promo_codes p
            LEFT JOIN (SELECT code, count(*) AS redemptions, count(*) FILTER (WHERE NOT adopted) AS own
                         FROM public.promo_redemptions GROUP BY code) e ON e.code = p.code
           WHERE coalesce(p.times_redeemed, 0) <> coalesce(e.redemptions, 0)`,
  },
  {
    kind: "redemption-differs-from-ledger",
    sql: `SELECT false AS adopted,
                 jsonb_build_object('customer_id', r.customer_id, 'code', r.code, 'order_id', r.order_id, 'amount_baisa', r.amount_baisa,
                   'ledger_baisa', coalesce(l.granted, 0), 'ledger_rows', coalesce(l.entries, 0)) AS row
            FROM public.promo_redemptions r
            LEFT JOIN (
              SELECT order_id, customer_id, promo_code, sum(amount_baisa) AS granted, count(*) AS entries FROM public.credit_ledger
               WHERE kind = 'grant' AND NOT adopted GROUP BY order_id, customer_id, promo_code) l
              ON l.order_id = r.order_id::text AND l.customer_id = r.customer_id AND l.promo_code = r.code
           WHERE NOT r.adopted AND (coalesce(l.granted, 0) IS DISTINCT FROM r.amount_baisa OR coalesce(l.entries, 0) <> 1)`,
  },
  {
    kind: "grant-without-redemption",
    sql: `SELECT false AS adopted,
                 jsonb_build_object('ledger_id', g.id, 'order_id', g.order_id, 'customer_id', g.customer_id, 'code', g.promo_code,
                   'amount_baisa', g.amount_baisa) AS row
            FROM public.credit_ledger g
           WHERE g.kind = 'grant' AND NOT g.adopted
             AND NOT EXISTS (SELECT 1 FROM public.credit_ledger u
                              WHERE u.kind = 'undo' AND NOT u.adopted AND u.order_id = g.order_id AND u.amount_baisa = -g.amount_baisa)
             AND NOT EXISTS (SELECT 1 FROM public.promo_redemptions r
                              WHERE r.customer_id = g.customer_id AND r.code = g.promo_code AND r.order_id::text = g.order_id)`,
  },
  {
    kind: "order-without-redemption",
    sql: `SELECT false AS adopted, jsonb_build_object('order_id', o.id, 'promo_code', o.promo_code) AS row
            FROM public.orders o
           WHERE NOT o.adopted AND o.promo_code IS NOT NULL
             AND NOT EXISTS (SELECT 1 FROM public.credit_ledger u WHERE u.kind = 'undo' AND NOT u.adopted AND u.order_id = o.id::text)
             AND NOT EXISTS (SELECT 1 FROM public.promo_redemptions r WHERE r.order_id = o.id AND r.code = o.promo_code)`,
  },
];
