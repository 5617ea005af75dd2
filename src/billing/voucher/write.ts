import { type Queryable, theRow } from "../db/database.ts";
import { LOOKUP_KEY_SQL } from "../db/schema.ts";
import type { Actor } from "./audit.ts";
import { VOUCHER_COLUMNS, type VoucherRow } from "./row.ts";
import type { VoucherTerms } from "./voucher.ts";

const valuesOf = (code: string | string[], terms: VoucherTerms, actor: Actor) => [
  code,
  terms.credit_omr,
  terms.description,
  terms.active,
  terms.max_redemptions,
  terms.starts_at,
  terms.expires_at,
  actor.name,
];

/** Updates the row, which must be locked. */
export async function rewrite(
  transaction: Queryable,
  before: VoucherRow,
  terms: VoucherTerms,
  actor: Actor,
): Promise<VoucherRow> {
  const rows = await transaction.query<VoucherRow>({
    name: "voucher-update",
    text: `UPDATE promo_codes p
              SET credit_omr = $2, description = $3, active = $4, max_redemptions = $5, starts_at = $6, expires_at = $7,
                  issued_by = $8, deleted_at = NULL
            WHERE p.code = $1 RETURNING ${VOUCHER_COLUMNS}`,
    values: valuesOf(before.code, terms, actor),
  });
  return theRow(rows);
}

/** Inserts vouchers for the codes that are free. A code that is taken, also in another case, is missing in the result. */
export function insertNew(
  transaction: Queryable,
  codes: string[],
  terms: VoucherTerms,
  actor: Actor,
): Promise<VoucherRow[]> {
  return transaction.query<VoucherRow>({
    name: "voucher-insert-new",
    text: `INSERT INTO promo_codes AS p (code, credit_omr, description, active, max_redemptions, starts_at, expires_at, issued_by)
           SELECT drawn.code, $2, $3, $4, $5, $6::timestamptz, $7::timestamptz, $8 FROM unnest($1::text[]) AS drawn (code)
            WHERE NOT EXISTS (SELECT FROM promo_codes p WHERE ${LOOKUP_KEY_SQL} = drawn.code)
           ON CONFLICT (code) DO NOTHING RETURNING ${VOUCHER_COLUMNS}`,
    values: valuesOf(codes, terms, actor),
  });
}
