import { beforeAll } from "vitest";
import { type Answer, billing, signToken, useBilling } from "../builder/billing.ts";

export { billing };
/** Tokens of a sovereign-admin and a superadmin. */
export let admin: string;
export let superadmin: string;

/** Like `useBilling`, with the tokens. */
export function useOneBilling(options: { reconciled?: boolean } = {}): void {
  useBilling(options);
  beforeAll(async () => {
    admin = await signToken("admin", "sovereign-admin");
    superadmin = await signToken("root", "superadmin");
  });
}

/** A code that the service generated. */
export const DRAWN_CODE = /^([2-9A-HJKMNP-TV-Z]{4}-){2}[2-9A-HJKMNP-TV-Z]{4}$/;

export const issue = (body: object, headers: Record<string, string> = {}, one = billing): Promise<Answer> =>
  one.ask("/billing/vouchers/issue", { token: admin, body, headers });

export const preview = (code: unknown, one = billing): Promise<Answer> =>
  one.ask("/billing/vouchers/redeem-preview", { body: { code } });

export const revoke = (code: string): Promise<Answer> =>
  billing.ask(`/billing/vouchers/revoke/${encodeURIComponent(code)}`, { method: "DELETE", token: admin });

/** The first column of a statement's first row. */
export async function scalar(sql: string, values: unknown[] = []): Promise<unknown> {
  const { rows } = await billing.database.pool.query({ text: sql, values, rowMode: "array" });
  return rows[0]?.[0];
}

export const counter = (code: string) =>
  scalar("SELECT times_redeemed FROM promo_codes WHERE code = $1", [code]);
export const redemptions = (code: string) =>
  scalar("SELECT count(*)::int FROM promo_redemptions WHERE code = $1", [code]);
export const balance = (user: string) =>
  scalar("SELECT balance_baisa::int FROM customers WHERE user_id = $1", [user]);

export const repeat = <T>(count: number, make: (index: number) => T) =>
  Promise.all(Array.from({ length: count }, (_, index) => make(index)));
