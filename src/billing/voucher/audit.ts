import { randomUUID } from "node:crypto";
import { type Caller, OPERATOR_ISSUER, type TokenTrace } from "../auth/token.ts";
import type { Database, Queryable } from "../db/database.ts";
import { resolveKey } from "./resolve.ts";
import { findAny, missing, recordOf, type VoucherRow } from "./row.ts";
import { SMOKE_TEST, type VoucherRecord } from "./voucher.ts";

/** The user who changes a voucher, for the audit row and the grants. */
export interface Actor {
  /** `issuer:subject`. */
  name: string;
  subject: string;
  token: TokenTrace;
  /** False only for the operator, whose smoke test must not fail on an exhausted grant. */
  boundByGrants: boolean;
}

export const OPERATOR_ACTOR = `${OPERATOR_ISSUER}:operator`;

export function actorOf({ issuer, userId, token }: Caller): Actor {
  const isOperator = issuer === "operator";
  return {
    name: isOperator ? OPERATOR_ACTOR : `${issuer}:${userId}`,
    subject: userId,
    token,
    boundByGrants: !isOperator,
  };
}

/** `smoke` is the issue of a smoke test's voucher. `adopt` and `record` are written by `catalyst` commands. */
export type AuditAction = "issue" | "update" | "revive" | "revoke" | "smoke" | "adopt" | "record";

/** One change of a voucher. The token's members are null in rows that no token caused. */
export interface AuditEntry {
  id: string;
  code: string;
  action: AuditAction;
  at: string;
  actor: string;
  issuer: string | null;
  subject: string | null;
  token_id: string | null;
  token_issued_at: string | null;
  /** The bulk issue to which the row belongs. */
  batch: string | null;
  before: VoucherRecord | null;
  after: VoucherRecord | null;
  previous_digest: string;
  digest: string;
}

// The first comparison uses the index. Adopted codes may be longer than an index entry, so the whole text decides.
const isEqual = (column: "code" | "actor" | "subject", parameter: string) =>
  `left(${column}, 256) = left(${parameter}, 256) AND ${column} = ${parameter}`;

const AUDIT_COLUMNS = "action, actor, issuer, subject, token_id, token_issued_at";
const whoOf = (action: AuditAction, { name, subject, token }: Actor) => [
  action,
  name,
  token.issuer,
  subject,
  token.id,
  token.issuedAt ?? null,
];

const IS_FIRST_SMOKE_ROW = `NOT EXISTS (
  SELECT FROM (SELECT actor, action FROM voucher_audit WHERE ${isEqual("code", "$7")} ORDER BY id DESC LIMIT 1) AS last
   WHERE last.actor = $2 AND last.action = 'smoke')`;

function isSmokeTest(row: VoucherRow): boolean {
  return (
    row.code.startsWith(SMOKE_TEST.codePrefix) &&
    row.credit_omr === SMOKE_TEST.credit_omr &&
    row.description === SMOKE_TEST.description &&
    row.max_redemptions === SMOKE_TEST.max_redemptions &&
    row.starts_at === null &&
    row.expires_at === null
  );
}

/**
 * Appends a row. Call it as the last statement of a change that takes locks: the row locks the end of the chain until the
 * commit, so changes of vouchers commit one after another. Redemptions write no row. A smoke test leaves one row, however
 * often it runs: the next issue or revocation of its voucher by the same user adds none.
 */
export async function auditChange(
  transaction: Queryable,
  action: AuditAction,
  actor: Actor,
  before: VoucherRow | undefined,
  after: VoucherRow,
): Promise<void> {
  const isSmoke = isSmokeTest(after);
  await transaction.query({
    name: isSmoke ? "voucher-audit-smoke" : "voucher-audit",
    text: `INSERT INTO voucher_audit (${AUDIT_COLUMNS}, code, before, after)
           SELECT $1, $2, $3, $4, $5, $6::timestamptz, $7, $8::jsonb, $9::jsonb ${isSmoke ? `WHERE ${IS_FIRST_SMOKE_ROW}` : ""}`,
    values: [
      ...whoOf(isSmoke && action !== "revoke" ? "smoke" : action, actor),
      after.code,
      before === undefined ? null : JSON.stringify(recordOf(before)),
      JSON.stringify(recordOf(after)),
    ],
  });
}

