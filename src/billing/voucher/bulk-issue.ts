import type { Database, Queryable } from "../db/database.ts";
import { findStoredAnswer, type IdempotencyClaim, storeAnswer } from "../db/idempotency.ts";
import { type Actor, auditBulkIssue } from "./audit.ts";
import { codeOfSymbols, SYMBOL_COUNT } from "./code.ts";
import type { GrantGate } from "./grant-gate.ts";
import { voucherKey } from "./key.ts";
import { recordOf, requireTerms, type VoucherRow } from "./row.ts";
import { isCounted, type VoucherRecord, type VoucherTerms } from "./voucher.ts";
import { insertNew } from "./write.ts";

export const MAX_BULK_CODES = 10_000;

interface BulkIssue {
  /** 1 to `MAX_BULK_CODES`. */
  count: number;
  /** In front of each code; empty for none. */
  prefix: string;
  terms: VoucherTerms;
}

/** Issues all of the vouchers, or none. Throws `voucher_invalid`, `grant_exceeded`, idempotency errors. */
export type IssueInBulk = (
  issue: BulkIssue,
  actor: Actor,
  claim?: IdempotencyClaim,
) => Promise<VoucherRecord[]>;

/** The stored answer for a repeated request: one voucher, and the symbols of the other codes (at most 120 kB). */
interface BulkRecord {
  voucher: VoucherRecord;
  symbols: string;
}

/** Codes are drawn from 2^58, so more rounds of collisions than this mean a broken source of randomness. */
const MAX_ROUNDS = 5;

export function createBulkIssuer(deps: {
  database: Database;
  gate: GrantGate;
  drawSymbols: () => string;
}): IssueInBulk {
  const { database, gate, drawSymbols } = deps;

  /** New vouchers by the symbols of their codes. A code that is taken is drawn again. */
  async function insertDrawn(
    transaction: Queryable,
    { count, terms }: BulkIssue,
    prefix: string,
    actor: Actor,
  ): Promise<Map<string, VoucherRow>> {
    const created = new Map<string, VoucherRow>();
    for (let round = 1; created.size < count; round += 1) {
      if (round > MAX_ROUNDS)
        throw new Error("every generated code exists already: the random number generator is broken");
      const drawn = new Map<string, string>();
      for (let missing = count - created.size; missing > 0; missing -= 1) {
        const symbols = drawSymbols();
        drawn.set(codeOfSymbols(symbols, prefix), symbols);
      }
      for (const row of await insertNew(transaction, [...drawn.keys()], terms, actor))
        created.set(drawn.get(row.code) ?? "", row);
    }
    return created;
  }

  return (issue, actor, claim) =>
    database.transaction(async (transaction) => {
      const { terms } = issue;
      requireTerms(undefined, terms);
      const prefix = voucherKey(issue.prefix);
      const earlier = claim && (await findStoredAnswer<BulkRecord>(transaction, claim));
      if (earlier !== undefined) return issuedVouchers(earlier, prefix);
      await gate.enter(transaction, actor);

      const created = await insertDrawn(transaction, issue, prefix, actor);
      const [first, ...others] = [...created.values()];
      if (first === undefined) throw new Error("a bulk issue created no voucher");
      if (isCounted(first.standing)) await gate.requireRoom(transaction, actor, terms.credit_omr, "/count");
      await auditBulkIssue(transaction, actor, [first, ...others]);
      if (claim !== undefined) {
        const record: BulkRecord = { voucher: recordOf(first), symbols: [...created.keys()].join("") };
        await storeAnswer(transaction, claim, record);
      }
      return [first, ...others].map(recordOf);
    });
}

/** The vouchers as they were issued, without later changes. */
function issuedVouchers({ voucher, symbols }: BulkRecord, prefix: string): VoucherRecord[] {
  return Array.from({ length: symbols.length / SYMBOL_COUNT }, (_, index) => ({
    ...voucher,
    code: codeOfSymbols(symbols.slice(index * SYMBOL_COUNT, (index + 1) * SYMBOL_COUNT), prefix),
  }));
}
