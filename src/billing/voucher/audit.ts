import { randomUUID } from "node:crypto";
import { type Caller, OPERATOR_ISSUER, type TokenTrace } from "../auth/token.ts";
import type { Queryable } from "../db/database.ts";
import { recordOf, type VoucherRow } from "./row.ts";
import { SMOKE_TEST } from "./voucher.ts";

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

/** `smoke` is the issue of the operator's smoke test. `adopt` and `record` are written by `catalyst` commands. */
export type AuditAction = "issue" | "update" | "revive" | "revoke" | "smoke" | "adopt" | "record";

/**
 * SQL that compares a code, actor or subject of `voucher_audit` with a text. The first comparison uses the index. Adopted codes
 * may be longer than an index entry, so the whole text decides.
 */
export const isAuditTextEqual = (column: string, text: string) =>
  `left(${column}, 256) = left(${text}, 256) AND ${column} = ${text}`;

export const AUDIT_COLUMNS = "action, actor, issuer, subject, token_id, token_issued_at";
const whoOf = (action: AuditAction, { name, subject, token }: Actor) => [
  action,
  name,
  token.issuer,
  subject,
  token.id,
  token.issuedAt ?? null,
];

const IS_FIRST_SMOKE_ROW = `NOT EXISTS (
  SELECT FROM (SELECT actor, action FROM voucher_audit WHERE ${isAuditTextEqual("code", "$7")} ORDER BY id DESC LIMIT 1) AS last
   WHERE last.actor = $2 AND last.action = 'smoke')`;

/** Only the operator's changes count: any administrator can give a voucher this form. `isSmokeRow` is the same rule in SQL. */
function isSmokeTest(actor: Actor, row: VoucherRow): boolean {
  return (
    actor.name === OPERATOR_ACTOR &&
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
 * commit, so changes of vouchers commit one after another. Redemptions write no row. The operator's smoke test leaves one row,
 * however often it runs: the next issue or revocation of its voucher adds none.
 */
export async function auditChange(
  transaction: Queryable,
  action: AuditAction,
  actor: Actor,
  before: VoucherRow | undefined,
  after: VoucherRow,
): Promise<void> {
  const isSmoke = isSmokeTest(actor, after);
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
