/** 1 OMR is 1000 baisa. Internally, money is integer baisa. */
const BAISA_PER_OMR = 1000;
/** The earlier service's integer columns store whole OMR in 32 bits. */
export const MAX_OMR = 2_147_483_647;
export const MAX_CODE_LENGTH = 1024;

/** A voucher has one standing at any moment. The database function `billing_voucher_standing` decides it. */
export const STANDINGS = ["scheduled", "live", "paused", "used_up", "expired", "revoked"] as const;

export type VoucherStanding = (typeof STANDINGS)[number];

/** A row of `promo_codes` as answers and the audit show it. */
export interface VoucherRecord {
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

/** A voucher with its standing at the moment of the answer. */
export interface Voucher extends VoucherRecord {
  standing: VoucherStanding;
}

/** The public view of a voucher: exactly these five members. */
export interface VoucherPreview {
  code: string;
  credit_omr: number;
  description: string;
  active: boolean;
  accepting_redemptions: boolean;
}

/** A voucher as the redeem page shows it: more than a preview may say. */
export interface VoucherOffer {
  preview: VoucherPreview;
  standing: VoucherStanding;
  startsAt: Date | null;
  expiresAt: Date | null;
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

/** The voucher that the smoke test issues and revokes. It has the smallest value, and only one customer can redeem it. */
export const SMOKE_TEST = {
  codePrefix: "SMOKE-",
  credit_omr: 1,
  description: "smoke test",
  max_redemptions: 1,
};

/** The terms of an issue. Dates that are left out stay as they are. A new voucher then has no dates. */
export type IssueTerms = Omit<VoucherTerms, "starts_at" | "expires_at"> &
  Partial<Pick<VoucherTerms, "starts_at" | "expires_at">>;

/** Baisa as a decimal number of OMR: `12500` is `12.5`. Exact in all three decimal places. */
export function omrOfBaisa(amountBaisa: number): number {
  return amountBaisa / BAISA_PER_OMR;
}

/** OMR as integer baisa. Undefined when the number has a fraction of a baisa or is out of bounds. */
export function baisaOfOmr(amountOmr: number): number | undefined {
  const baisa = Math.round(amountOmr * BAISA_PER_OMR);
  return Number.isSafeInteger(baisa) && omrOfBaisa(baisa) === amountOmr ? baisa : undefined;
}

/** Whether a voucher counts against the grants: it can be redeemed, now or later. */
export function isCounted(standing: VoucherStanding): boolean {
  return standing === "live" || standing === "scheduled";
}

/** The credit in OMR that a voucher can still grant: infinite without a cap, 0 when it takes no more redemptions. */
export function outstandingOmr(voucher: {
  credit_omr: number;
  max_redemptions: number;
  times_redeemed: number;
  standing: VoucherStanding;
}): number {
  if (!isCounted(voucher.standing)) return 0;
  if (voucher.max_redemptions === 0) return Number.POSITIVE_INFINITY;
  return voucher.credit_omr * Math.max(0, voucher.max_redemptions - voucher.times_redeemed);
}
