import { type Caller, OPERATOR_ISSUER, type TokenTrace } from "../auth/token.ts";
import type { Database, Queryable } from "../db/database.ts";
import { LOOKUP_KEY_SQL } from "../db/schema.ts";
import { missing, TWIN_ORDER, type VoucherRow, voucherOf } from "./row.ts";
import { type Voucher, voucherKey } from "./voucher.ts";

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

export type AuditAction = "issue" | "update" | "revive" | "revoke";

/** One change of a voucher. The token's members are null in rows that are older than these columns. */
interface AuditEntry {
  id: string;
  code: string;
  action: AuditAction;
  at: string;
  actor: string;
  issuer: string | null;
  subject: string | null;
  token_id: string | null;
  token_issued_at: string | null;
  before: Voucher | null;
  after: Voucher | null;
}

const AUDIT_COLUMNS = "action, actor, issuer, subject, token_id, token_issued_at";
const whoOf = (action: AuditAction, { name, subject, token }: Actor) => [
  action,
  name,
  token.issuer,
  subject,
  token.id,
  token.issuedAt ?? null,
];

export async function auditChange(
  transaction: Queryable,
  action: AuditAction,
  actor: Actor,
  before: VoucherRow | undefined,
  after: VoucherRow,
): Promise<void> {
  await transaction.query({
    name: "voucher-audit",
    text: `INSERT INTO voucher_audit (${AUDIT_COLUMNS}, code, before, after) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    values: [
      ...whoOf(action, actor),
      after.code,
      before === undefined ? null : JSON.stringify(voucherOf(before)),
      JSON.stringify(voucherOf(after)),
    ],
  });
}

/** Writes a row for each voucher of a bulk issue, in one statement. The rows differ only in their codes. */
export async function auditBulkIssue(
  transaction: Queryable,
  actor: Actor,
  vouchers: Voucher[],
): Promise<void> {
  await transaction.query({
    name: "voucher-bulk-audit",
    text: `INSERT INTO voucher_audit (${AUDIT_COLUMNS}, code, after)
           SELECT $1, $2, $3, $4, $5, $6::timestamptz, code, $7::jsonb || jsonb_build_object('code', code)
             FROM unnest($8::text[]) AS code`,
    values: [...whoOf("issue", actor), JSON.stringify(vouchers[0]), vouchers.map(({ code }) => code)],
  });
}

interface AuditPage {
  entries: AuditEntry[];
  /** The `id` of the last entry, when there are older entries. */
  next?: string;
}

export type ReadVoucherAudit = (code: string, limit: number, before?: string) => Promise<AuditPage>;

/** A voucher's changes, newest first, also after it was revoked. Throws `voucher_not_found` when no voucher ever had the code. */
export function createAuditReader({ database }: { database: Database }): ReadVoucherAudit {
  return async (code, limit, before) => {
    const key = voucherKey(code);
    // When adopted vouchers differ only in case, the one that an issue would change.
    const [voucher] = await database.query<{ code: string }>({
      name: "voucher-find-any",
      text: `SELECT p.code FROM promo_codes p
              WHERE ${LOOKUP_KEY_SQL} = $1 ORDER BY (p.deleted_at IS NULL) DESC, ${TWIN_ORDER} LIMIT 1`,
      values: [key],
    });
    if (voucher === undefined) throw missing(key, "no voucher ever had this code: check the code");
    const rows = await database.query<Omit<AuditEntry, "at" | "token_issued_at"> & AuditTimes>({
      name: before === undefined ? "voucher-audit-read" : "voucher-audit-read-before",
      text: `SELECT id, code, at, ${AUDIT_COLUMNS}, before, after FROM voucher_audit
              WHERE left(code, 256) = left($1, 256) AND code = $1 ${before === undefined ? "" : "AND id < $3::bigint"} ORDER BY id DESC LIMIT $2`,
      values: [voucher.code, limit + 1, ...(before === undefined ? [] : [before])],
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

interface AuditTimes {
  at: Date;
  token_issued_at: Date | null;
}
