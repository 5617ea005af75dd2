import type { Database } from "../db/database.ts";
import { AUDIT_COLUMNS, type AuditAction, isAuditTextEqual, OPERATOR_ACTOR } from "./audit.ts";
import { resolveKey } from "./resolve.ts";
import { findAny, missing } from "./row.ts";
import type { VoucherRecord } from "./voucher.ts";

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
      isAuditTextEqual("code", parameter),
    );
    add("from", from, (parameter) => `at >= ${parameter}::timestamptz`);
    add("to", to, (parameter) => `at < ${parameter}::timestamptz`);
    add(
      "actor",
      actor,
      (parameter) =>
        `((${isAuditTextEqual("actor", parameter)}) OR (${isAuditTextEqual("subject", parameter)}))`,
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
