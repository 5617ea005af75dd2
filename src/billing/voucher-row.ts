import type { Queryable } from "./db/database.ts";
import { LOOKUP_KEY_SQL } from "./db/schema.ts";
import type { Voucher } from "./voucher.ts";

/** A row of `promo_codes` as the statements below return it. */
export interface VoucherRow {
  code: string;
  credit_omr: number;
  description: string;
  active: boolean;
  max_redemptions: number;
  times_redeemed: number;
  created_at: Date | null;
  deleted_at: Date | null;
  starts_at: Date | null;
  expires_at: Date | null;
  adopted: boolean;
  /** Counts against the grants: live, active, below its cap, not expired (it may start later). */
  is_open: boolean;
}

const IS_OPEN = `coalesce(p.deleted_at IS NULL AND p.active AND p.credit_omr > 0
  AND (p.max_redemptions = 0 OR p.times_redeemed < p.max_redemptions)
  AND (p.expires_at IS NULL OR p.expires_at > now()), false)`;

/** Adopted rows may hold nulls; answers never do. */
export const VOUCHER_COLUMNS = `p.code, coalesce(p.credit_omr, 0) AS credit_omr, coalesce(p.description, '') AS description,
  coalesce(p.active, false) AS active, coalesce(p.max_redemptions, 0) AS max_redemptions,
  coalesce(p.times_redeemed, 0) AS times_redeemed, p.created_at, p.deleted_at, p.starts_at, p.expires_at, p.adopted,
  ${IS_OPEN} AS is_open`;

// Of adopted twins the exact upper-case one, else the oldest: the same on every endpoint, and in billing_checkout.
export const TWIN_ORDER = `(p.code = $1) DESC, p.created_at, p.code COLLATE "C"`;

/** The live voucher of a key, locked until the transaction ends. */
export async function lockLive(transaction: Queryable, key: string): Promise<VoucherRow | undefined> {
  const [row] = await transaction.query<VoucherRow>({
    name: "voucher-lock-live",
    text: `SELECT ${VOUCHER_COLUMNS} FROM promo_codes p
            WHERE ${LOOKUP_KEY_SQL} = $1 AND p.deleted_at IS NULL ORDER BY ${TWIN_ORDER} LIMIT 1 FOR NO KEY UPDATE`,
    values: [key],
  });
  return row;
}

/** The voucher of a key that an issue would change: the live one, else the deleted one that comes back to life. */
export async function lockAny(transaction: Queryable, key: string): Promise<VoucherRow | undefined> {
  const [row] = await transaction.query<VoucherRow>({
    name: "voucher-lock-any",
    text: `SELECT ${VOUCHER_COLUMNS} FROM promo_codes p
            WHERE ${LOOKUP_KEY_SQL} = $1 ORDER BY (p.deleted_at IS NULL) DESC, ${TWIN_ORDER} LIMIT 1 FOR NO KEY UPDATE`,
    values: [key],
  });
  return row;
}

/** The row as its administrators see it; members without a value are left out. */
export function voucherOf(row: VoucherRow): Voucher {
  const { code, credit_omr, description, active, max_redemptions, times_redeemed } = row;
  return {
    code,
    credit_omr,
    description,
    active,
    max_redemptions,
    times_redeemed,
    ...(row.created_at === null ? {} : { created_at: row.created_at.toISOString() }),
    ...(row.deleted_at === null ? {} : { deleted_at: row.deleted_at.toISOString() }),
    ...(row.starts_at === null ? {} : { starts_at: row.starts_at.toISOString() }),
    ...(row.expires_at === null ? {} : { expires_at: row.expires_at.toISOString() }),
  };
}
