import { VoucherError } from "../errors.ts";

/** The limits that the Franchise sets on vouchers (`grants.vouchers`). An absent member is no limit. */
export interface VoucherGrants {
  /** The number of vouchers that accept redemptions at the same time. */
  maxActive?: number;
  maxCreditPerVoucherOmr?: number;
  /** The credit that all vouchers together can still grant: credit times remaining redemptions. */
  maxOutstandingCreditOmr?: number;
}

const NAMES = ["maxActive", "maxCreditPerVoucherOmr", "maxOutstandingCreditOmr"] as const;

/** Parses `grants.vouchers` of a Franchise. Null and `{}` set no limit. Throws on members of a wrong type. */
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

/** Whether a grant limits all vouchers together. */
export function limitsTotals({ maxActive, maxOutstandingCreditOmr }: VoucherGrants): boolean {
  return maxActive !== undefined || maxOutstandingCreditOmr !== undefined;
}

/** The totals of all vouchers after the change. */
export interface VoucherTotals {
  active: number;
  /** Infinite when a voucher has no cap. */
  outstandingOmr: number;
}

/** Throws `grant_exceeded`, which names the grant, when one voucher's credit exceeds the grant for one voucher. */
export function enforceCreditGrant({ maxCreditPerVoucherOmr }: VoucherGrants, creditOmr: number): void {
  if (maxCreditPerVoucherOmr !== undefined && creditOmr > maxCreditPerVoucherOmr) {
    throw new VoucherError(
      "grant_exceeded",
      `credit_omr is ${creditOmr}, but the grant maxCreditPerVoucherOmr allows ${maxCreditPerVoucherOmr}: lower the credit, or ask for a larger grant`,
      { field: "/credit_omr" },
    );
  }
}

/**
 * Throws `grant_exceeded`, which names the grant, when the totals after the change exceed a grant. `countField` is the
 * member with the number of vouchers that the change adds. Undefined: the change has no such member.
 */
export function enforceTotalGrants(grants: VoucherGrants, totals: VoucherTotals, countField?: string): void {
  const { maxActive, maxOutstandingCreditOmr } = grants;
  if (maxActive !== undefined && totals.active > maxActive) {
    throw new VoucherError(
      "grant_exceeded",
      `${totals.active} vouchers would be active, but the grant maxActive allows ${maxActive}: revoke one, or ask for a larger grant`,
      countField === undefined ? {} : { field: countField },
    );
  }
  if (maxOutstandingCreditOmr !== undefined && totals.outstandingOmr > maxOutstandingCreditOmr) {
    throw new VoucherError(
      "grant_exceeded",
      Number.isFinite(totals.outstandingOmr)
        ? `${totals.outstandingOmr} of credit would be outstanding, but the grant maxOutstandingCreditOmr allows ${maxOutstandingCreditOmr}: lower credit_omr or max_redemptions, revoke a voucher, or ask for a larger grant`
        : `a voucher without a cap could grant any amount, but the grant maxOutstandingCreditOmr allows ${maxOutstandingCreditOmr}: set max_redemptions above 0`,
      { field: "/max_redemptions" },
    );
  }
}
