import type pg from "pg";
import { LEDGER_BAISA_SQL } from "../db/schema.ts";

export interface LedgerDifference {
  kind:
    | "counter-differs-from-edges"
    | "edge-differs-from-ledger"
    | "grant-without-edge"
    | "spend-differs-from-order"
    | "order-without-edge"
    | "balance-differs-from-ledger"
    | "ledger-without-customer"
    | "amounts-differ";
  /** True when the earlier service left it behind; nothing of ours did it. */
  adopted: boolean;
  /** The rows that disagree, with what each says. */
  row: Record<string, unknown>;
}

// Each query lists the rows that disagree; an empty answer to all of them is agreement.
const CHECKS: { kind: LedgerDifference["kind"]; sql: string }[] = [
  {
    kind: "counter-differs-from-edges",
    sql: `SELECT (coalesce(p.times_redeemed, 0) - e.edges = p.adopted_excess AND p.adopted) AS adopted,
                 jsonb_build_object('code', p.code, 'times_redeemed', p.times_redeemed, 'edges', e.edges) AS row
            FROM promo_codes p
            CROSS JOIN LATERAL (SELECT count(*) AS edges FROM promo_redemptions r WHERE r.code = p.code) e
           WHERE coalesce(p.times_redeemed, 0) <> e.edges`,
  },
  {
    kind: "edge-differs-from-ledger",
    sql: `SELECT false AS adopted,
                 jsonb_build_object('customer_id', r.customer_id, 'code', r.code, 'order_id', r.order_id,
                   'amount_baisa', r.amount_baisa, 'ledger_baisa', l.granted, 'ledger_rows', l.entries) AS row
            FROM promo_redemptions r
            CROSS JOIN LATERAL (
              SELECT coalesce(sum(g.amount_baisa), 0) AS granted, count(*) AS entries FROM credit_ledger g
               WHERE g.order_id = r.order_id::text AND g.customer_id = r.customer_id AND g.promo_code = r.code AND g.kind = 'grant'
                 AND NOT g.adopted) l
           WHERE NOT r.adopted AND (l.granted IS DISTINCT FROM r.amount_baisa OR l.entries <> 1)`,
  },
  {
    kind: "grant-without-edge",
    sql: `SELECT false AS adopted,
                 jsonb_build_object('ledger_id', g.id, 'customer_id', g.customer_id, 'code', g.promo_code, 'amount_baisa', g.amount_baisa) AS row
            FROM credit_ledger g
           WHERE g.kind = 'grant' AND NOT g.adopted
             AND NOT EXISTS (SELECT 1 FROM credit_ledger u
                              WHERE u.kind = 'undo' AND NOT u.adopted AND u.order_id = g.order_id AND u.amount_baisa = -g.amount_baisa)
             AND NOT EXISTS (SELECT 1 FROM promo_redemptions r
                              WHERE r.customer_id = g.customer_id AND r.code = g.promo_code AND r.order_id::text = g.order_id)`,
  },
  {
    kind: "spend-differs-from-order",
    sql: `SELECT false AS adopted,
                 jsonb_build_object('order_id', o.id, 'credit_spent_baisa', o.credit_spent_baisa, 'ledger_baisa', l.spent) AS row
            FROM orders o
            CROSS JOIN LATERAL (
              SELECT -coalesce(sum(s.amount_baisa), 0) AS spent FROM credit_ledger s
               WHERE s.order_id = o.id::text AND s.kind IN ('spend', 'release') AND NOT s.adopted) l
           WHERE NOT o.adopted AND l.spent IS DISTINCT FROM o.credit_spent_baisa`,
  },
  {
    kind: "order-without-edge",
    sql: `SELECT false AS adopted, jsonb_build_object('order_id', o.id, 'promo_code', o.promo_code) AS row
            FROM orders o
           WHERE NOT o.adopted AND o.promo_code IS NOT NULL
             AND NOT EXISTS (SELECT 1 FROM credit_ledger u WHERE u.kind = 'undo' AND NOT u.adopted AND u.order_id = o.id::text)
             AND NOT EXISTS (SELECT 1 FROM promo_redemptions r WHERE r.order_id = o.id AND r.code = o.promo_code)`,
  },
  {
    kind: "balance-differs-from-ledger",
    sql: `SELECT false AS adopted,
                 jsonb_build_object('customer_id', c.id, 'balance_baisa', c.balance_baisa, 'ledger_baisa', coalesce(l.total, 0)) AS row
            FROM customers c
            LEFT JOIN (SELECT l.customer_id, sum(${LEDGER_BAISA_SQL}) AS total FROM credit_ledger l GROUP BY l.customer_id) l ON l.customer_id = c.id
           WHERE c.balance_baisa <> coalesce(l.total, 0)`,
  },
  {
    kind: "ledger-without-customer",
    sql: `SELECT l.adopted, jsonb_build_object('ledger_id', l.id, 'amount_baisa', l.amount_baisa) AS row
            FROM credit_ledger l WHERE l.customer_id IS NULL`,
  },
  {
    kind: "amounts-differ",
    sql: `SELECT l.adopted, jsonb_build_object('ledger_id', l.id, 'amount_omr', l.amount_omr, 'amount_baisa', l.amount_baisa) AS row
            FROM credit_ledger l
           WHERE (l.amount_baisa IS NULL AND NOT l.adopted) OR l.amount_omr IS NULL
              OR l.amount_omr <> trunc(l.amount_baisa / 1000.0)`,
  },
];

/** Compares counter, edges, ledger, orders and balances in one snapshot; the differences, none when all agree. */
export async function reconcileLedger(client: pg.ClientBase): Promise<LedgerDifference[]> {
  await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  try {
    await client.query("SET LOCAL search_path = public, pg_catalog");
    const differences: LedgerDifference[] = [];
    for (const { kind, sql } of CHECKS) {
      const { rows } = await client.query<{ adopted: boolean | null; row: Record<string, unknown> }>(sql);
      differences.push(...rows.map(({ adopted, row }) => ({ kind, adopted: adopted === true, row })));
    }
    return differences;
  } finally {
    await client.query("ROLLBACK");
  }
}
