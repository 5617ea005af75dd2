import { createHash } from "node:crypto";
import { VoucherConflict } from "../errors.ts";
import { type VoucherRow, voucherOf } from "./row.ts";
import type { VoucherRecord } from "./voucher.ts";

/** The requirement of a change for the current voucher. */
export type Precondition =
  /** No live voucher has the code: the change creates one. */
  | { kind: "absent" }
  /** The voucher has one of these tags. `any`: it exists. */
  | { kind: "tag"; tags: readonly string[] | "any" };

/**
 * The version of a voucher's terms. It changes with each term, with a revocation and with a restoration. It does not change
 * with a redemption, because otherwise every change would be refused while a campaign runs.
 */
export function voucherTag(voucher: VoucherRecord): string {
  const { code, credit_omr, description, active, max_redemptions, deleted_at, starts_at, expires_at } =
    voucher;
  const terms = [code, credit_omr, description, active, max_redemptions, deleted_at, starts_at, expires_at];
  return createHash("sha256").update(JSON.stringify(terms)).digest("base64url").slice(0, 22);
}

/** Call it with the locked row, or with undefined when no voucher has the code. Throws `voucher_exists` or `voucher_changed`. */
export function requirePrecondition(
  precondition: Precondition | undefined,
  before: VoucherRow | undefined,
): void {
  if (precondition === undefined) return;
  const current = before && voucherOf(before);
  if (precondition.kind === "absent") {
    if (current === undefined || current.deleted_at !== undefined) return;
    throw new VoucherConflict(
      "voucher_exists",
      `a voucher with the code ${current.code} exists: choose another code, or change that voucher`,
      current,
    );
  }
  const { tags } = precondition;
  if (current !== undefined && (tags === "any" || tags.includes(voucherTag(current)))) return;
  throw new VoucherConflict(
    "voucher_changed",
    current === undefined
      ? "no voucher has this code: check the code"
      : `the voucher ${current.code} is not as it was when it was read: read it again, and repeat the change`,
    current,
  );
}
