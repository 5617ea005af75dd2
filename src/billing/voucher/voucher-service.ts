import { type Database, type Queryable, theRow } from "../db/database.ts";
import { type IdempotencyClaim, recallAnswer, rememberAnswer } from "../db/idempotency.ts";
import type { TimePosition } from "../db/time-position.ts";
import { VoucherError } from "../errors.ts";
import { type Actor, auditChange, createAuditReader, type ReadVoucherAudit } from "./audit.ts";
import { createBulkIssuer, type IssueInBulk } from "./bulk-issue.ts";
import { codeOfSymbols, drawSymbols } from "./code.ts";
import type { VoucherGrants } from "./grant.ts";
import { createGrantGate } from "./grant-gate.ts";
import { listVouchers, type VoucherFilter, type VoucherPage } from "./list.ts";
import { createVoucherLookup } from "./preview.ts";
import {
  lockAny,
  lockLive,
  missing,
  requireKey,
  requireTerms,
  VOUCHER_COLUMNS,
  type VoucherRow,
  voucherOf,
} from "./row.ts";
import {
  isNewCode,
  outstandingOmr,
  type Voucher,
  type VoucherPreview,
  type VoucherTerms,
  voucherKey,
} from "./voucher.ts";
import { insertNew, rewrite } from "./write.ts";

export interface VoucherService {
  /** Throws `voucher_blank`. Undefined when no live voucher has this code. */
  preview(code: string): Promise<VoucherPreview | undefined>;
  list(limit: number, after?: TimePosition, filter?: VoucherFilter): Promise<VoucherPage>;
  /**
   * Creates a voucher, replaces its terms, or restores it. Without a code it draws a random code. Throws `voucher_invalid`,
   * `grant_exceeded` and idempotency errors.
   */
  issue(
    code: string | undefined,
    terms: VoucherTerms,
    actor: Actor,
    claim?: IdempotencyClaim,
  ): Promise<Voucher>;
  issueInBulk: IssueInBulk;
  /** Changes the named terms of a live voucher. Throws `voucher_not_found` too. */
  update(code: string, terms: Partial<VoucherTerms>, actor: Actor): Promise<Voucher>;
  /** Soft delete. Throws `voucher_not_found` when no live voucher has this code. */
  revoke(code: string, actor: Actor): Promise<void>;
  readAudit: ReadVoucherAudit;
}

/** Codes are drawn from 2^58, so more collisions than this mean a broken source of randomness. */
const MAX_DRAWS = 5;

export function createVoucherService(deps: {
  database: Database;
  grants: () => VoucherGrants;
  /** The source of new codes. Tests pass one that repeats itself. */
  drawSymbols?: () => string;
}): VoucherService {
  const { database } = deps;
  const findVoucher = createVoucherLookup({ database });
  const draw = deps.drawSymbols ?? drawSymbols;
  const gate = createGrantGate({ grants: deps.grants });

  /** Writes the terms and checks the result. An error rolls the change back. */
  async function change(transaction: Queryable, before: VoucherRow, terms: VoucherTerms, actor: Actor) {
    requireTerms(before, terms);
    return judge(transaction, before, await rewrite(transaction, before, terms, actor), actor);
  }

  /** Creates a voucher, and draws codes until one is free. */
  async function create(transaction: Queryable, terms: VoucherTerms, actor: Actor) {
    requireTerms(undefined, terms);
    for (let attempt = 1; attempt <= MAX_DRAWS; attempt += 1) {
      const [row] = await insertNew(transaction, [codeOfSymbols(draw())], terms, actor);
      if (row !== undefined) return judge(transaction, undefined, row, actor);
    }
    throw new Error("every generated code exists already: the random number generator is broken");
  }

  async function upsert(transaction: Queryable, key: string, terms: VoucherTerms, actor: Actor) {
    let before = key === "" ? await requireLive(transaction, key) : await lockAny(transaction, key);
    if (before === undefined) {
      if (!isNewCode(key)) {
        throw new VoucherError(
          "voucher_invalid",
          "code must have 3 to 64 of the characters A-Z, 0-9, _ and -, and begin with a letter or digit: choose another code",
        );
      }
      requireTerms(undefined, terms);
      const [row] = await insertNew(transaction, [key], terms, actor);
      if (row !== undefined) return judge(transaction, undefined, row, actor);
      // Another request created it in between. This one changes that voucher, and the audit shows it.
      before = await lockAny(transaction, key);
      if (before === undefined) throw new Error("a code is taken and no voucher has it");
    }
    return change(transaction, before, terms, actor);
  }

  async function judge(
    transaction: Queryable,
    before: VoucherRow | undefined,
    after: VoucherRow,
    actor: Actor,
  ) {
    if (isLarger(after, before)) await gate.requireRoom(transaction, actor, after.credit_omr);
    const action = before === undefined ? "issue" : before.deleted_at === null ? "update" : "revive";
    await auditChange(transaction, action, actor, before, after);
    return voucherOf(after);
  }

  return {
    preview: async (code) => findVoucher(requireKey(code)),

    list: (limit, after, filter = {}) => listVouchers(database, limit, after, filter),

    issue: (code, terms, actor, claim) =>
      database.transaction(async (transaction) => {
        const key = code === undefined ? undefined : voucherKey(code);
        const earlier = claim && (await recallAnswer<Voucher>(transaction, claim));
        if (earlier !== undefined) return earlier;
        await gate.enter(transaction, actor);
        const voucher =
          key === undefined
            ? await create(transaction, terms, actor)
            : await upsert(transaction, key, terms, actor);
        if (claim !== undefined) await rememberAnswer(transaction, claim, voucher);
        return voucher;
      }),

    issueInBulk: createBulkIssuer({ database, gate, drawSymbols: draw }),

    update: (code, terms, actor) =>
      database.transaction(async (transaction) => {
        await gate.enter(transaction, actor);
        const before = await requireLive(transaction, voucherKey(code));
        return change(transaction, before, { ...termsOf(before), ...terms }, actor);
      }),

    revoke: (code, actor) =>
      database.transaction(async (transaction) => {
        const before = await requireLive(transaction, voucherKey(code));
        const rows = await transaction.query<VoucherRow>({
          name: "voucher-revoke",
          text: `UPDATE promo_codes p SET deleted_at = now(), active = false WHERE p.code = $1 RETURNING ${VOUCHER_COLUMNS}`,
          values: [before.code],
        });
        await auditChange(transaction, "revoke", actor, before, theRow(rows));
      }),

    readAudit: createAuditReader({ database }),
  };
}

/** Throws `voucher_not_found`, or `voucher_blank` for a blank code that no adopted voucher has. */
async function requireLive(transaction: Queryable, key: string): Promise<VoucherRow> {
  const row = await lockLive(transaction, key);
  if (row === undefined) throw missing(key, "no live voucher has this code: check the code");
  return row;
}

function termsOf(row: VoucherRow): VoucherTerms {
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
  if (!after.is_counted) return false;
  if (before === undefined || !before.is_counted) return true;
  return after.credit_omr > before.credit_omr || outstandingOmr(after) > outstandingOmr(before);
}
