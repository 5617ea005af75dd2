import type { Queryable } from "../db/database.ts";
import { IS_DRAWN_SQL, LOOKUP_KEY_SQL, UNDASHED_SQL } from "../db/schema.ts";
import { undashedOf } from "./code.ts";
import { voucherKey } from "./key.ts";

/**
 * The key of the voucher that a typed code means. It is `voucherKey`, except for a generated code that was typed without
 * its dashes or with blanks, also in its prefix. For that code, a live voucher counts before a revoked one, and the code as
 * typed before a generated one. Only codes of this form cost a query.
 */
export async function resolveKey(database: Queryable, code: string): Promise<string> {
  const key = voucherKey(code);
  const undashed = undashedOf(key);
  if (undashed === undefined) return key;
  const [found] = await database.query<{ code: string; is_drawn: boolean }>({
    name: "voucher-resolve",
    text: `SELECT code, is_drawn FROM (
             SELECT p.code, p.deleted_at, false AS is_drawn FROM promo_codes p WHERE ${LOOKUP_KEY_SQL} = $1
             UNION ALL SELECT p.code, p.deleted_at, true FROM promo_codes p WHERE ${IS_DRAWN_SQL} AND ${UNDASHED_SQL} = $2
           ) AS meant ORDER BY (deleted_at IS NULL) DESC, is_drawn LIMIT 1`,
    values: [key, undashed],
  });
  return found?.is_drawn ? found.code : key;
}
