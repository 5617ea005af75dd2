import type { Queryable } from "../db/database.ts";
import { LOOKUP_KEY_SQL } from "../db/schema.ts";
import { VoucherError } from "../errors.ts";
import { voucherKey } from "./key.ts";
import {
  MAX_OMR,
  type Voucher,
  type VoucherRecord,
  type VoucherStanding,
  type VoucherTerms,
} from "./voucher.ts";

/** A row of `promo_codes`, as the statements of this folder return it. */
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
  standing: VoucherStanding;
}

/** SQL for the standing of the row `p` now. */
export const STANDING_SQL = "billing_voucher_standing(p, now())";

/** Adopted rows may have nulls and infinite times. Answers must not. */
export const VOUCHER_COLUMNS = `p.code, coalesce(p.credit_omr, 0) AS credit_omr, coalesce(p.description, '') AS description,
  coalesce(p.active, false) AS active, coalesce(p.max_redemptions, 0) AS max_redemptions,
  coalesce(p.times_redeemed, 0) AS times_redeemed,
  CASE WHEN isfinite(p.created_at) THEN p.created_at END AS created_at, CASE WHEN isfinite(p.deleted_at) THEN p.deleted_at END AS deleted_at,
  p.starts_at, p.expires_at, p.adopted,
  ${STANDING_SQL} AS standing`;

// Adopted vouchers may differ only in case. Then the exact upper-case code counts, otherwise the oldest. Every endpoint and
// billing_checkout use this order.
export const twinOrder = (key: string) => `(p.code = ${key}) DESC, p.created_at, p.code COLLATE "C"`;
const TWIN_ORDER = twinOrder("$1");

/** The key under which a code is looked up. Throws `voucher_blank`. */
export function requireKey(code: string): string {
  const key = voucherKey(code);
  if (key === "") throw blank();
  return key;
}

/** The error when no voucher has the key. A blank key is looked up first, because adopted vouchers may have a blank code. */
export function missing(key: string, detail: string): VoucherError {
  return key === "" ? blank() : new VoucherError("voucher_not_found", detail);
}

const blank = () => new VoucherError("voucher_blank", "code is blank: send the voucher's code");

// The live voucher of a key, otherwise the revoked one that an issue would restore.
const FIND_ANY = `SELECT ${VOUCHER_COLUMNS} FROM promo_codes p
                   WHERE ${LOOKUP_KEY_SQL} = $1 ORDER BY (p.deleted_at IS NULL) DESC, ${TWIN_ORDER} LIMIT 1`;

/** The voucher of a key, also a revoked one. */
export async function findAny(database: Queryable, key: string): Promise<VoucherRow | undefined> {
  const [row] = await database.query<VoucherRow>({ name: "voucher-find-any", text: FIND_ANY, values: [key] });
  return row;
}

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

/** The voucher of a key that an issue would change: the live one, otherwise the revoked one that it would restore. */
export async function lockAny(transaction: Queryable, key: string): Promise<VoucherRow | undefined> {
  const [row] = await transaction.query<VoucherRow>({
    name: "voucher-lock-any",
    text: `${FIND_ANY} FOR NO KEY UPDATE`,
    values: [key],
  });
  return row;
}

/** The row with its standing now. */
export function voucherOf(row: VoucherRow): Voucher {
  return { ...recordOf(row), standing: row.standing };
}

/** The row without its standing, which depends on the time. Members without a value are left out. */
export function recordOf(row: VoucherRow): VoucherRecord {
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

/** The rules for changed terms. An adopted row may keep an irregular value that it already has. */
export function requireTerms(before: VoucherRow | undefined, terms: VoucherTerms): void {
  const keepsCredit = before?.adopted === true && terms.credit_omr === before.credit_omr;
  if (!keepsCredit && (terms.credit_omr < 1 || terms.credit_omr > MAX_OMR)) {
    throw new VoucherError(
      "voucher_invalid",
      `credit_omr must be a whole number from 1 to ${MAX_OMR}: set the credit in whole units of the currency`,
      { field: "/credit_omr" },
    );
  }
  const keepsCap = before?.adopted === true && terms.max_redemptions === before.max_redemptions;
  if (!keepsCap && terms.max_redemptions < 0) {
    throw new VoucherError(
      "voucher_invalid",
      "max_redemptions must be 0 (unlimited) or more: correct the cap",
      { field: "/max_redemptions" },
    );
  }
  if (
    terms.starts_at !== null &&
    terms.expires_at !== null &&
    Date.parse(terms.starts_at) >= Date.parse(terms.expires_at)
  ) {
    throw new VoucherError("voucher_invalid", "expires_at must be after starts_at: change one of them", {
      field: "/expires_at",
    });
  }
}
