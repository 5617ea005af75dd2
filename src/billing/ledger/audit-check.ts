import type pg from "pg";
import type { LedgerCheck, LedgerDifference } from "./check.ts";
import { isSmokeRow } from "./smoke-check.ts";

/** The terms in an audit row's `before` or `after`, with null for a member that is left out: as `billing_voucher_record` writes them. */
const termsOf = (json: string) => `jsonb_build_object(
  'code', ${json} -> 'code', 'credit_omr', ${json} -> 'credit_omr', 'description', ${json} -> 'description',
  'active', ${json} -> 'active', 'max_redemptions', ${json} -> 'max_redemptions', 'deleted_at', ${json} -> 'deleted_at',
  'starts_at', ${json} -> 'starts_at', 'expires_at', ${json} -> 'expires_at')`;

/** Whether recorded terms equal a voucher's terms. Where the row is the smoke test's, the voucher may be live or revoked. */
const isSame = (terms: string, recorded: string, isSmoke: string) => `(${terms} = ${recorded}
  OR (${isSmoke} AND ${terms} - '{active,deleted_at}'::text[] = ${recorded} - '{active,deleted_at}'::text[]))`;

/**
 * Whether a time is absent, or a date that the service can have written. Digests and recorded terms have times as text, which
 * is the same for a year before Christ, and empty for infinity as for null.
 */
const isWritable = (time: string) =>
  `(${time} IS NULL OR (${time} >= '0001-01-01 00:00:00+00' AND ${time} < 'infinity'))`;

/** The last row of the audit. An auditor who keeps it can prove later that nothing before it was changed or removed. */
export interface AuditHead {
  id: string;
  digest: string;
}

/** Reports a last row that was read earlier, and that the audit no longer has unchanged. */
export async function findLostHead(
  client: pg.ClientBase,
  head: AuditHead | undefined,
): Promise<LedgerDifference[]> {
  if (head === undefined) return [];
  const { rows } = await client.query<{ digest: string }>(
    "SELECT digest FROM public.voucher_audit WHERE id = $1",
    [head.id],
  );
  const digest = rows[0]?.digest ?? null;
  if (digest === head.digest) return [];
  return [
    { kind: "audit-head-lost", adopted: false, row: { audit_id: head.id, expected: head.digest, digest } },
  ];
}

/** Objects of the schema that the checks rely on, or that keep the books append-only. */
const GUARDS = /^(?:function|(?:trigger|rule|policy) (?:credit_ledger|voucher_audit|voucher_audit_head)\.)/;

/**
 * Guards that are missing, are disabled or are not ours. `drift` is that of the schema. A role that can replace
 * `billing_audit_digest` can make any row look unchanged.
 */
export function findChangedGuards(drift: readonly string[]): LedgerDifference[] {
  return drift
    .filter((line) => GUARDS.test(line))
    .map((line) => ({ kind: "guard-changed", adopted: false, row: { object: line } }));
}

export async function readAuditHead(client: pg.ClientBase): Promise<AuditHead | null> {
  const { rows } = await client.query<AuditHead>(
    "SELECT id, digest FROM public.voucher_audit ORDER BY id DESC LIMIT 1",
  );
  return rows[0] ?? null;
}

/**
 * Checks that the audit is consistent, and that it matches the vouchers. Each query reads voucher_audit once. A voucher
 * that the earlier service changed after its adoption differs too, because no audit row names the author of the change.
 */
