import type { Database, Queryable } from "./db/database.ts";
import { LOOKUP_KEY_SQL } from "./db/schema.ts";
import { VoucherError } from "./errors.ts";
import { enforceGrants, hasLimit, type VoucherGrants } from "./grant.ts";
import { type IdempotencyClaim, recallAnswer, rememberAnswer } from "./idempotency.ts";
import { OPERATOR_ISSUER } from "./token.ts";
import {
  isNewCode,
  MAX_OMR,
  outstandingOmr,
  type Voucher,
  type VoucherPreview,
  type VoucherTerms,
  voucherKey,
} from "./voucher.ts";
import { lockAny, lockLive, TWIN_ORDER, VOUCHER_COLUMNS, type VoucherRow, voucherOf } from "./voucher-row.ts";

/** Who changes a voucher, for the audit row and the grants. */
export interface Actor {
  /** `issuer:subject`. */
  name: string;
  /** The Franchise's grants bind everybody but the operator, whose smoke test must never fail on a full quota. */
  boundByGrants: boolean;
}

export const OPERATOR_ACTOR = `${OPERATOR_ISSUER}:operator`;

export interface VoucherPage {
  vouchers: Voucher[];
  /** Where the next page begins; absent on the last one. */
  next?: { createdAt: string; code: string };
}

export interface VoucherService {
  /** Throws `voucher_blank`. Undefined when no live voucher has this code. */
  preview(code: string): Promise<VoucherPreview | undefined>;
  list(limit: number, after?: { createdAt: string; code: string }): Promise<VoucherPage>;
  /** Creates, replaces the terms of, or brings back. Throws `voucher_invalid`, `grant_exceeded`, idempotency errors. */
  issue(code: string, terms: VoucherTerms, actor: Actor, claim?: IdempotencyClaim): Promise<Voucher>;
  /** Changes the named terms of a live voucher. Throws `voucher_not_found` too. */
  update(code: string, terms: Partial<VoucherTerms>, actor: Actor): Promise<Voucher>;
  /** Soft delete. Throws `voucher_not_found` when no live voucher has this code. */
  revoke(code: string, actor: Actor): Promise<void>;
}

// "grants" in ASCII: totals are judged one change at a time, or two could pass together.
const GRANTS_LOCK = 113723879386227;

export function createVoucherService(deps: {
  database: Database;
  grants: () => VoucherGrants;
}): VoucherService {
  const { database, grants } = deps;

  /** Writes the terms and judges the result: whatever throws rolls back. */
  async function change(
    transaction: Queryable,
    key: string,
    before: VoucherRow | undefined,
    terms: VoucherTerms,
    actor: Actor,
  ) {
    requireTerms(before, terms);
    const limits = actor.boundByGrants ? grants() : {};
    const after = await write(transaction, before, key, terms, actor);
    if (hasLimit(limits) && isLarger(after, before)) {
      enforceGrants(limits, after.credit_omr, await readTotals(transaction));
    }
    await audit(
      transaction,
      before === undefined ? "issue" : before.deleted_at === null ? "update" : "revive",
      actor,
      before,
      after,
    );
    return voucherOf(after);
  }

  /** Before any row lock, so that two changes never wait for each other crosswise. */
  async function enter(transaction: Queryable, actor: Actor): Promise<void> {
    if (!actor.boundByGrants || !hasLimit(grants())) return;
    await transaction.query({
      name: "grants-lock",
      text: "SELECT pg_advisory_xact_lock($1::bigint)",
      values: [GRANTS_LOCK],
    });
  }

  return {
    async preview(code) {
      const [row] = await database.query<VoucherPreview>({
        name: "voucher-preview",
        text: `SELECT p.code, coalesce(p.credit_omr, 0) AS credit_omr, coalesce(p.description, '') AS description,
                      coalesce(p.active, false) AS active, billing_accepts_redemptions(p, now()) AS accepting_redemptions
                 FROM promo_codes p
                WHERE ${LOOKUP_KEY_SQL} = $1 AND p.deleted_at IS NULL ORDER BY ${TWIN_ORDER} LIMIT 1`,
        values: [requireKey(code)],
      });
      return row;
    },

    async list(limit, after) {
      const rows = await database.query<VoucherRow & { created_text: string }>({
        name: after === undefined ? "voucher-list" : "voucher-list-after",
        text: `SELECT ${VOUCHER_COLUMNS}, coalesce(p.created_at, '-infinity')::text AS created_text FROM promo_codes p
                WHERE p.deleted_at IS NULL ${after === undefined ? "" : "AND (coalesce(p.created_at, '-infinity'), p.code) < ($2::timestamptz, $3)"}
                ORDER BY coalesce(p.created_at, '-infinity') DESC, p.code DESC LIMIT $1`,
        values: [limit + 1, ...(after === undefined ? [] : [after.createdAt, after.code])],
      });
      const shown = rows.slice(0, limit);
      const last = rows.length > limit ? shown.at(-1) : undefined;
      return {
        vouchers: shown.map(voucherOf),
        ...(last === undefined ? {} : { next: { createdAt: last.created_text, code: last.code } }),
      };
    },

    issue: (code, terms, actor, claim) =>
      database.transaction(async (transaction) => {
        const key = requireKey(code);
        const earlier = claim && (await recallAnswer<Voucher>(transaction, claim));
        if (earlier !== undefined) return earlier;
        await enter(transaction, actor);
        const before = await lockAny(transaction, key);
        if (before === undefined && !isNewCode(key)) {
          throw new VoucherError(
            "voucher_invalid",
            "code must be 3 to 64 of A-Z, 0-9, _ and -, and begin with a letter or digit: choose another code",
          );
        }
        const voucher = await change(transaction, key, before, terms, actor);
        if (claim !== undefined) await rememberAnswer(transaction, claim, voucher);
        return voucher;
      }),

    update: (code, terms, actor) =>
      database.transaction(async (transaction) => {
        const key = requireKey(code);
        await enter(transaction, actor);
        const before = await lockLive(transaction, key);
        if (before === undefined) throw notFound();
        return change(transaction, key, before, { ...termsOf(before), ...terms }, actor);
      }),

    revoke: (code, actor) =>
      database.transaction(async (transaction) => {
        const before = await lockLive(transaction, requireKey(code));
        if (before === undefined) throw notFound();
        const [after] = await transaction.query<VoucherRow>({
          name: "voucher-revoke",
          text: `UPDATE promo_codes p SET deleted_at = now(), active = false WHERE p.code = $1 RETURNING ${VOUCHER_COLUMNS}`,
          values: [before.code],
        });
        await audit(transaction, "revoke", actor, before, after);
      }),
  };
}

