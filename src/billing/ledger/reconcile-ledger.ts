import type pg from "pg";
import { LEDGER_BAISA_SQL } from "../db/schema.ts";
import { AUDIT_CHECKS } from "./audit-check.ts";
import type { LedgerCheck, LedgerDifference } from "./check.ts";
import { ORDER_CHECKS } from "./order-check.ts";
import { REDEMPTION_CHECKS } from "./redemption-check.ts";
import { VOUCHER_CHECKS } from "./voucher-check.ts";

const CHECKS: readonly LedgerCheck[] = [
  ...VOUCHER_CHECKS,
  ...ORDER_CHECKS,
  {
    kind: "balance-differs-from-ledger",
    sql: `SELECT false AS adopted,
                 jsonb_build_object('customer_id', c.id, 'balance_baisa', c.balance_baisa, 'ledger_baisa', coalesce(l.total, 0)) AS row
            FROM public.customers c
            LEFT JOIN (SELECT l.customer_id, sum(${LEDGER_BAISA_SQL}) AS total FROM public.credit_ledger l GROUP BY l.customer_id) l ON l.customer_id = c.id
           WHERE c.balance_baisa <> coalesce(l.total, 0)`,
  },
  {
    kind: "ledger-without-customer",
    sql: `SELECT l.adopted, jsonb_build_object('ledger_id', l.id, 'amount_baisa', l.amount_baisa) AS row
            FROM public.credit_ledger l WHERE l.customer_id IS NULL`,
  },
  {
    // Every entry since adoption has an order, and that order belongs to the same customer.
    kind: "ledger-without-order",
    sql: `SELECT false AS adopted,
                 jsonb_build_object('ledger_id', l.id, 'customer_id', l.customer_id, 'order_id', l.order_id, 'kind', l.kind,
                   'amount_baisa', l.amount_baisa) AS row
            FROM public.credit_ledger l
           WHERE NOT l.adopted
             -- The ledger has no entry of an earlier service's order, except for a payment that became credit.
             AND NOT EXISTS (SELECT 1 FROM public.orders o WHERE o.id::text = l.order_id AND o.customer_id = l.customer_id
                                AND (NOT o.adopted OR (o.status = 'credited' AND l.kind = 'surplus')))`,
  },
  {
    kind: "amounts-differ",
    sql: `SELECT l.adopted, jsonb_build_object('ledger_id', l.id, 'amount_omr', l.amount_omr, 'amount_baisa', l.amount_baisa) AS row
            FROM public.credit_ledger l
           WHERE (l.amount_baisa IS NULL AND NOT l.adopted) OR l.amount_omr IS NULL
              OR l.amount_omr <> trunc(l.amount_baisa / 1000.0)`,
  },
  ...AUDIT_CHECKS,
  ...REDEMPTION_CHECKS,
];

/** Compares counters, redemptions, ledger, orders, balances and audit in one snapshot, and returns the differences. */
export async function reconcileLedger(client: pg.ClientBase): Promise<LedgerDifference[]> {
  await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  try {
    // A function in public with the name of PostgreSQL's own could make a changed row look unchanged.
    await client.query("SET LOCAL search_path = pg_catalog");
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
