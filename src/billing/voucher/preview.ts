import { createBatch } from "../db/batch.ts";
import type { Database } from "../db/database.ts";
import { LOOKUP_KEY_SQL } from "../db/schema.ts";
import { twinOrder } from "./row.ts";
import type { VoucherPreview } from "./voucher.ts";

const MAX_BATCH = 50;
const LANES = 2;

/**
 * Finds the live voucher of a key. Most of a lookup's cost is the round trip to the database, so lookups that wait together
 * share one query. Measured with 64 clients, that takes half of this process's processor time and a fifth of the
 * database's, compared with one query per lookup.
 */
export function createVoucherLookup(deps: {
  database: Database;
}): (key: string) => Promise<VoucherPreview | undefined> {
  const batch = createBatch<string, VoucherPreview | null>({
    async run(keys) {
      const rows = await deps.database.query<VoucherPreview & { place: number }>({
        name: "voucher-preview",
        text: `SELECT k.place::int AS place, p.code, coalesce(p.credit_omr, 0) AS credit_omr, coalesce(p.description, '') AS description,
                      coalesce(p.active, false) AS active, billing_accepts_redemptions(p, now()) AS accepting_redemptions
                 FROM unnest($1::text[]) WITH ORDINALITY AS k (key, place)
                CROSS JOIN LATERAL (SELECT p.* FROM promo_codes p WHERE ${LOOKUP_KEY_SQL} = k.key AND p.deleted_at IS NULL
                                     ORDER BY ${twinOrder("k.key")} LIMIT 1) p`,
        values: [keys],
      });
      const found = Array<VoucherPreview | null>(keys.length).fill(null);
      for (const { place, ...preview } of rows) found[place - 1] = preview;
      return found;
    },
    keysOf: () => [],
    // A failure concerns all lookups, because it comes from the database.
    isUndone: () => false,
    maxSize: MAX_BATCH,
    lanes: LANES,
    aloneLanes: 1,
  });
  return async (key) => (await batch.submit(key)) ?? undefined;
}
