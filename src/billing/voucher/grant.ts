import { VoucherError } from "../errors.ts";

/** What the Franchise lets its Franchisee issue (`grants.vouchers`); an absent member sets no limit. */
export interface VoucherGrants {
  /** Vouchers that take redemptions at the same time. */
  maxActive?: number;
  maxCreditPerVoucherOmr?: number;
  /** What all vouchers together could still grant: credit times the redemptions that are left. */
  maxOutstandingCreditOmr?: number;
}

const NAMES = ["maxActive", "maxCreditPerVoucherOmr", "maxOutstandingCreditOmr"] as const;

/** Reads `grants.vouchers` of a Franchise; null or `{}` sets no limit. Throws on members of a wrong type. */
export function parseVoucherGrants(json: unknown): VoucherGrants {
  if (json === null || json === undefined) return {};
  if (typeof json !== "object" || Array.isArray(json)) throw new Error("grants must be a JSON object");
  const grants: VoucherGrants = {};
  for (const name of NAMES) {
    const value = (json as Record<string, unknown>)[name];
    if (value === undefined || value === null) continue;
    if (typeof value !== "number" || !Number.isFinite(value) || value < 0) {
      throw new Error(`${name} must be a number of 0 or more`);
    }
    grants[name] = value;
  }
  return grants;
}

/** Whether a change is judged by all vouchers together, not by itself alone. */
export function limitsTotals({ maxActive, maxOutstandingCreditOmr }: VoucherGrants): boolean {
  return maxActive !== undefined || maxOutstandingCreditOmr !== undefined;
}

/** The state of all vouchers after the change that is judged. */
export interface VoucherTotals {
  active: number;
  /** Infinite when one of them has no cap. */
  outstandingOmr: number;
}

/** Throws `grant_exceeded`, naming the grant, when a voucher grants more than the Franchise allows for one. */
export function enforceCreditGrant({ maxCreditPerVoucherOmr }: VoucherGrants, creditOmr: number): void {
  if (maxCreditPerVoucherOmr !== undefined && creditOmr > maxCreditPerVoucherOmr) {
    throw new VoucherError(
      "grant_exceeded",
      `credit_omr is ${creditOmr}, the grant maxCreditPerVoucherOmr allows ${maxCreditPerVoucherOmr}: lower the credit, or ask for a larger grant`,
    );
  }
}

/** Throws `grant_exceeded`, naming the grant, when the change leaves more than the Franchise allows for all together. */
export function enforceTotalGrants(grants: VoucherGrants, totals: VoucherTotals): void {
  const { maxActive, maxOutstandingCreditOmr } = grants;
  if (maxActive !== undefined && totals.active > maxActive) {
    throw new VoucherError(
      "grant_exceeded",
      `${totals.active} vouchers would be active, the grant maxActive allows ${maxActive}: revoke one, or ask for a larger grant`,
    );
  }
  if (maxOutstandingCreditOmr !== undefined && totals.outstandingOmr > maxOutstandingCreditOmr) {
    throw new VoucherError(
      "grant_exceeded",
      Number.isFinite(totals.outstandingOmr)
        ? `${totals.outstandingOmr} OMR would be outstanding, the grant maxOutstandingCreditOmr allows ${maxOutstandingCreditOmr}: lower credit_omr or max_redemptions, revoke a voucher, or ask for a larger grant`
        : `a voucher without a cap could grant any amount, the grant maxOutstandingCreditOmr allows ${maxOutstandingCreditOmr} OMR: set max_redemptions above 0`,
    );
  }
}