const notFound = () => new VoucherError("voucher_not_found", "no live voucher has this code: check the code");

function requireKey(code: string): string {
  const key = voucherKey(code);
  if (key === "") throw new VoucherError("voucher_blank", "code is blank: give the voucher's code");
  return key;
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

/** Rules for what is set anew; an adopted row may be sent back with the odd value that it already has. */
function requireTerms(before: VoucherRow | undefined, terms: VoucherTerms): void {
  const keepsCredit = before?.adopted === true && terms.credit_omr === before.credit_omr;
  if (!keepsCredit && (terms.credit_omr < 1 || terms.credit_omr > MAX_OMR)) {
    throw new VoucherError(
      "voucher_invalid",
      `credit_omr must be a whole number from 1 to ${MAX_OMR}: set the credit in OMR`,
    );
  }
  const keepsCap = before?.adopted === true && terms.max_redemptions === before.max_redemptions;
  if (!keepsCap && terms.max_redemptions < 0) {
    throw new VoucherError("voucher_invalid", "max_redemptions must be 0 (unlimited) or more: set the cap");
  }
  if (
    terms.starts_at !== null &&
    terms.expires_at !== null &&
    Date.parse(terms.starts_at) >= Date.parse(terms.expires_at)
  ) {
    throw new VoucherError("voucher_invalid", "expires_at must lie after starts_at: move one of them");
  }
}

function isLarger(after: VoucherRow, before: VoucherRow | undefined): boolean {
  if (!after.is_open) return false;
  if (before === undefined || !before.is_open) return true;
  return after.credit_omr > before.credit_omr || outstandingOmr(after) > outstandingOmr(before);
}

const TERM_COLUMNS =
  "credit_omr = $2, description = $3, active = $4, max_redemptions = $5, starts_at = $6, expires_at = $7";

/** Updates the row that was found and locked, or creates one. */
async function write(
  transaction: Queryable,
  before: VoucherRow | undefined,
  key: string,
  terms: VoucherTerms,
  actor: Actor,
): Promise<VoucherRow> {
  const update = `UPDATE promo_codes p SET ${TERM_COLUMNS}, issued_by = $8, deleted_at = NULL WHERE p.code = $1`;
  // Concurrent first issues of one code meet on the key: the second updates what the first created.
  const insert = `INSERT INTO promo_codes AS p (code, credit_omr, description, active, max_redemptions, starts_at, expires_at, issued_by)
                  VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
                  ON CONFLICT (code) DO UPDATE SET ${TERM_COLUMNS}, issued_by = $8, deleted_at = NULL`;
  const [row] = await transaction.query<VoucherRow>({
    name: before === undefined ? "voucher-insert" : "voucher-update",
    text: `${before === undefined ? insert : update} RETURNING ${VOUCHER_COLUMNS}`,
    values: [
      before?.code ?? key,
      terms.credit_omr,
      terms.description,
      terms.active,
      terms.max_redemptions,
      terms.starts_at,
      terms.expires_at,
      actor.name,
    ],
  });
  if (row === undefined) throw new Error("a voucher was written and no row returned");
  return row;
}

async function readTotals(transaction: Queryable): Promise<{ active: number; outstandingOmr: number }> {
  const [totals] = await transaction.query<{
    active: number;
    outstanding: number;
    unlimited: boolean | null;
  }>({
    name: "voucher-totals",
    text: `SELECT count(*)::int AS active, bool_or(p.max_redemptions = 0) AS unlimited,
                  coalesce(sum(p.credit_omr::bigint * (p.max_redemptions - p.times_redeemed)), 0)::float8 AS outstanding
             FROM (SELECT ${VOUCHER_COLUMNS}, p.issued_by FROM promo_codes p WHERE p.deleted_at IS NULL) p
            WHERE p.is_open AND p.issued_by IS DISTINCT FROM $1`,
    values: [OPERATOR_ACTOR],
  });
  if (totals === undefined) throw new Error("an aggregate returned no row");
  return {
    active: totals.active,
    outstandingOmr: totals.unlimited ? Number.POSITIVE_INFINITY : totals.outstanding,
  };
}

async function audit(
  transaction: Queryable,
  action: "issue" | "update" | "revive" | "revoke",
  actor: Actor,
  before: VoucherRow | undefined,
  after: VoucherRow | undefined,
): Promise<void> {
  await transaction.query({
    name: "voucher-audit",
    text: "INSERT INTO voucher_audit (code, action, actor, before, after) VALUES ($1, $2, $3, $4, $5)",
    values: [
      after?.code,
      action,
      actor.name,
      before === undefined ? null : JSON.stringify(voucherOf(before)),
      after === undefined ? null : JSON.stringify(voucherOf(after)),
    ],
  });
}
