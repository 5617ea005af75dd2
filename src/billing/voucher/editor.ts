import type { Queryable } from "../db/database.ts";
import { VoucherError } from "../errors.ts";
import { type Actor, auditChange } from "./audit.ts";
import { codeOfSymbols } from "./code.ts";
import type { GrantGate } from "./grant-gate.ts";
import { isNewCode, newCodeOf } from "./key.ts";
import { type Precondition, requirePrecondition } from "./precondition.ts";
import { resolveKey } from "./resolve.ts";
import { lockAny, lockLive, missing, recordOf, requireTerms, type VoucherRow } from "./row.ts";
import {
  type IssueTerms,
  isCounted,
  outstandingOmr,
  type VoucherRecord,
  type VoucherTerms,
} from "./voucher.ts";
import { insertNew, rewrite } from "./write.ts";

/** Codes are drawn from 2^58, so more collisions than this mean a broken source of randomness. */
const MAX_DRAWS = 5;

export const NO_DATES = { starts_at: null, expires_at: null };

/** Creates and changes single vouchers, each with its audit row, in the caller's transaction. */
export function createEditor(deps: { gate: GrantGate; drawSymbols: () => string }) {
  const { gate, drawSymbols } = deps;

  /** Writes the terms and checks the result. An error rolls the change back. */
  async function change(transaction: Queryable, before: VoucherRow, terms: VoucherTerms, actor: Actor) {
    requireTerms(before, terms);
    return judge(transaction, before, await rewrite(transaction, before, terms, actor), actor);
  }

  /** Creates a voucher, and draws codes until one is free. */
  async function create(transaction: Queryable, terms: VoucherTerms, actor: Actor) {
    requireTerms(undefined, terms);
    for (let attempt = 1; attempt <= MAX_DRAWS; attempt += 1) {
      const [row] = await insertNew(transaction, [codeOfSymbols(drawSymbols())], terms, actor);
      if (row !== undefined) return judge(transaction, undefined, row, actor);
    }
    throw new Error("every generated code exists already: the random number generator is broken");
  }

  async function upsert(
    transaction: Queryable,
    code: string,
    terms: IssueTerms,
    actor: Actor,
    precondition: Precondition | undefined,
  ) {
    const key = await resolveKey(transaction, code);
    let before = key === "" ? await requireLive(transaction, key) : await lockAny(transaction, key);
    requirePrecondition(precondition, before);
    if (before === undefined) {
      // Only lookups accept other spellings. A new code is stored exactly as it was sent.
      const newCode = newCodeOf(code);
      if (!isNewCode(newCode)) {
        throw new VoucherError(
          "voucher_invalid",
          "code must have 3 to 64 of the characters A-Z, 0-9, _ and -, and begin with a letter or digit: choose another code",
          { field: "/code" },
        );
      }
      const all = { ...NO_DATES, ...terms };
      requireTerms(undefined, all);
      const [row] = await insertNew(transaction, [newCode], all, actor);
      if (row !== undefined) return judge(transaction, undefined, row, actor);
      // Another request created it in between. This one changes that voucher, and the audit shows it.
      before = await lockAny(transaction, key);
      if (before === undefined) throw new Error("a code is taken and no voucher has it");
      requirePrecondition(precondition, before);
    }
    const { starts_at, expires_at } = termsOf(before);
    return change(transaction, before, { starts_at, expires_at, ...terms }, actor);
  }

  async function judge(
    transaction: Queryable,
    before: VoucherRow | undefined,
    after: VoucherRow,
    actor: Actor,
  ): Promise<VoucherRecord> {
    if (isLarger(after, before)) await gate.requireRoom(transaction, actor, after.credit_omr);
    const action = before === undefined ? "issue" : before.standing === "revoked" ? "revive" : "update";
    await auditChange(transaction, action, actor, before, after);
    return recordOf(after);
  }

  return { change, create, upsert };
}

/** Throws `voucher_not_found`, or `voucher_blank` for a blank code that no adopted voucher has. */
export async function requireLive(transaction: Queryable, key: string): Promise<VoucherRow> {
  const row = await lockLive(transaction, key);
  if (row === undefined) throw missing(key, "no live voucher has this code: check the code");
  return row;
}

export function termsOf(row: VoucherRow): VoucherTerms {
  const { credit_omr, description, active, max_redemptions, starts_at, expires_at } = row;
  return {
    credit_omr,
    description,
    active,
    max_redemptions,
    starts_at: starts_at?.toISOString() ?? null,
    expires_at: expires_at?.toISOString() ?? null,
  };
}

function isLarger(after: VoucherRow, before: VoucherRow | undefined): boolean {
  if (!isCounted(after.standing)) return false;
  if (before === undefined || !isCounted(before.standing)) return true;
  return after.credit_omr > before.credit_omr || outstandingOmr(after) > outstandingOmr(before);
}