export const AUDIT_CHECKS: readonly LedgerCheck[] = [
  {
    // A row that was changed, or was written without the trigger. The digest is the same for a JSON null as for none.
    kind: "audit-row-changed",
    sql: `SELECT false AS adopted, jsonb_build_object('audit_id', a.id, 'code', a.code, 'at', a.at, 'digest', a.digest) AS row
            FROM public.voucher_audit a
           WHERE public.billing_audit_digest(a) <> a.digest OR NOT ${isWritable("a.at")} OR NOT ${isWritable("a.token_issued_at")}
              OR jsonb_typeof(a.before) = 'null' OR jsonb_typeof(a.after) = 'null' ORDER BY a.id`,
  },
  {
    // Ids have no gaps, and each row has the digest of the one before.
    kind: "audit-row-missing",
    sql: `SELECT false AS adopted, jsonb_build_object('audit_id', a.id, 'code', a.code, 'follows', a.last_id) AS row
            FROM (SELECT id, code, previous_digest, lag(id, 1, 0) OVER chain AS last_id, lag(digest, 1, '') OVER chain AS last_digest
                    FROM public.voucher_audit WINDOW chain AS (ORDER BY id)) a
           WHERE a.id <> a.last_id + 1 OR a.previous_digest <> a.last_digest ORDER BY a.id`,
  },
  {
    // Rows at the end were deleted, or were added after the end of the chain.
    kind: "audit-end-differs",
    sql: `SELECT false AS adopted, jsonb_build_object('head_id', h.last_id, 'head_digest', h.digest, 'last_id', a.id, 'last_digest', a.digest) AS row
            FROM (SELECT coalesce(max(last_id), 0) AS last_id, coalesce(max(digest), '') AS digest FROM public.voucher_audit_head) h
            LEFT JOIN (SELECT id, digest FROM public.voucher_audit ORDER BY id DESC LIMIT 1) a ON true
           WHERE h.last_id <> coalesce(a.id, 0) OR h.digest <> coalesce(a.digest, '')`,
  },
  {
    // The last audit row of a code must have the current terms of its voucher. An adopted voucher may have been revoked at
    // any time, but it had no other dates. A time that the service cannot have written differs from every recorded one.
    kind: "voucher-differs-from-audit",
    sql: `SELECT false AS adopted,
                 jsonb_build_object('code', coalesce(p.code, a.code), 'audit_id', a.id, 'audit', a.terms, 'voucher', p.terms) AS row
            FROM (SELECT DISTINCT ON (code) id, code, action, ${termsOf("after")} AS terms, ${isSmokeRow("v")} AS is_smoke
                    FROM public.voucher_audit v ORDER BY code, id DESC) a
            FULL JOIN (SELECT p.code, public.billing_voucher_record(p) || CASE
                                WHEN ${isWritable("p.starts_at")} AND ${isWritable("p.expires_at")} AND (p.adopted OR ${isWritable("p.deleted_at")}) THEN '{}'
                                ELSE jsonb_build_object('starts_at', p.starts_at, 'expires_at', p.expires_at, 'deleted_at', p.deleted_at) END AS terms
                         FROM public.promo_codes p) p ON p.code = a.code
           WHERE (${isSame("p.terms", "a.terms", "a.is_smoke")}) IS NOT TRUE
             AND NOT (p.code IS NULL AND a.action = 'record') ORDER BY coalesce(p.code, a.code)`,
  },
  {
    // A voucher is issued by the actor of its last change, unless that was its revocation. Grants leave out the vouchers of
    // the operator. A `record` acknowledges any issuer.
    kind: "issuer-differs-from-audit",
    sql: `SELECT false AS adopted, jsonb_build_object('code', p.code, 'audit_id', a.id, 'audit', a.issuer, 'voucher', p.issued_by) AS row
            FROM public.promo_codes p
            JOIN (SELECT DISTINCT ON (code) id, code, action, CASE action WHEN 'adopt' THEN NULL ELSE actor END AS issuer
                    FROM public.voucher_audit WHERE action <> 'revoke' ORDER BY code, id DESC) a ON a.code = p.code
           WHERE a.action <> 'record' AND p.issued_by IS DISTINCT FROM a.issuer ORDER BY p.code`,
  },
  {
    // Each change must begin with the terms with which the change before ended. A `record` acknowledges all earlier
    // differences.
    kind: "voucher-changed-without-audit",
    sql: `SELECT false AS adopted,
                 jsonb_build_object('code', a.code, 'audit_id', a.id, 'after_audit_id', a.last_id, 'was', a.last_terms, 'found', a.terms) AS row
            FROM (SELECT id, code, action, ${termsOf("before")} AS terms, lag(id) OVER trail AS last_id, lag(${isSmokeRow("v")}) OVER trail AS follows_smoke,
                         lag(${termsOf("after")}) OVER trail AS last_terms
                    FROM public.voucher_audit v WINDOW trail AS (PARTITION BY code ORDER BY id)) a
           WHERE a.last_id IS NOT NULL AND a.action <> 'record' AND (${isSame("a.terms", "a.last_terms", "a.follows_smoke")}) IS NOT TRUE
             AND NOT EXISTS (SELECT 1 FROM public.voucher_audit r WHERE r.code = a.code AND r.action = 'record' AND r.id > a.id)
           ORDER BY a.id`,
  },
];
