/** 1 OMR is 1000 baisa. Internally, money is integer baisa. */
const BAISA_PER_OMR = 1000;
/** The earlier service's integer columns store whole OMR in 32 bits. */
export const MAX_OMR = 2_147_483_647;
export const MAX_CODE_LENGTH = 1024;

/** A voucher as answers to administrators show it: a live or revoked row of `promo_codes`. */
export interface Voucher {
  code: string;
  credit_omr: number;
  description: string;
  active: boolean;
  /** 0 = unlimited. */
  max_redemptions: number;
  times_redeemed: number;
  created_at?: string;
  deleted_at?: string;
  starts_at?: string;
  expires_at?: string;
}

/** The public view of a voucher: exactly these five members. */
export interface VoucherPreview {
  code: string;
  credit_omr: number;
  description: string;
  active: boolean;
  accepting_redemptions: boolean;
}

/** The terms that an issue or an update sets. */
export interface VoucherTerms {
  credit_omr: number;
  description: string;
  active: boolean;
  max_redemptions: number;
  starts_at: string | null;
  expires_at: string | null;
}

/** The voucher that the smoke test issues and revokes. It is worth next to nothing, and one customer can redeem it. */
export const SMOKE_TEST = {
  codePrefix: "SMOKE-",
  credit_omr: 1,
  description: "smoke test",
  max_redemptions: 1,
};

const BLANKS = /^[ \t\n\r\f\v]+|[ \t\n\r\f\v]+$/g;
const NEW_CODE = /^[A-Z0-9][A-Z0-9_-]{2,63}$/;

/**
 * The key under which codes are compared: without surrounding blanks, with ASCII letters in upper case. Unicode upper-casing
 * would turn `ß ﬁ ı ſ` into letters of other codes.
 */
export function voucherKey(code: string): string {
  return code.replace(BLANKS, "").replace(/[a-z]/g, (letter) => letter.toUpperCase());
}

/** Whether a key may become a new code. Adopted codes of other shapes keep working. */
export function isNewCode(key: string): boolean {
  return NEW_CODE.test(key);
}

/** Baisa as a decimal number of OMR: `12500` is `12.5`. Exact in all three decimal places. */
export function omrOfBaisa(amountBaisa: number): number {
  return amountBaisa / BAISA_PER_OMR;
}

/** OMR as integer baisa. Undefined when the number has a fraction of a baisa or is out of bounds. */
export function baisaOfOmr(amountOmr: number): number | undefined {
  const baisa = Math.round(amountOmr * BAISA_PER_OMR);
  return Number.isSafeInteger(baisa) && omrOfBaisa(baisa) === amountOmr ? baisa : undefined;
}

/** The credit in OMR that a voucher can still grant: infinite without a cap, 0 when it takes no more redemptions. */
export function outstandingOmr(voucher: {
  credit_omr: number;
  max_redemptions: number;
  times_redeemed: number;
  is_counted: boolean;
}): number {
  if (!voucher.is_counted) return 0;
  if (voucher.max_redemptions === 0) return Number.POSITIVE_INFINITY;
  return voucher.credit_omr * Math.max(0, voucher.max_redemptions - voucher.times_redeemed);
}