/** Writes a row for each new voucher of a bulk issue, in one statement. The vouchers differ only in their codes. */
export async function auditBulkIssue(
  transaction: Queryable,
  actor: Actor,
  rows: [VoucherRow, ...VoucherRow[]],
): Promise<void> {
  await transaction.query({
    name: "voucher-bulk-audit",
    text: `INSERT INTO voucher_audit (${AUDIT_COLUMNS}, batch, code, after)
           SELECT $1, $2, $3, $4, $5, $6::timestamptz, $7::uuid, code, $8::jsonb || jsonb_build_object('code', code)
             FROM unnest($9::text[]) AS code`,
    values: [
      ...whoOf("issue", actor),
      randomUUID(),
      JSON.stringify(recordOf(rows[0])),
      rows.map(({ code }) => code),
    ],
  });
}

/**
 * Selects changes. Without `code`, `smokeTests` decides: only smoke tests, or all changes except the operator's smoke
 * tests. A person's changes are shown even if the voucher looks like a smoke test's.
 */
export interface AuditFilter {
  code?: string;
  /** The changes from the first time on, and before the second. Both are texts that PostgreSQL reads as times. */
  from?: string;
  to?: string;
  /** `issuer:subject`, or the subject alone. */
  actor?: string;
  batch?: string;
  smokeTests?: boolean;
}

interface AuditPage {
  entries: AuditEntry[];
  /** The `id` of the last entry, when there are older entries. */
  next?: string;
}

export type ReadVoucherAudit = (filter: AuditFilter, limit: number, before?: string) => Promise<AuditPage>;

interface AuditRow extends Omit<AuditEntry, "at" | "token_issued_at"> {
  at: Date;
  token_issued_at: Date | null;
}

/**
 * Changes of vouchers, newest first, also of revoked ones. Throws `voucher_not_found` when no voucher ever had the filter's code,
 * and `voucher_blank`.
 */
export function createAuditReader({ database }: { database: Database }): ReadVoucherAudit {
  /** The stored code. When adopted vouchers differ only in case, it is the code that an issue would change. */
  async function storedCode(code: string): Promise<string> {
    const key = await resolveKey(database, code);
    const voucher = await findAny(database, key);
    if (voucher === undefined) throw missing(key, "no voucher ever had this code: check the code");
    return voucher.code;
  }

  return async (filter, limit, before) => {
    const { code, from, to, actor, batch, smokeTests = false } = filter;
    const values: unknown[] = [limit + 1];
    const conditions: [name: string, condition: string][] = [];
    const add = (name: string, value: unknown, condition: (parameter: string) => string) => {
      if (value !== undefined) conditions.push([name, condition(`$${values.push(value)}`)]);
    };
    add("code", code === undefined ? undefined : await storedCode(code), (parameter) =>
      isEqual("code", parameter),
    );
    add("from", from, (parameter) => `at >= ${parameter}::timestamptz`);
    add("to", to, (parameter) => `at < ${parameter}::timestamptz`);
    add(
      "actor",
      actor,
      (parameter) => `((${isEqual("actor", parameter)}) OR (${isEqual("subject", parameter)}))`,
    );
    add("batch", batch, (parameter) => `batch = ${parameter}::uuid`);
    add("before", before, (parameter) => `id < ${parameter}::bigint`);
    if (code === undefined)
      conditions.push(
        smokeTests
          ? ["smoke", "action = 'smoke'"]
          : ["real", `(action <> 'smoke' OR actor <> '${OPERATOR_ACTOR}')`],
      );
    const rows = await database.query<AuditRow>({
      name: `voucher-audit-read-${conditions.map(([name]) => name).join("-")}`,
      text: `SELECT id, code, at, ${AUDIT_COLUMNS}, batch, before, after, previous_digest, digest FROM voucher_audit
              WHERE ${conditions.map(([, condition]) => condition).join(" AND ")} ORDER BY id DESC LIMIT $1`,
      values,
    });
    const entries = rows.slice(0, limit).map((row) => ({
      ...row,
      at: row.at.toISOString(),
      token_issued_at: row.token_issued_at?.toISOString() ?? null,
    }));
    const last = rows.length > limit ? entries.at(-1) : undefined;
    return { entries, ...(last === undefined ? {} : { next: last.id }) };
  };
}
