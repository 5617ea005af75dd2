import { type Database, theRow } from "../db/database.ts";
import { findStoredAnswer, type IdempotencyClaim, storeAnswer } from "../db/idempotency.ts";
import type { TimePosition } from "../db/time-position.ts";
import { type Actor, auditChange } from "./audit.ts";
import { createAuditReader, type ReadVoucherAudit } from "./audit-reader.ts";
import { createBulkIssuer, type IssueInBulk } from "./bulk-issue.ts";
import { drawSymbols } from "./code.ts";
import { createEditor, NO_DATES, requireLive, termsOf } from "./editor.ts";
import type { VoucherGrants, VoucherTotals } from "./grant.ts";
import { createGrantGate } from "./grant-gate.ts";
import { listVouchers, type VoucherFilter, type VoucherPage } from "./list.ts";
import { type Precondition, requirePrecondition } from "./precondition.ts";
import { createVoucherLookup } from "./preview.ts";
import { resolveKey } from "./resolve.ts";
import { findAny, missing, requireKey, VOUCHER_COLUMNS, type VoucherRow, voucherOf } from "./row.ts";
import type { IssueTerms, Voucher, VoucherOffer, VoucherRecord, VoucherTerms } from "./voucher.ts";

export interface VoucherService {
  /** Throws `voucher_blank`. Undefined when no live voucher has this code. */
  preview(code: string): Promise<VoucherOffer | undefined>;
  list(limit: number, after?: TimePosition, filter?: VoucherFilter): Promise<VoucherPage>;
  /** A voucher, also a revoked one. Throws `voucher_not_found` when no voucher ever had this code. */
  read(code: string): Promise<Voucher>;
  /**
   * Creates a voucher, replaces its terms, or restores it. Without a code it draws a random code. Throws `voucher_invalid`,
   * `voucher_exists`, `voucher_changed`, `grant_exceeded` and idempotency errors.
   */
  issue(
    code: string | undefined,
    terms: IssueTerms,
    actor: Actor,
    more?: { claim?: IdempotencyClaim | undefined; precondition?: Precondition | undefined },
  ): Promise<VoucherRecord>;
  issueInBulk: IssueInBulk;
  /** Changes the named terms of a live voucher. Throws `voucher_not_found` too. */
  update(
    code: string,
    terms: Partial<VoucherTerms>,
    actor: Actor,
    precondition?: Precondition,
  ): Promise<VoucherRecord>;
  /** Soft delete. Throws `voucher_not_found` when no live voucher has this code, and `voucher_changed`. */
  revoke(code: string, actor: Actor, precondition?: Precondition): Promise<void>;
  readAudit: ReadVoucherAudit;
  /** The amounts that the Franchise's grants allow, and how much of them is in use. */
  readRoom(actor: Actor): Promise<{ limits: VoucherGrants; totals: VoucherTotals }>;
}

export function createVoucherService(deps: {
  database: Database;
  grants: () => VoucherGrants;
  /** The source of new codes. Tests pass one that repeats codes. */
  drawSymbols?: () => string;
}): VoucherService {
  const { database } = deps;
  const findVoucher = createVoucherLookup({ database });
  const draw = deps.drawSymbols ?? drawSymbols;
  const gate = createGrantGate({ grants: deps.grants });
  const editor = createEditor({ gate, drawSymbols: draw });

  return {
    async preview(code) {
      requireKey(code);
      return findVoucher(await resolveKey(database, code));
    },

    list: (limit, after, filter = {}) => listVouchers(database, limit, after, filter),

    async read(code) {
      const key = await resolveKey(database, code);
      const row = await findAny(database, key);
      if (row === undefined) throw missing(key, "no voucher ever had this code: check the code");
      return voucherOf(row);
    },

    issue: (code, terms, actor, { claim, precondition } = {}) =>
      database.transaction(async (transaction) => {
        const earlier = claim && (await findStoredAnswer<VoucherRecord>(transaction, claim));
        if (earlier !== undefined) return earlier;
        await gate.enter(transaction, actor);
        const voucher =
          code === undefined
            ? await editor.create(transaction, { ...NO_DATES, ...terms }, actor)
            : await editor.upsert(transaction, code, terms, actor, precondition);
        if (claim !== undefined) await storeAnswer(transaction, claim, voucher);
        return voucher;
      }),

    issueInBulk: createBulkIssuer({ database, gate, drawSymbols: draw }),

    update: (code, terms, actor, precondition) =>
      database.transaction(async (transaction) => {
        await gate.enter(transaction, actor);
        const before = await requireLive(transaction, await resolveKey(transaction, code));
        requirePrecondition(precondition, before);
        return editor.change(transaction, before, { ...termsOf(before), ...terms }, actor);
      }),

    revoke: (code, actor, precondition) =>
      database.transaction(async (transaction) => {
        const before = await requireLive(transaction, await resolveKey(transaction, code));
        requirePrecondition(precondition, before);
        const rows = await transaction.query<VoucherRow>({
          name: "voucher-revoke",
          text: `UPDATE promo_codes p SET deleted_at = now(), active = false WHERE p.code = $1 RETURNING ${VOUCHER_COLUMNS}`,
          values: [before.code],
        });
        await auditChange(transaction, "revoke", actor, before, theRow(rows));
      }),

    readAudit: createAuditReader({ database }),

    readRoom: (actor) => gate.readRoom(database, actor),
  };
}
