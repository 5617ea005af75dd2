import type pg from "pg";
import { isAuditTextEqual, OPERATOR_ACTOR } from "../voucher/audit.ts";
import { SMOKE_TEST } from "../voucher/voucher.ts";
import type { LedgerDifference } from "./check.ts";

const { codePrefix, ...TERMS } = SMOKE_TEST;

/**
 * SQL for an audit row of the operator's smoke test. The test issues and revokes its voucher again and again, and only the
 * first issue writes a row. So after this row alone, the voucher may be live or revoked. `isSmokeTest` in voucher/audit.ts is
 * the same rule for a voucher.
 */
export const isSmokeRow = (row: string) =>
  `(${row}.action = 'smoke' AND ${row}.actor = '${OPERATOR_ACTOR}' AND starts_with(${row}.code, '${codePrefix}')
    AND ${row}.after @> '${JSON.stringify(TERMS)}' AND ${row}.after ->> 'starts_at' IS NULL AND ${row}.after ->> 'expires_at' IS NULL)`;

const LIVE = `SELECT p.code, p.xmin::text AS version, last.id AS audit_id, last.at
  FROM public.promo_codes p
 CROSS JOIN LATERAL (SELECT a.* FROM public.voucher_audit a WHERE ${isAuditTextEqual("a.code", "p.code")}
                      ORDER BY a.id DESC LIMIT 1) AS last
 WHERE p.deleted_at IS NULL AND starts_with(p.code, '${codePrefix}') AND ${isSmokeRow("last")} ORDER BY p.code`;

interface LiveSmokeVoucher {
  code: string;
  /** Changes with each write of the voucher, so also when another test issues it. */
  version: string;
  audit_id: string;
  at: Date;
}

/**
 * Vouchers of the operator's smoke test that are live for longer than a test can take, which is the time that `wait` takes.
 * The audit does not show when a test issued its voucher last, so this reads them twice. Without a live one, it does not wait.
 */
export async function findLastingSmokeVouchers(
  client: pg.ClientBase,
  wait: () => Promise<unknown>,
): Promise<LedgerDifference[]> {
  const read = async () => (await client.query<LiveSmokeVoucher>(LIVE)).rows;
  const before = await read();
  if (before.length === 0) return [];
  await wait();
  const versions = new Map(before.map(({ code, version }) => [code, version]));
  return (await read())
    .filter(({ code, version }) => versions.get(code) === version)
    .map(({ code, audit_id, at }) => ({
      kind: "smoke-voucher-live",
      adopted: false,
      row: { code, audit_id, at },
    }));
}
